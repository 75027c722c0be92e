"""The checks of lab 09, "The same on real Kafka". Each is a pure function of evidence and answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from kit.checks.evidence import Evidence, SeenRecord
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult

ORDERS, NUM_ORDERS, GROUP = "shop.orders", 13, "shop"
GREETINGS = "class.greetings"
SAME = frozenset({"partitions", "offsets", "committed", "records lost"})
DIFFERENT = frozenset({"start time", "failover time"})

title("09", "The same on real Kafka")


@judge("09.same")
def same(evidence: Evidence, answer: Any) -> CheckResult:
    """Which things are the same on both clusters? ``answer``: a set of their names."""
    name, where = "09.same", f"topic {ORDERS}"
    records = evidence.records(ORDERS)
    if len(records) < NUM_ORDERS:
        hint = "Run the cells with the story, from the top: they send 13 orders."
        return CheckResult(name, False, f"There are {len(records)} orders.", where, hint)
    disorder = _disorder(records)
    if disorder is not None:
        hint = "Is somebody else sending there? Run the cell with the story again: it starts with a new cluster."
        return CheckResult(name, False, "The orders of a customer are not in order.", disorder, hint)
    if not evidence.committed_offsets(GROUP, ORDERS):
        hint = "Run the cell with the story again."
        return CheckResult(name, False, f"The group {GROUP} has committed nothing.", f"group {GROUP}", hint)
    known = SAME | DIFFERENT
    given = {str(each) for each in answer} if isinstance(answer, set | frozenset | list | tuple) else {str(answer)}
    if not given <= known:
        hint = f"Choose some of {', '.join(sorted(known))}."
        return CheckResult(name, False, f"{sorted(given - known)} is nothing that was compared.", "your answer", hint)
    found = f"All {len(records)} orders are there, one after the other, although their leader crashed."
    wrong = given ^ SAME
    if wrong:
        happened = f"{found} Of your six predictions {len(known) - len(wrong)} fit."
        hint = "Compare the two columns above: what is computed by a rule, and what depends on patience?"
        return CheckResult(name, False, happened, where, hint)
    return CheckResult(name, True, f"{found} What is computed is the same; what is waited for is not.", where)


@judge("09.connected")
def connected(evidence: Evidence, answer: Any) -> CheckResult:
    """Has a greeting arrived at the cluster of the others? Needs no answer."""
    del answer
    name, where = "09.connected", f"topic {GREETINGS}"
    records = evidence.records(GREETINGS)
    if not records:
        happened = "This check could log in with your file, and found no greeting."
        hint = "KafkaProducer(**there.client_settings) has the name and the password too. Then run the cell again."
        return CheckResult(name, False, happened, where, hint)
    last = records[-1]
    text = (last.value or b"").decode("utf-8", "backslashreplace")
    where = f"{where}, partition {last.partition}, offset {last.offset}"
    return CheckResult(name, True, f"The department has {text[:80]!r}.", where)


def _disorder(records: Sequence[SeenRecord]) -> str | None:
    """Where an order stands before an older one of the same customer; None for nowhere."""
    newest: dict[bytes | None, int] = defaultdict(lambda: -1)
    for record in records:
        number = int((record.value or b"").rpartition(b" ")[2] or b"0") if _is_order(record) else -1
        if number <= newest[record.key]:
            return f"topic {ORDERS}, partition {record.partition}, offset {record.offset}"
        newest[record.key] = number
    return None


def _is_order(record: SeenRecord) -> bool:
    word, _, number = (record.value or b"").partition(b" ")
    return word == b"order" and number.isdigit()
