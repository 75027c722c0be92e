"""Lab 09 from top to bottom without a hand on it: as handed out and without Docker, and as solved with it."""

from __future__ import annotations

import ast
import asyncio
import re
from typing import Any

import pytest

from kit.lessons.two_runs import Run
from tests.labs.notebooks import Cells, EveryLab, printed, run
from tests.support.requirements import need

NO_DOCKER = {"DOCKER_HOST": "tcp://127.0.0.1:1"}  # nobody listens at port 1


def table(cells: Cells) -> dict[str, tuple[str, str]]:
    """What both clusters said, by row of the lab's picture: the embedded one, and Apache Kafka."""
    (output,) = cells["compare"].outputs
    rows = re.findall(r'scope="row"[^>]*>([^<]+)</th><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td>', output.data["text/html"])
    return {what: (re.sub("<.*?>", "", embedded), re.sub("<.*>", "", kafka)) for what, embedded, kafka in rows}


def recorded(cells: Cells) -> Run:
    """What the lab has recorded of Apache Kafka."""
    assignment: Any = ast.parse(cells["run-docker"].source).body[0]
    where = ast.literal_eval(assignment.value.args[0])
    return Run(where, **{each.arg: ast.literal_eval(each.value) for each in assignment.value.keywords})


@pytest.mark.labs
@pytest.mark.slow
class TestRealKafka(EveryLab):
    """One story on two clusters, and a cluster of somebody else."""

    LAB = "09-real-kafka.ipynb"
    SOLUTIONS = (
        (
            "guess",
            '{"start time", "partitions", "offsets", "committed", "failover time", "records lost"}',
            '{"partitions", "offsets", "committed", "records lost"}',
        ),
        (
            "send",
            "KafkaProducer(bootstrap_servers=there.bootstrap_servers, bootstrap_timeout_ms=3000)  # TODO",
            "KafkaProducer(**there.client_settings)",
        ),
    )
    CHECKS = (("check-same", "09.same"), ("send", "09.connected"))

    @pytest.fixture(scope="class")
    @classmethod
    def runs(cls, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cells]:
        """Give both runs; Docker is looked for by the lab itself in the second one."""

        async def run_both() -> dict[str, Cells]:
            folders = [tmp_path_factory.mktemp(name) for name in ("shipped", "solved")]
            shipped, solved = await asyncio.gather(
                run(cls.LAB, folders[0], environment=NO_DOCKER), run(cls.LAB, folders[1], cls.SOLUTIONS)
            )
            return {"shipped": shipped, "solved": solved}

        return asyncio.run(run_both())

    def test_without_docker_the_lab_says_so_and_shows_what_was_recorded(self, shipped: Cells) -> None:
        """It names what is missing, and the table says that its right column was recorded."""
        said = printed(shipped["choose"])

        assert "cannot be started here" in said
        assert "- Docker engine: " in said
        assert "Apache Kafka, recorded" in shipped["compare"].outputs[0].data["text/html"]
        run, shown = recorded(shipped), {what: kafka for what, (_, kafka) in table(shipped).items()}
        assert {what: shown[what] for what in run.notes} == run.notes
        assert {what: shown[what] for what in run.seconds} == {
            what: f"{took:.1f} s" for what, took in run.seconds.items()
        }
        assert list(shown)[-1] == "features"

    def test_with_docker_both_clusters_say_the_same(self, solved: Cells) -> None:
        """What is computed is equal on Apache Kafka, on the embedded cluster, and in the lab's record."""
        need("docker")
        rows = table(solved)

        assert "on both" in printed(solved["choose"])
        assert "docker" in solved["run-docker"].outputs[-1].data["text/plain"]
        for what in ("version", "partitions", "offsets", "committed", "offset after it", "records lost"):
            assert rows[what] == (recorded(solved).notes[what],) * 2, what
        assert rows["features"] == ("none", recorded(solved).notes["features"])

    def test_department_lets_nobody_in_without_the_password(self, shipped: Cells) -> None:
        """A wrong password and a missing one each get their sentence; no password is in the notebook."""
        assert "refuses the user name 'ann'" in printed(shipped["connect-wrong"])
        assert "Unable to bootstrap" in printed(shipped["send"])
        assert "sasl.password=(your password)" in printed(shipped["department"])
