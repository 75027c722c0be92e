"""Judge a history: every judge, one report."""

from __future__ import annotations

import itertools

from kit.history import reads, sends
from kit.history.evidence import Evidence
from kit.history.findings import Report, collect
from kit.history.recorder import History
from kit.history.sends import SendOrder


def check(
    history: History,
    *,
    allow_duplicates: bool = False,
    caught_up: bool = False,
    send_order: SendOrder | None = "acknowledged",
    limit: int = 1000,
) -> Report:
    """Find what Kafka should not have let happen; what each name means is in docs/reference/history.md.

    Args:
        allow_duplicates: a producer without idempotence may write a record again when it retries.
        caught_up: the readers read everything to the end, so what nobody saw is an error.
        send_order: the order that one process's sends keep in a partition. "acknowledged": those that were
            acknowledged (a producer with one request in flight). "all": also those whose outcome is unknown, if they
            are in the log (an idempotent producer). None: no order (retries with several requests in flight).
        limit: how many findings of each name are kept; all are counted.

    Raises:
        HistoryError: a value was sent twice to a topic, or cannot be compared.
        TypeError, ValueError: an argument is something else than described.
    """
    if not isinstance(history, History):
        raise TypeError(f"check() judges a kit.history.History, not {type(history).__name__}: record one first.")
    if send_order not in (None, "acknowledged", "all"):
        raise ValueError(f"send_order={send_order!r} is no order of sends: 'acknowledged', 'all' or None.")
    evidence = Evidence(history.operations, history.completions)
    found = itertools.chain(
        sends.lost_writes(evidence),
        sends.inconsistent_offsets(evidence),
        sends.aborted_reads(evidence),
        sends.duplicates(evidence),
        sends.nonmonotonic_sends(evidence, send_order) if send_order is not None else (),
        sends.inside_batches(evidence),
        reads.reading_order(evidence),
        sends.unseen(evidence),
    )
    findings, counts = collect(found, limit)
    allowed = {"duplicate": allow_duplicates, "unseen": not caught_up}
    topics = evidence.topics.values()
    return Report(
        findings=findings,
        counts=counts,
        allowed=frozenset(name for name, is_allowed in allowed.items() if is_allowed),
        num_operations=len(history),
        num_acknowledged=sum(len(partition.acked) for partition in evidence.partitions.values()),
        num_read=sum(len(topic.read) for topic in topics),
        num_foreign=sum(topic.num_foreign for topic in topics),
    )
