"""The arithmetic of the replication benchmark: ratios, goals, the slowest failover, and which events it times."""

from __future__ import annotations

import pytest

from benchmarks import failover, replication, run
from kit.broker.timeline import Event

APACHE = replication.APACHE


def elected(time_ms: int, topic: str) -> Event:
    """A new leader."""
    details = {"leader": 1, "leader_epoch": 1, "previous": 2, "reason": "broker 2 was fenced"}
    return Event(time_ms, "leader_elected", 1, topic, 0, details)


def medians(per_s: list[float], one_copy: list[float]) -> dict[str, dict[str, float]]:
    """Produce cases of embedded and of its single copy; and one of consuming, which counts for no goal."""
    cases = {
        f"produce case {number}: MB/s": {"embedded": ours, replication.ONE_COPY: theirs}
        for number, (ours, theirs) in enumerate(zip(per_s, one_copy, strict=True))
    }
    return {**cases, "consume case 0: MB/s": {"embedded": 1000.0, replication.ONE_COPY: 1.0}}


def test_goal_is_judged_by_the_median_of_the_produce_cases() -> None:
    """Each case is a ratio; consuming is none of them, and an even number has its two middle ones averaged."""
    found = medians([10.0, 50.0, 30.0, 90.0], [100.0, 100.0, 100.0, 100.0])

    assert replication.ratios(found, "MB/s", replication.ONE_COPY) == [0.1, 0.5, 0.3, 0.9]
    assert replication.verdicts(found) == [
        "Produce, MB/s: embedded RF 3 is 0.40 times embedded RF 1, the median of 0.10, 0.50, 0.30, 0.90 (goal: 0.4)."
    ]


def test_goal_without_its_peer_is_not_judged() -> None:
    """Without Apache Kafka there is no ratio to it, and the units are kept apart."""
    figure = "produce case 0: MB per broker-CPU-s"

    assert replication.verdicts({figure: {"embedded": 80.0}}) == []
    assert replication.verdicts({figure: {"embedded": 80.0, APACHE: 10.0}}) == [
        f"Produce, MB per broker-CPU-s: embedded RF 3 is 8.00 times {APACHE}, the median of 8.00 (goal: 4)."
    ]


def test_slowest_failover_stands_beside_the_median() -> None:
    """A maximum for each failover figure, and for no other."""
    results = run.Results()
    for value in (0.4, 0.9, 0.5):
        results.add("failover, lab timers: s", "embedded", value)
    results.add("produce case: MB/s", "embedded", 7.0)

    assert replication.slowest(results) == {"slowest failover, lab timers: s": {"embedded": 0.9}}


def test_table_compares_with_everybody_who_is_named() -> None:
    """One ratio for each named system that was measured, in the order in which they were named."""
    results = run.Results()
    for name, value in (("embedded", 8.0), ("processes", 4.0), ("one copy", 16.0)):
        results.add("speed", name, value)

    rows = run.table(results.medians(), over=["one copy", "nobody", "processes"]).splitlines()

    assert rows[0].endswith("| embedded / one copy | embedded / processes |")
    assert rows[2] == "| speed | 8 | 4 | 16 | 0.50 | 2.00 |"


def test_election_is_timed_from_the_last_kill_and_for_the_topic_asked() -> None:
    """Earlier kills, earlier elections and those of other topics do not count."""
    events = [
        Event(1_000, "kill", 2),
        elected(1_200, "mine"),
        Event(5_000, "kill", 2),
        elected(5_100, "other"),
        elected(5_250, "mine"),
        elected(9_000, "mine"),
    ]

    assert failover.elected_s(events, "mine") == 0.25


def test_election_that_never_was_is_no_figure() -> None:
    """A kill that moved no leader would not be a failover."""
    with pytest.raises(ValueError, match="empty"):
        failover.elected_s([elected(500, "mine"), Event(1_000, "kill", 2)], "mine")


@pytest.mark.parametrize(("is_controller", "leader"), [(True, 1), (False, 2)])
def test_leader_is_the_controller_or_is_not(is_controller: bool, leader: int) -> None:
    """Both cases of a kill are made on purpose."""
    assert failover.leader_for([1, 2, 3], 1, is_controller=is_controller) == leader
