"""The checks of lab 05, "Consumer groups and lag". Each is a pure function of evidence and answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kit.checks.evidence import Evidence
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import listed, short
from kit.lessons import commit_log, delivery
from kit.lessons.commit_log import Generation
from kit.lessons.delivery import Delivery
from kit.lessons.keeping_up import ranges, workers_needed
from kit.lessons.power_cut import outcome, why_unproven

LISTENS = "music.listens"
ROYALTIES = "royalties"
DUE = "royalties.due"
PAID_BEFORE, PAID_AFTER, PAID_ONCE = "royalties.paid.before", "royalties.paid.after", "royalties.paid.once"
FIVE = 5
IN_PER_S, DONE_PER_S = 100, 45  # the lab's traffic, and the speed of one of its workers
_ENOUGH_RECORDS = 100  # fewer say little about how the traffic is shared
_AT_ONCE_S = 1.0
_SILENT_SHARE = 0.7  # of the session timeout: the last heartbeat was some time before the crash
_SLOW_S = 10.0  # more, and something else was done between the two
REWIND_PARTITION, REWIND_OFFSET = 2, 10

# Committed, start and end by partition: a partition without a commit; records that retention took; both at rest.
_LAG_CASES: tuple[tuple[dict[int, int], dict[int, int], dict[int, int], str], ...] = (
    ({0: 10}, {0: 0, 1: 0}, {0: 10, 1: 7}, "partition 1 has no commit: all of it is still to be read"),
    ({0: 4}, {0: 50}, {0: 60}, "offsets 4 to 49 are gone (retention): nobody can read them any more"),
    ({0: 3, 1: 8}, {0: 0, 1: 0}, {0: 9, 1: 8}, "one partition is behind, the other is not"),
)

title("05", "Consumer groups and lag")


@judge("05.fifth")
def fifth(evidence: Evidence, answer: Any) -> CheckResult:
    """How many partitions of four does the fifth worker get? ``answer``: the number."""
    name = "05.fifth"
    members = evidence.group_members(ROYALTIES)
    where = f"group {ROYALTIES}, topic {LISTENS}"
    if len(members) != FIVE:
        there = ", ".join(member.client_id for member in members) or "nobody"
        hint = "Run the cells that start the workers, from the top, until there are five. Then this one."
        return CheckResult(name, False, f"There are not five in the group now, but {there}.", where, hint)
    held = sum(len(member.holds) for member in members)
    if not held:
        hint = "Wait a second and run this cell again."
        return CheckResult(name, False, "The group is handing out its partitions just now.", where, hint)
    idle = [member.client_id for member in members if not member.holds]
    facts = f"{held} partitions, {len(members)} members: {', '.join(idle) or 'nobody'} got none."
    if not _is_number(answer) or answer < 0:
        return CheckResult(name, False, f"Your answer is {answer!r}.", "your answer", "Write a number, 0 or more.")
    if answer != 0:
        hint = "Within a group a partition is assigned to one consumer: what would become of its order with two?"
        return CheckResult(name, False, facts, where, hint)
    return CheckResult(name, True, f"{facts} It waits, and takes over when somebody goes.", where)


@judge("05.takeover")
def takeover(evidence: Evidence, answer: Any) -> CheckResult:
    """How long do the partitions wait of a worker that leaves, and of one that crashes? ``answer``: both in seconds."""
    name = "05.takeover"
    where = f"group {ROYALTIES}, its generations in {commit_log.TOPIC}"
    found = _left_and_crashed(evidence)
    if found is None:
        hint = "Run the cell before this one again: four workers, one leaves, then one crashes."
        told = "No generation of four members is followed by one of three, and then, after a silence, by one of two."
        return CheckResult(name, False, told, where, hint)
    leaver, crashed, waited_s, timeout_s = found
    facts = (
        f"{leaver} left, and the next generation was without it. {crashed} crashed, and stayed a member: the "
        f"generation without it came {waited_s:.1f} s later. Its session timeout is {timeout_s:g} s."
    )
    seconds = _two_numbers(answer)
    if seconds is None:
        hint = "Write two numbers, for the one that leaves and the one that crashes: [10, 10] for example."
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    if seconds[0] > _AT_ONCE_S or abs(seconds[1] - timeout_s) > _AT_ONCE_S:
        hint = "Who has told the coordinator that it goes? And how does it learn of the other one?"
        return CheckResult(name, False, f"{facts} You said {seconds[0]:g} s and {seconds[1]:g} s.", where, hint)
    return CheckResult(name, True, facts, where)


@judge("05.enough")
def enough(evidence: Evidence, answer: Any) -> CheckResult:
    """How many workers are needed until none of them falls behind? ``answer``: the number."""
    name = "05.enough"
    starts, ends = evidence.log_start_offsets(LISTENS), evidence.log_end_offsets(LISTENS)
    arrived = {at: end - starts.get(at, 0) for at, end in ends.items()}
    if sum(arrived.values()) < _ENOUGH_RECORDS:
        return _nothing(name, LISTENS)
    where = f"topic {LISTENS}, its {sum(arrived.values()):,} records"
    if not _is_number(answer) or answer < 1:
        hint = "Write a number of workers, 1 or more."
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    loads = {at: count * IN_PER_S / sum(arrived.values()) for at, count in sorted(arrived.items())}
    rates = listed(f"{rate:.0f}" for rate in loads.values())
    facts = f"Of {IN_PER_S} records per second partitions {listed(loads)} get {rates}."
    needed = workers_needed(arrived, IN_PER_S, DONE_PER_S)
    shares = ranges(sorted(loads), min(answer, len(loads)))
    busiest = max(shares, key=lambda held: sum(loads[at] for at in held))
    load = sum(loads[at] for at in busiest)
    held = f"partition{'' if len(busiest) == 1 else 's'} {listed(busiest)}"
    facts += f" With {short(answer)} the busiest worker has {held}: {load:.0f} per second. It can do {DONE_PER_S}."
    if answer != needed:
        too_many = needed is not None and answer > needed
        hint = "Would one less do?" if too_many else "Which partitions does the busiest worker have, with one more?"
        return CheckResult(name, False, facts, where, hint)
    return CheckResult(name, True, facts, where)


@judge("05.lag")
def lag(evidence: Evidence, answer: Any) -> CheckResult:
    """Does your function count a group's lag? ``answer``: the function of committed, starts and ends."""
    name = "05.lag"
    if not callable(answer):
        hint = "Hand in the function itself: lag_of, without brackets."
        return CheckResult(name, False, f"Your answer is {answer!r}.", "your answer", hint)
    ends = evidence.log_end_offsets(LISTENS)
    if not ends:
        return _nothing(name, LISTENS)
    committed = evidence.committed_offsets(ROYALTIES, LISTENS)
    starts = evidence.log_start_offsets(LISTENS)
    seen = (committed, starts, ends, "these are the group's offsets as they are now")
    for case in (seen, *_LAG_CASES):
        wrong = _wrong_lag(answer, *case[:3])
        if wrong:
            where = f"group {ROYALTIES}, topic {LISTENS}" if case is seen else "a made-up group"
            given = ", ".join(
                f"{what} {dict(sorted(each.items()))}"
                for what, each in zip(("committed", "starts", "ends"), case[:3], strict=True)
            )
            hint = f"Partition by partition: where does the group go on, and where is the end? Here: {case[3]}."
            return CheckResult(name, False, f"{wrong} It was called with {given}.", where, hint)
    now = delivery.lag(committed, starts, ends)
    happened = (
        f"{ROYALTIES} lags by {now:,} records now, and your function says so; in three other cases it is right too."
    )
    return CheckResult(name, True, happened, f"group {ROYALTIES}, topic {LISTENS}")


@judge("05.lost")
def lost(evidence: Evidence, answer: Any) -> CheckResult:
    """Which payments are lost when the commit comes first? ``answer``: their names."""
    name = "05.lost"
    found = _outcome(evidence, PAID_BEFORE)
    if found is None:
        return _nothing(name, PAID_BEFORE)
    if found.is_exact or found.doubled:
        hint = "Commit before paying, in commit_first, and let it be cut after six payments. Then run this cell again."
        return CheckResult(name, False, str(found), f"topic {PAID_BEFORE}, the last run", hint)
    because = "The batch was committed as read before it was paid, and the successor went on after it: at most once."
    return _compared(name, answer, {str(each) for each in found.lost}, topic=PAID_BEFORE, word="lost", because=because)


@judge("05.doubled")
def doubled(evidence: Evidence, answer: Any) -> CheckResult:
    """Which payments are made twice when the commit comes last? ``answer``: their names."""
    name = "05.doubled"
    found = _outcome(evidence, PAID_AFTER)
    if found is None:
        return _nothing(name, PAID_AFTER)
    if found.is_exact or found.lost:
        hint = "Commit after paying, in commit_last, and let it be cut after six payments. Then run this cell again."
        return CheckResult(name, False, str(found), f"topic {PAID_AFTER}, the last run", hint)
    because = "The batch was paid in part and not committed, so the successor began it again: at least once."
    return _compared(
        name, answer, {str(each) for each, _ in found.doubled}, topic=PAID_AFTER, word="paid twice", because=because
    )


@judge("05.once")
def once(evidence: Evidence, answer: Any) -> CheckResult:
    """Is every payment made exactly once, although the power was cut? Needs no answer."""
    del answer  # what lies in the topic decides
    name = "05.once"
    found = _outcome(evidence, PAID_ONCE)
    where = f"topic {PAID_ONCE}, the last run"
    if found is None:
        return _nothing(name, PAID_ONCE)
    if found.lost:
        hint = "Commit last: nothing may count as read that is not paid."
        return CheckResult(name, False, str(found), where, hint)
    if found.doubled or found.foreign:
        hint = "Before you pay, look into pay.made(): it has the names of the payments that lie in the topic."
        return CheckResult(name, False, str(found), where, hint)
    unproven = why_unproven(list(evidence.records(DUE)), list(evidence.records(PAID_ONCE)))
    if unproven:
        hint = (
            "Use pay(), commit after the payments of a batch, and leave cut_after=6, so that the power goes in the "
            "middle of one. Only a repeat shows that your program recognises repeats."
        )
        return CheckResult(name, False, f"{found} But that proves nothing. {unproven}", where, hint)
    happened = (
        f"{found} Kafka delivered some of them twice, and your program recognised them: at least once, and a receiver "
        "that can tell a repeat, is as good as exactly once."
    )
    return CheckResult(name, True, happened, where)


@judge("05.rewind")
def rewind(evidence: Evidence, answer: Any) -> CheckResult:
    """Does the group go on at offset 10 of partition 2? Needs no answer."""
    del answer  # what is committed decides
    name = "05.rewind"
    committed = evidence.committed_offsets(ROYALTIES, LISTENS)
    where = f"group {ROYALTIES}, topic {LISTENS}, partition {REWIND_PARTITION}"
    end = evidence.log_end_offsets(LISTENS).get(REWIND_PARTITION)
    if end is None or not committed:
        return _nothing(name, LISTENS)
    at = committed.get(REWIND_PARTITION)
    if at == REWIND_OFFSET:
        happened = f"The group goes on at {at}: the next consumer gets {end - at:,} records again. None was sent anew."
        return CheckResult(name, True, happened, where)
    members = evidence.group_members(ROYALTIES)
    if members:
        there = ", ".join(member.client_id for member in members)
        hint = "Close the workers first: while a group has members, they are the ones who commit."
        return CheckResult(name, False, f"The group goes on at {at}, and {there} are in it.", where, hint)
    hint = f"seek({REWIND_OFFSET}) moves this consumer only; commit() tells the group. Both are needed, in this order."
    return CheckResult(name, False, f"The group goes on at {at}.", where, hint)


def _left_and_crashed(evidence: Evidence) -> tuple[str, str, float, float] | None:
    """The newest pair of a member that left and one that crashed after it.

    Gives their client ids, how long the second one was missed, and its session timeout, both in seconds.
    """
    generations = _generations(evidence)
    for at in reversed(range(len(generations) - 2)):
        (_, four), (from_ms, three), (to_ms, two) = generations[at : at + 3]
        if (len(four.client_ids), len(three.client_ids), len(two.client_ids)) != (4, 3, 2):
            continue
        (leaver, *others), (crashed, *more) = _missing(four, three), _missing(three, two)
        if others or more:
            continue
        timeout_s = three.session_timeouts_ms[three.client_ids.index(crashed)] / 1000
        waited_s = (to_ms - from_ms) / 1000
        if timeout_s * _SILENT_SHARE < waited_s < timeout_s + _SLOW_S:
            return leaver, crashed, waited_s, timeout_s
    return None


def _missing(before: Generation, after: Generation) -> list[str]:
    return sorted(set(before.client_ids) - set(after.client_ids))


def _generations(evidence: Evidence) -> list[tuple[int, Generation]]:
    """The group's generations and when each was written; of those with the same members only the first."""
    found: list[tuple[int, Generation]] = []
    for record in evidence.records(commit_log.TOPIC):
        generation = commit_log.generation_of(record.key, record.value)
        if generation is None or generation.group_id != ROYALTIES:
            continue
        if not found or found[-1][1].client_ids != generation.client_ids:
            found.append((record.timestamp_ms, generation))
    return found


def _two_numbers(answer: Any) -> tuple[float, float] | None:
    if not isinstance(answer, list | tuple) or len(answer) != 2:
        return None
    if not all(isinstance(each, int | float) and not isinstance(each, bool) and each >= 0 for each in answer):
        return None
    return float(answer[0]), float(answer[1])


def _outcome(evidence: Evidence, paid: str) -> Delivery | None:
    """What came of the last run; None when there was none."""
    due, made = list(evidence.records(DUE)), list(evidence.records(paid))
    return outcome(due, made) if due and made else None


def _compared(name: str, answer: Any, right: set[str], *, topic: str, word: str, because: str) -> CheckResult:
    given = _names(answer)
    where = f"topic {topic}, beside {DUE}"
    if given is None:
        hint = 'Write a list of names, such as ["payment-3"].'
        return CheckResult(name, False, f"Your answer is {answer!r}.", "your answer", hint)
    told = ", ".join(sorted(right))
    if given == right:
        return CheckResult(name, True, f"As you said: {told} {_were(right)} {word}. {because}", where)
    missed, wrong = sorted(right - given), sorted(given - right)
    parts = [f"{', '.join(missed)} {_were(missed)} {word}, and not in your list." if missed else ""]
    parts += [f"{', '.join(wrong)} {_were(wrong)} not {word}." if wrong else ""]
    hint = "Four records come at a time, and the power goes after six payments. What was committed at that moment?"
    return CheckResult(name, False, " ".join(part for part in parts if part), where, hint)


def _were(names: Iterable[str]) -> str:
    return "was" if len(list(names)) == 1 else "were"


def _names(answer: Any) -> set[str] | None:
    """Payments by name; a bare number is the payment of that number."""
    if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Iterable):
        return None
    given = list(answer)
    if not all(isinstance(each, str) or _is_number(each) for each in given):
        return None
    return {each.strip() if isinstance(each, str) else f"payment-{each}" for each in given}


def _wrong_lag(function: Any, committed: dict[int, int], starts: dict[int, int], ends: dict[int, int]) -> str:
    """What is wrong with the function's answer, in a sentence; empty when it is right."""
    right = delivery.lag(committed, starts, ends)
    try:
        found = function(dict(committed), dict(starts), dict(ends))
    except Exception as error:  # noqa: BLE001 - a student's function may raise anything
        return f"Your function raised {type(error).__name__}: {error}."
    if _is_number(found) and found == right:
        return ""
    return f"Your function gave {found!r}, and the lag is {right:,}."


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _nothing(name: str, topic: str) -> CheckResult:
    hint = "Run the cells above this one, from the top: they create the topic and send to it."
    return CheckResult(name, False, f"There is nothing in {topic} to judge yet.", f"topic {topic}", hint)
