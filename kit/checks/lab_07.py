"""The checks of lab 07, CAP: two histories that the student brings about, and settings for two topics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.checks.evidence import Evidence, SeenEvent
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.history import History, HistoryError
from kit.lessons.outcomes import KEPT, LOST, REFUSED, Outcome, in_words, outcomes

title("07", "CAP, honestly")

REFUSING, LOSING = "cap.refuse", "cap.lose"
ORDERS, LIKES = "shop.orders", "shop.likes"
_CUTS = ("cut", "isolate")
# How a broker shows that it had the write and did not acknowledge it. (When the producer loses patience at the same
# moment as the leader, the leader may be healed before its own time is up: then its log is cut off, and it says that.)
_REFUSALS = ("write_refused", "write_timed_out", "truncated")
_MIN_ISR = "min.insync.replicas"
_UNCLEAN = "unclean.leader.election.enable"


class _NotYetError(Exception):
    """Something is missing before anything can be judged."""

    def __init__(self, happened: str, where: str, try_next: str) -> None:
        super().__init__(happened)
        self.where = where
        self.try_next = try_next


@judge("07.refuse")
def refuse(evidence: Evidence, answer: Any) -> CheckResult:
    """Does a leader that is cut off refuse, so that nothing acknowledged is lost? ``answer``: the history."""
    name = "07.refuse"
    try:
        during, events = _during_the_cut(evidence, answer, REFUSING)
    except _NotYetError as reason:
        return CheckResult(name, False, str(reason), reason.where, reason.try_next)
    lost = [each for each in during if each.word == LOST]
    if lost:
        happened = (
            f"{_records(len(lost))} sent during the cut {_was(len(lost))} acknowledged and then lost: the leader went "
            "on alone instead of refusing."
        )
        return CheckResult(name, False, happened, _where(lost[0]), 'acks="all" makes the leader ask the others first.')
    refused = [each for each in during if each.word == REFUSED]
    if not refused:
        happened = f"Nothing was refused: {in_words(during)}."
        hint = "The producer beside the leader that is cut off has to send something too."
        return CheckResult(name, False, happened, f"topic {REFUSING}", hint)
    said = [each for each in events if each.kind in _REFUSALS]
    if not said:
        happened = f"The producer got {refused[0].told}, but no broker refused a write: it did not reach the leader."
        hint = "Send one record before the cut, and put the producer on the leader's side with clients={...}."
        return CheckResult(name, False, happened, f"topic {REFUSING}", hint)
    kept = sum(each.word == KEPT for each in during)
    happened = (
        f"{_records(len(refused))} {_was(len(refused))} refused on the minority's side ({refused[0].told}), "
        f"{kept} taken on the other. Nothing that was acknowledged is lost. The price: broker and producer were well, "
        "and the producer got an error."
    )
    return CheckResult(name, True, happened, said[-1].text)


@judge("07.lose")
def lose(evidence: Evidence, answer: Any) -> CheckResult:
    """Does a leader that is cut off go on alone, and lose what it acknowledged? ``answer``: the history."""
    name = "07.lose"
    try:
        during, events = _during_the_cut(evidence, answer, LOSING)
    except _NotYetError as reason:
        return CheckResult(name, False, str(reason), reason.where, reason.try_next)
    lost = [each for each in during if each.word == LOST]
    if not lost:
        happened = f"Nothing that was acknowledged is lost: {in_words(during)}."
        refused = any(each.word == REFUSED for each in during)
        hint = (
            'acks="all" made the leader ask the others. Which acks does not?'
            if refused
            else "Did the producer send to the leader that is cut off, and did the others elect one of their own?"
        )
        return CheckResult(name, False, happened, f"topic {LOSING}", hint)
    cuts = [each for each in events if each.kind == "truncated"]
    if not all(any(_covers(cut, each) for cut in cuts) for each in lost):
        happened = f"{_records(len(lost))} cannot be found, but no broker's log was cut off there."
        hint = "Run the whole cell again, from the new topic to the healed network."
        return CheckResult(name, False, happened, _where(lost[0]), hint)
    happened = (
        f"{_records(len(lost))} {_was(len(lost))} acknowledged during the cut and lost when it was healed. The old "
        "leader went on instead of refusing, and its producer was never told."
    )
    return CheckResult(name, True, happened, cuts[-1].text)


@judge("07.topics")
def topics(evidence: Evidence, answer: Any) -> CheckResult:
    """Which settings refuse rather than lose, and which go on whatever happens?"""
    del answer  # the topics say it all
    name = "07.topics"
    for topic in (ORDERS, LIKES):
        found = evidence.partitions(topic)
        if not found:
            hint = "Run the cell above: it creates both topics."
            return CheckResult(name, False, f"There is no topic {topic}.", f"topic {topic}", hint)
        configs = evidence.topic_configs(topic)
        factor, demanded = len(found[0].replicas), configs.get(_MIN_ISR, "")
        unclean = configs.get(_UNCLEAN) == "true"
        where = f"topic {topic}, {factor} replicas, {_MIN_ISR}={demanded}, {_UNCLEAN}={str(unclean).lower()}"
        wrong = (_wrong_orders if topic == ORDERS else _wrong_likes)(factor, demanded, unclean=unclean)
        if wrong:
            return CheckResult(name, False, wrong[0], where, wrong[1])
    happened = (
        f"{ORDERS} refuses acks=all when fewer than two replicas are in sync, and lets nobody lead who lacks any; "
        f"{LIKES} goes on with any replica that is alive, and may forget. That is the topics' half of the choice: the "
        "producers' half is acks, and orders need acks=all."
    )
    return CheckResult(name, True, happened, f"topics {ORDERS} and {LIKES}")


def _wrong_orders(factor: int, demanded: str, *, unclean: bool) -> tuple[str, str] | None:
    if unclean:
        return "A replica that lacks orders may lead: an unclean election loses them.", f"Set {_UNCLEAN} to false."
    if not demanded.isdigit() or int(demanded) < 2:
        return "An order may be acknowledged when the leader alone has it.", f"Set {_MIN_ISR} to 2."
    if int(demanded) >= factor:
        return (
            "One broker down, and no order with acks=all is taken any more.",
            f"{_MIN_ISR} has to be less than the replicas.",
        )
    return None


def _wrong_likes(factor: int, demanded: str, *, unclean: bool) -> tuple[str, str] | None:
    if factor < 2:
        return "With one replica there is nobody to go on when its broker dies.", "Give it three replicas."
    if demanded != "1":
        return "Likes are refused or hidden while replicas are missing.", f"Set {_MIN_ISR} to 1."
    if not unclean:
        happened = "When the last replica in sync dies, the topic has no leader, although another replica is alive."
        return happened, f"Which setting lets it lead? {_UNCLEAN}."
    return None


# -- what happened during the cut --------------------------------------------------------------------------------------


def _during_the_cut(evidence: Evidence, answer: Any, topic: str) -> tuple[list[Outcome], list[SeenEvent]]:
    """What became of what was sent while the network was cut, and the topic's events since the history began.

    Raises:
        _NotYetError: no history, no cut, or it is not over.
    """
    where = f"topic {topic}"
    events = evidence.timeline()
    if events is None:
        hint = "Start one with kit.start() and run the lab there."
        raise _NotYetError("This cluster does not tell what happened in it.", where, hint)
    judged = _judged(evidence, answer, topic)
    begin_ms = min(each.operation.start_ms or 0 for each in judged)
    during = [each for each in judged if _is_cut(events, each.operation.start_ms or 0)]
    if not during:
        hint = "Cut the broker that leads from the others: cluster.cut({1}, {2, 3}, clients={...}), then send."
        raise _NotYetError("Nothing was sent while the network was cut.", where, hint)
    network = [each.kind for each in events if each.kind in {*_CUTS, "heal"}]
    if network[-1] != "heal":
        raise _NotYetError("The network is still cut, so nobody knows yet.", where, "Call cluster.heal(), and wait.")
    behind = [each for each in evidence.partitions(topic) if set(each.isr) != set(each.replicas)]
    if behind:
        happened = f"The old leader has not caught up yet: in sync are {list(behind[0].isr)}."
        raise _NotYetError(happened, f"{where}, partition {behind[0].partition}", "Run this cell again in a moment.")
    return during, [each for each in events if each.topic == topic and each.time_ms >= begin_ms]


def _judged(evidence: Evidence, answer: Any, topic: str) -> list[Outcome]:
    where = f"topic {topic}"
    if not isinstance(answer, History):
        hint = "Hand in the history that your producers recorded."
        raise _NotYetError("This is no history.", where, hint)
    log: dict[int, list[tuple[int, Any]]] = {each: [] for each in evidence.log_end_offsets(topic)}
    for record in evidence.records(topic):
        log[record.partition].append((record.offset, record.value))
    try:
        judged = outcomes(answer, topic, log)
    except HistoryError as error:
        hint = "Begin with a new kit.history.History() and send each value once."
        raise _NotYetError(f"The history cannot be judged: {error}", where, hint) from error
    if not judged:
        hint = "Run the cell with your producers, from the top."
        raise _NotYetError(f"Nothing in the history was sent to {topic}.", where, hint)
    return judged


def _is_cut(events: Sequence[SeenEvent], time_ms: int) -> bool:
    """Whether the network was cut at that time."""
    before = [each.kind for each in events if each.kind in {*_CUTS, "heal"} and each.time_ms <= time_ms]
    return bool(before) and before[-1] != "heal"


def _covers(cut: SeenEvent, lost: Outcome) -> bool:
    offset = lost.operation.offset
    begin, end = cut.details.get("offset"), cut.details.get("end_offset")
    if offset is None or not isinstance(begin, int) or not isinstance(end, int):
        return False
    return cut.partition == lost.operation.partition and begin <= offset < end


def _where(each: Outcome) -> str:
    sent = each.operation
    return f"topic {sent.topic}, partition {sent.partition}, offset {sent.offset}, producer {sent.process}"


def _records(number: int) -> str:
    return "1 record" if number == 1 else f"{number:,} records"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
