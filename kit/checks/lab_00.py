"""The check of lab 00, "Welcome": a pure function of evidence and answer."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from kit.checks.evidence import Evidence, SeenRecord
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import guessed, short

PLAYS = "basketball.plays"
_GUESSES = ("they stop", "some are lost", "they go on")

title("00", "Welcome")


@judge("00.crash")
def crash(evidence: Evidence, answer: Any) -> CheckResult:
    """What happened to the stream when a broker crashed? ``answer``: "they stop", "some are lost" or "they go on"."""
    name, where = "00.crash", f"topic {PLAYS}"
    killed = [event for event in evidence.timeline() or () if event.kind == "kill"]
    if not killed:
        hint = "Run the cells above, from the top: the streams first, then the cell with cluster.kill."
        return CheckResult(name, False, "No broker of this cluster has crashed yet.", "the cluster's timeline", hint)
    records = evidence.records(PLAYS)
    since = [record for record in records if record.timestamp_ms > killed[-1].time_ms]
    where = f"{where}, after broker {killed[-1].node_id} crashed"
    if not since:
        hint = "Give the stream some seconds and run this cell again. If it stays: restart the broker, and begin anew."
        return CheckResult(name, False, "No play has arrived since the crash.", where, hint)
    games, missing = _count(records)
    if missing:
        hint = "That should not be. Run the cell with kit.start again, and those after it; please tell your instructor."
        return CheckResult(name, False, f"{missing} plays of {games} games are missing.", where, hint)
    happened = f"{len(since)} plays arrived after the crash, and in none of {games} games is a play missing."
    guess = guessed(answer)
    if guess == "they go on":
        return CheckResult(name, True, f"Your guess fits: {happened}", where)
    if guess not in _GUESSES:
        hint = (
            f"Your guess is {short(answer)}. Set it to one of {', '.join(map(repr, _GUESSES))} and run the cell again."
        )
    else:
        hint = f"You guessed {answer!r}. Which guess fits to what the check has counted? Set my_guess to that."
    return CheckResult(name, False, happened, where, hint)


def _count(records: Iterable[SeenRecord]) -> tuple[int, int]:
    """How many games there are, and how many plays are missing between the first and the last one of each."""
    seen: dict[bytes | None, set[int]] = defaultdict(set)
    for record in records:
        number = _number(record.value)
        if number is not None:
            seen[record.key].add(number)
    return len(seen), sum(max(plays) - min(plays) + 1 - len(plays) for plays in seen.values())


def _number(value: bytes | None) -> int | None:
    """The play's number in its game; None for a record that somebody else sent."""
    try:
        found = json.loads(value or b"")["play"]
    except (ValueError, LookupError, TypeError):
        return None
    return found if type(found) is int else None
