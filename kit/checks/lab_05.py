"""The checks of lab 05, "Consumer groups and lag". Each is a pure function of evidence and answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kit.checks.evidence import Evidence
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.lessons import delivery
from kit.lessons.delivery import Delivery
from kit.lessons.power_cut import outcome

LISTENS = "music.listens"
ROYALTIES = "royalties"
DUE = "royalties.due"
PAID_BEFORE, PAID_AFTER, PAID_ONCE = "royalties.paid.before", "royalties.paid.after", "royalties.paid.once"
FIVE = 5
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
        hint = "A partition has one reader in a group, never two: what would otherwise become of its order?"
        return CheckResult(name, False, facts, where, hint)
    return CheckResult(name, True, f"{facts} It waits, and takes over when somebody goes.", where)


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
        happened = f"The group goes on at {at}: the next reader gets {end - at:,} records again. None was sent anew."
        return CheckResult(name, True, happened, where)
    members = evidence.group_members(ROYALTIES)
    if members:
        there = ", ".join(member.client_id for member in members)
        hint = "Close the workers first: while a group has members, they are the ones who commit."
        return CheckResult(name, False, f"The group goes on at {at}, and {there} are in it.", where, hint)
    hint = f"seek({REWIND_OFFSET}) moves this consumer only; commit() tells the group. Both are needed, in this order."
    return CheckResult(name, False, f"The group goes on at {at}.", where, hint)


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
