"""The list of topics: which of them a page shows, and what it says about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

PAGE_TOPICS = 12
_MOST_PARTITIONS = 100


class TopicRow(TypedDict):
    """One topic in the list. ``records`` is None while a partition's offsets are not known."""

    name: str
    internal: bool
    partitions: int
    records: int | None
    replication: str
    trouble: str


@dataclass(frozen=True)
class Look:
    """What somebody wants to see of the list."""

    needle: str = ""
    page: int = 0
    internal: bool = False


def listing(topics: Mapping[str, Any], look: Look) -> dict[str, Any]:
    """One page of the list, as the browser gets it.

    Args:
        topics: by name, as `kit.Cluster.topics` gives them.
    """
    shown = [each for each in topics.values() if look.internal or not each.is_internal]
    needle = look.needle.strip().casefold()
    matching = [each for each in shown if needle in each.name.casefold()]
    matching.sort(key=lambda each: (each.name.casefold(), each.name))
    pages = max(1, -(-len(matching) // PAGE_TOPICS))
    page = min(max(0, look.page), pages - 1)
    return {
        "rows": [topic_row(each) for each in matching[page * PAGE_TOPICS : (page + 1) * PAGE_TOPICS]],
        "page": page,
        "pages": pages,
        "matching": len(matching),
        "total": len(shown),
        "hidden": len(topics) - len(shown),
        "status": "" if matching else _nothing(len(shown), len(topics) - len(shown), look),
    }


def topic_row(topic: Any) -> TopicRow:
    """What the list says about one topic."""
    partitions: Sequence[Any] = topic.partitions
    factors = sorted({len(each.replicas) for each in partitions})
    return {
        "name": topic.name,
        "internal": topic.is_internal,
        "partitions": len(partitions),
        "records": _records(partitions),
        "replication": "–".join(map(str, {factors[0]: 0, factors[-1]: 0})) if factors else "?",
        "trouble": _trouble(partitions),
    }


def details(topic: Any) -> dict[str, Any]:
    """The chosen topic, partition by partition."""
    return {
        **topic_row(topic),
        "numbers": [each.partition for each in topic.partitions],
        "left_out": max(0, len(topic.partitions) - _MOST_PARTITIONS),
        "parts": [
            {
                "partition": each.partition,
                "leader": each.leader,
                "replicas": list(each.replicas),
                "isr": list(each.isr),
                "start": each.log_start_offset,
                "end": each.high_watermark,
            }
            for each in topic.partitions[:_MOST_PARTITIONS]
        ],
    }


def _records(partitions: Sequence[Any]) -> int | None:
    """Offsets that can be read: as many records, or more where compaction or transactions left gaps."""
    total = 0
    for each in partitions:
        if each.high_watermark is None or each.log_start_offset is None:
            return None
        total += each.high_watermark - each.log_start_offset
    return total


def _trouble(partitions: Sequence[Any]) -> str:
    offline = sum(each.leader is None for each in partitions)
    if offline:
        return f"{offline} offline"
    behind = sum(len(each.isr) < len(each.replicas) for each in partitions)
    return f"{behind} under-replicated" if behind else ""


def _nothing(shown: int, hidden: int, look: Look) -> str:
    if shown:
        return f"No topic has {look.needle.strip()!r} in its name. {shown:,} have not: empty the filter to see them."
    if hidden:
        return "There are only Kafka's own topics. Create one, or send a record to one, and it appears here."
    return "There is no topic yet. Create one, or send a record to one, and it appears here."
