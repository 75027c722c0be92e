"""Lab 09 from top to bottom without a hand on it: as handed out and without Docker, and as solved with it."""

from __future__ import annotations

import ast
import asyncio
from typing import Any

import pytest

from tests.labs.notebooks import Cells, EveryLab, printed, run
from tests.support.requirements import need

NO_DOCKER = {"DOCKER_HOST": "tcp://127.0.0.1:1"}  # nobody listens at port 1


def table(cells: Cells) -> dict[str, tuple[str, str]]:
    """What both clusters said, by row of the lab's table: the embedded one, and Apache Kafka."""
    (output,) = cells["compare"].outputs
    rows = [line.strip("| ").split(" | ") for line in output.data["text/markdown"].splitlines()[2:]]
    return {what: (embedded, kafka) for what, embedded, kafka in rows}


def recorded(cells: Cells) -> dict[str, str]:
    """What the lab has recorded of Apache Kafka."""
    assignment: Any = ast.parse(cells["run-docker"].source).body[0]
    found: dict[str, str] = ast.literal_eval(assignment.value)
    return found


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
        assert "recorded" in shipped["compare"].outputs[0].data["text/markdown"]
        assert {what: kafka for what, (_, kafka) in table(shipped).items()} == recorded(shipped)

    def test_with_docker_both_clusters_say_the_same(self, solved: Cells) -> None:
        """What is computed is equal on Apache Kafka, on the embedded cluster, and in the lab's record."""
        need("docker")
        rows = table(solved)

        assert "on both" in printed(solved["choose"])
        assert "docker" in solved["run-docker"].outputs[-1].data["text/plain"]
        for what in ("version", "partitions", "offsets", "committed", "offset after it", "records lost"):
            assert rows[what] == (recorded(solved)[what],) * 2, what
        assert rows["features switched on"] == ("none", recorded(solved)["features switched on"])

    def test_department_lets_nobody_in_without_the_password(self, shipped: Cells) -> None:
        """A wrong password and a missing one each get their sentence; no password is in the notebook."""
        assert "refuses the user name 'ann'" in printed(shipped["connect-wrong"])
        assert "Unable to bootstrap" in printed(shipped["send"])
        assert "sasl.password=(your password)" in printed(shipped["department"])
