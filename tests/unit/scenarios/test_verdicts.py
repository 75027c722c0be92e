"""What a scenario makes of the facts: each fact that is not as predicted is noticed. No cluster, no clients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

import kit
from kit import scenarios
from kit.broker.timeline import Event
from kit.history import History, check
from kit.scenarios import Ending, Step
from kit.scenarios.clients import Sent
from kit.scenarios.coordinators import CoordinatorFacts, offsets_partition
from kit.scenarios.cuts import CutFacts
from kit.scenarios.four_brokers import FourBrokersFacts, Kill
from kit.scenarios.reading import ReadingFacts
from kit.scenarios.refusals import Refusal
from kit.scenarios.unclean import UncleanFacts

Logs = dict[str, list[tuple[int, int, str]]]


def sent(value: str, offset: int, topic: str = "t") -> Sent:
    """An acknowledged record."""
    return Sent(topic, 0, value, offset=offset)


def refused(value: str, error: str) -> Sent:
    """A record that was not acknowledged."""
    return Sent("t", 0, value, error=error)


def ending(logs: Logs, events: Sequence[Event] = (), acknowledged: Sequence[Sent] = ()) -> Ending:
    """An end with these logs, judged against what was acknowledged."""
    history = History()
    for each in acknowledged:
        history.invoke("p", "send", each.topic, each.partition, None, each.value).ok(offset=each.offset)
    for topic, log in logs.items():
        history.final_log(topic, 0, [(offset, value) for _, offset, value in log])
    return Ending(check(history), logs, events)


def verdicts(steps: Sequence[Step]) -> list[bool]:
    """Which steps came out."""
    return [step.ok for step in steps]


# -- the cut -----------------------------------------------------------------------------------------------------

BEFORE, AFTER = [sent("a", 0), sent("b", 1)], [sent("x", 2), sent("y", 3)]
ALONE = [sent("c", 2), sent("d", 3)]
CUT = CutFacts(
    topic="t", old_leader=1, others=(2, 3), new_leader=2, leader_epoch=1, in_sync=[2, 3], before=BEFORE, alone=ALONE,
    after=AFTER, old_side_saw=["a", "b"], old_end_offset=2, new_side_saw=["a", "b", "x", "y"],
)  # fmt: skip
TIMED_OUT = replace(CUT, alone=[refused("c", "REQUEST_TIMED_OUT")])
CUT_LOG: Logs = {"t": [(0, 0, "a"), (0, 1, "b"), (0, 2, "x"), (0, 3, "y")]}
TRUNCATED = Event(5, "truncated", 1, "t", 0, {"offset": 2, "end_offset": 4})
LATE = Event(4, "write_timed_out", 1, "t", 0, {"offset": 2})


def acks_1(facts: CutFacts = CUT, events: Sequence[Event] = (TRUNCATED,), log: Logs = CUT_LOG) -> list[bool]:
    """What the scenario with acks=1 says."""
    told = ending(log, events, [*BEFORE, *ALONE])
    return verdicts(scenarios.cut_acks_1.tell(facts, told))


def acks_all(
    facts: CutFacts = TIMED_OUT, events: Sequence[Event] = (TRUNCATED, LATE), log: Logs = CUT_LOG
) -> list[bool]:
    """What the scenario with acks=all says."""
    return verdicts(scenarios.cut_acks_all.tell(facts, ending(log, events, [*BEFORE, *AFTER])))


def test_cut_that_goes_as_predicted_is_ok() -> None:
    """The facts of a sound Kafka pass every step."""
    assert acks_1() == [True] * 8
    assert acks_all() == [True] * 8


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({"before": [sent("a", 0), refused("b", "UNKNOWN")]}, 0),
        ({"before": []}, 0),
        ({"new_leader": 1}, 1),
        ({"in_sync": [1, 2, 3]}, 1),
        ({"alone": [sent("c", 2), refused("d", "REQUEST_TIMED_OUT")]}, 2),
        ({"old_side_saw": ["a", "b", "c"]}, 5),
        ({"old_end_offset": 4}, 5),
        ({"after": [refused("x", "NOT_LEADER_OR_FOLLOWER")]}, 3),
        ({"new_side_saw": ["a", "b"]}, 4),
    ],
)
def test_cut_with_acks_1_notices_each_fact_that_is_wrong(change: dict[str, Any], step: int) -> None:
    """One wrong fact spoils its own step."""
    assert not acks_1(replace(CUT, **change))[step]


def test_cut_without_truncation_or_without_loss_is_not_as_predicted() -> None:
    """A kit that keeps what the minority took, or a checker that finds no loss, is found out."""
    assert acks_1(events=[]) == [*[True] * 6, False, True]
    kept: Logs = {"t": [*CUT_LOG["t"], (0, 4, "c"), (0, 5, "d")]}
    assert acks_1(log=kept) == [*[True] * 6, False, False]


@pytest.mark.parametrize(
    ("facts", "events"),
    [
        (replace(TIMED_OUT, alone=[sent("c", 2)]), (TRUNCATED, LATE)),
        (replace(TIMED_OUT, alone=[refused("c", "NOT_ENOUGH_REPLICAS")]), (TRUNCATED, LATE)),
        (TIMED_OUT, ()),
    ],
    ids=["acknowledged", "another error", "not in the timeline"],
)
def test_cut_with_acks_all_must_time_out(facts: CutFacts, events: Sequence[Event]) -> None:
    """An acknowledgement, another error and a timeout of which no broker shows a trace are all wrong."""
    assert not acks_all(facts, events)[2]


def test_cut_with_acks_all_that_loses_is_not_as_predicted() -> None:
    """A record of the majority that is gone spoils the verdict of the history."""
    assert acks_all(log={"t": CUT_LOG["t"][:3]})[-1] is False


# -- four brokers ------------------------------------------------------------------------------------------------

KILL = Kill(1, ["A-0"], {"A-0": 2, "A-1": 2}, {"A-0": [2, 3], "A-1": [2, 3]}, [sent("b", 1)])
FOUR = FourBrokersFacts({"A-0": (1, 1), "A-1": (2, 2)}, [sent("a", 0)], [KILL])


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (FOUR, [True] * 4),
        (replace(FOUR, leaders={"A-0": (3, 1), "A-1": (2, 2)}), [False, True, True, True]),
        (replace(FOUR, first=[refused("a", "UNKNOWN")]), [True, False, True, True]),
        (replace(FOUR, kills=[replace(KILL, sent=[refused("b", "UNKNOWN")])]), [True, True, False, True]),
        (replace(FOUR, kills=[replace(KILL, leaders={"A-0": 1, "A-1": 2})]), [True, True, False, True]),
        (replace(FOUR, kills=[replace(KILL, leaders={"A-0": 2, "A-1": 3})]), [True, True, False, True]),
        (replace(FOUR, kills=[replace(KILL, leaders={"A-0": 4, "A-1": 2})]), [True, True, False, True]),
    ],
    ids=["sound", "other leaders", "no write", "no write meanwhile", "dead leader", "moved in vain", "out of sync"],
)
def test_four_brokers_notices_leaders_and_writes(facts: FourBrokersFacts, expected: list[bool]) -> None:
    """Only what the dead broker led moves, to a replica in sync, and every write is acknowledged."""
    assert verdicts(scenarios.four_brokers.tell(facts, ending({}))) == expected


# -- the others --------------------------------------------------------------------------------------------------

REFUSAL = Refusal(
    topic="t", killed=[3], min_isr=3, in_sync=[1, 2], before=[sent("a", 0)],
    refused=[refused("b", "NOT_ENOUGH_REPLICAS")], hidden=[sent("c", 1)], end_offset=1, after=[sent("d", 2)],
)  # fmt: skip
REFUSED = Event(3, "write_refused", 1, "t", 0, {"error": "NOT_ENOUGH_REPLICAS"})
REFUSAL_LOG: Logs = {"t": [(0, 0, "a"), (0, 1, "c"), (0, 2, "d")]}


@pytest.mark.parametrize(
    ("facts", "log", "expected"),
    [
        (REFUSAL, REFUSAL_LOG, [True] * 5),
        (replace(REFUSAL, refused=[sent("b", 1)]), REFUSAL_LOG, [True, False, True, True, True]),
        (replace(REFUSAL, in_sync=[1, 2, 3]), REFUSAL_LOG, [True, False, True, True, True]),
        (replace(REFUSAL, end_offset=2), REFUSAL_LOG, [True, True, False, True, True]),
        (replace(REFUSAL, after=[refused("d", "UNKNOWN")]), REFUSAL_LOG, [True, True, True, False, True]),
        (REFUSAL, {"t": [(0, 0, "a"), (0, 1, "b")]}, [True, True, True, False, True]),
    ],
    ids=["sound", "taken", "all in sync", "shown", "refused for ever", "refused and written"],
)
def test_not_enough_replicas_notices_each_fact(facts: Refusal, log: Logs, expected: list[bool]) -> None:
    """Refused means not written; acks=1 means not shown; and afterwards all is well."""
    assert verdicts(scenarios.not_enough_replicas.tell([facts], ending(log, [REFUSED]))) == expected


UNCLEAN = UncleanFacts(
    clean="safe", unclean="t", last=1, behind=2, kept=[sent("a", 0, "safe"), sent("a", 0)],
    only_last=[sent("b", 1, "safe"), sent("c", 1)], clean_leader=None, unclean_leader=2, reason="unclean election",
    after=[sent("x", 1)],
)  # fmt: skip
UNCLEAN_LOGS: Logs = {"safe": [(0, 0, "a"), (0, 1, "b")], "t": [(0, 0, "a"), (0, 1, "x")]}


@pytest.mark.parametrize(
    ("facts", "logs", "expected"),
    [
        (UNCLEAN, UNCLEAN_LOGS, [True] * 5),
        (replace(UNCLEAN, clean_leader=2), UNCLEAN_LOGS, [True, False, True, True, True]),
        (replace(UNCLEAN, unclean_leader=None), UNCLEAN_LOGS, [True, False, True, True, True]),
        (UNCLEAN, {**UNCLEAN_LOGS, "safe": [(0, 0, "a")]}, [True, True, True, False, False]),
        (UNCLEAN, {**UNCLEAN_LOGS, "t": [(0, 0, "a"), (0, 1, "c")]}, [True, True, True, False, False]),
    ],
    ids=["sound", "clean topic led", "nobody elected", "clean topic loses", "nothing lost"],
)
def test_unclean_election_loses_there_and_nowhere_else(facts: UncleanFacts, logs: Logs, expected: list[bool]) -> None:
    """The topic that allows it loses what the follower lacked; the other one waits and keeps all."""
    told = ending(logs, [TRUNCATED], [*UNCLEAN.kept, *UNCLEAN.only_last])

    assert verdicts(scenarios.unclean_election.tell(facts, told)) == expected


GROUP = CoordinatorFacts(
    group="g", topic="t", old=1, new=2, committed=(3, 3), sent=[sent(str(number), number) for number in range(7)],
    first_read=["0", "1", "2"], second_read=["3", "4", "5"], third_read=["6"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({"new": 1}, 1),
        ({"new": None}, 1),
        ({"committed": (3, 0)}, 1),
        ({"second_read": ["0", "1", "2", "3", "4", "5"]}, 2),
        ({"third_read": ["3"]}, 3),
        ({"sent": [refused("0", "UNKNOWN")]}, 4),
    ],
)
def test_coordinator_failover_notices_each_fact(change: dict[str, Any], step: int) -> None:
    """A commit that is lost, and a record that is read twice, are found out."""
    tell: Callable[[CoordinatorFacts, Ending], Sequence[Step]] = scenarios.coordinator_failover.tell

    assert verdicts(tell(GROUP, ending({}))) == [True] * 5
    assert not verdicts(tell(replace(GROUP, **change), ending({})))[step]


READING = ReadingFacts(
    topic="t", leader=1, follower=2, rack="r", sent=[sent("a", 0)], far_bytes={1: 90.0, 2: 1.0},
    near_bytes={1: 5.0, 2: 90.0}, far_values=["a"], near_values=["a"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (READING, [True] * 4),
        (replace(READING, near_bytes={1: 90.0, 2: 5.0}), [True, True, False, True]),
        (replace(READING, far_bytes={1: 1.0, 2: 90.0}), [True, False, True, True]),
        (replace(READING, near_values=[]), [True, True, False, True]),
        (replace(READING, near_bytes={}), [True, True, False, True]),
    ],
    ids=["sound", "rack ignored", "leader ignored", "nothing read", "no figures"],
)
def test_follower_reads_notices_who_served(facts: ReadingFacts, expected: list[bool]) -> None:
    """Who says nothing reads from the leader, who says the rack from the follower, and both read all."""
    assert verdicts(scenarios.follower_reads.tell(facts, ending({}))) == expected


def test_group_is_kept_where_java_would_look_for_it() -> None:
    """The partition is Java's hash without its sign, modulo the partitions."""
    assert offsets_partition("", 50) == 0
    assert offsets_partition("a", 50) == 97 % 50
    assert offsets_partition("polygenelubricants", 50) == 0  # whose hash is Integer.MIN_VALUE


@pytest.mark.parametrize("what", ["localhost:9092", 3, kit.Cluster], ids=str)
def test_scenario_on_what_is_no_cluster_says_so(what: Any) -> None:
    """In one sentence, with what to call instead."""
    with pytest.raises(kit.ScenarioError, match=r"is replayed on a cluster, not on .*four_brokers\(kit\.start\("):
        scenarios.four_brokers(what)
