"""kafka-python's own integration tests, run against the embedded broker and compared with the list beside this file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest

from tests.clients.kafka_python_sdist import NoSuite, fetch_suite, run_suite
from tests.support.requirements import missing

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.timeout(300)]

LIST = Path(__file__).with_name("kafka_python_suite.txt")
KAFKA_VERSION = "4.3.0"  # what the embedded broker speaks
LEAST_PASSING = 49  # of 67; raised with the list and never lowered. Apache Kafka itself passes 55
CONFIG = {
    "num.partitions": 4,  # the suite's consumers wait for four
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,  # one case has a session that short
}


@dataclass(frozen=True)
class Listed:
    """A line of the list."""

    verdict: str
    case: str
    reason: str


def read_list() -> list[Listed]:
    """Return the list's lines."""
    listed = []
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            verdict, _, rest = line.partition(" ")
            case, _, reason = rest.partition(": ")
            listed.append(Listed(verdict, case, reason))
    return listed


@pytest.fixture(scope="module")
def outcomes(
    serve: Callable[[int, Mapping[str, object]], str],
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """Run the whole suite once: per case the empty string, or how it ended."""
    folder = pytestconfig.cache.mkdir("kafka-python-suite")
    try:
        suite = fetch_suite(folder, metadata.version("kafka-python"))
    except NoSuite as failure:
        missing("the source distribution of kafka-python", str(failure))
    report = tmp_path_factory.mktemp("kafka-python-suite") / "report.xml"
    return run_suite(suite, serve(1, CONFIG), KAFKA_VERSION, report)


def test_suite_list_names_every_case(outcomes: dict[str, str]) -> None:
    """Each case of the suite stands on the list exactly once, and nothing else does."""
    assert sorted(outcomes) == sorted(line.case for line in read_list())


def test_suite_list_gives_a_reason_for_each_case_that_need_not_pass() -> None:
    """Only three verdicts exist; a case that need not pass says why, and enough cases pass."""
    listed = read_list()
    assert {line.verdict for line in listed} == {"pass", "later", "never"}
    assert [line.case for line in listed if (line.verdict == "pass") == bool(line.reason)] == []
    assert sum(line.verdict == "pass" for line in listed) >= LEAST_PASSING


def test_suite_cases_on_the_list_pass(outcomes: dict[str, str]) -> None:
    """What once passed keeps passing."""
    wanted = [line.case for line in read_list() if line.verdict == "pass"]
    failed = {case: ended for case in wanted if (ended := outcomes.get(case, "did not run"))}
    assert not failed, "\n\n".join(f"{case}: {ended}" for case, ended in failed.items())


def test_suite_cases_that_pass_are_on_the_list(outcomes: dict[str, str]) -> None:
    """The list grows with the broker: a case that passes by now must be moved to ``pass``."""
    may_pass = {"pass", "later"} if os.environ.get("KIT_TEST_BOOTSTRAP") else {"pass"}
    unlisted = [line.case for line in read_list() if line.verdict not in may_pass and outcomes.get(line.case) == ""]
    assert unlisted == [], f"these pass now; change their lines in {LIST.name} to `pass CASE`"
