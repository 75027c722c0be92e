"""From looks and pasts to what the browser draws and what a terminal prints. Everything in it is bounded."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from kit.widgets.groups.past import Past, Pasts
from kit.widgets.groups.reading import GroupLook, PartitionProgress

BY_LAG, BY_NAME = "lag", "name"
_MOST_LISTED = 100
_MOST_MEMBERS = 60
_MOST_PARTITIONS = 120
_MOST_LANES = 16
_MOST_ERAS = 80
_MOST_POINTS = 180

_STATES = {
    "PreparingRebalance": "waits for its members",
    "CompletingRebalance": "waits for the new assignment",
    "Assigning": "waits for the new assignment",
    "Reconciling": "hands over partitions",
    "Empty": "no member",
    "Dead": "it is gone",
    "Unknown": "not told",
}


def state_words(state: str) -> str:
    """Kafka's word for a group's state, and what it means where the word does not say it."""
    return f"{state}: {_STATES[state]}" if state in _STATES else state


def matching(looks: Mapping[str, GroupLook], needle: str, order: str) -> list[GroupLook]:
    """The groups whose id, members or topics hold ``needle``, sorted."""
    wanted = needle.strip().lower()
    found = [look for look in looks.values() if not wanted or wanted in _haystack(look)]
    return sorted(found, key=lambda look: (-look.lag if order == BY_LAG else 0, look.group_id))


def listed(looks: Sequence[GroupLook]) -> list[dict[str, Any]]:
    """A line for each group."""
    return [
        {
            "id": look.group_id,
            "state": look.state,
            "words": state_words(look.state),
            "members": len(look.members),
            "lag": look.lag,
            "trouble": look.trouble,
        }
        for look in looks[:_MOST_LISTED]
    ]


def detail(look: GroupLook, past: Past, pasts: Pasts, order: str) -> dict[str, Any]:
    """Everything about one group."""
    partitions = sorted(
        look.partitions, key=lambda each: (-(each.lag or 0) if order == BY_LAG else 0, each.topic, each.partition)
    )
    return {
        "id": look.group_id,
        "sentence": sentence(look),
        "trouble": look.trouble,
        "members": [
            {
                "client": member.client_id,
                "letter": past.letters.get(member.client_id, 0),
                "host": member.host,
                "holds": _ranges(member.keys),
            }
            for member in look.members[:_MOST_MEMBERS]
        ],
        "rebalancing": look.is_rebalancing,
        "partitions": [_row(each, past) for each in partitions[:_MOST_PARTITIONS]],
        "left_out": max(0, len(partitions) - _MOST_PARTITIONS) + max(0, len(look.members) - _MOST_MEMBERS),
        "lags": _thinned(past),
        "timeline": _timeline(past),
        "note": (
            "Made of looks, because Kafka tells what a group is like now and not what it was. An edge may be "
            f"{max(pasts.widest_gap_ms, 1) / 1000:.1f} s late. A rebalance is drawn from the last look before it to "
            "the first one after it, and wide enough to be seen; most take less time. What came and went between two "
            "looks is missing, and so is a rebalance that ended as it began."
        ),
    }


def sentence(look: GroupLook) -> str:
    """One group in one sentence."""
    members = f"{len(look.members)} member{'' if len(look.members) == 1 else 's'}"
    idle = sum(not member.keys for member in look.members)
    if idle and not look.is_rebalancing:
        members += f", {idle} of them without a partition"
    shared = f", assignment strategy: {look.assignor}" if look.assignor else ""
    where = f", coordinator: broker {look.coordinator}" if look.coordinator is not None else ""
    return f"{state_words(look.state)}, {members}, lag {look.lag:,}{shared}{where}"


def as_text(looks: Sequence[GroupLook], pasts: Pasts, status: str) -> str:
    """The widget in words."""
    lines = [status] if status else []
    for look in looks[:_MOST_LISTED]:
        lines.append(f"Group {look.group_id}: {sentence(look)}")
        lines += [f"  {look.trouble}"] if look.trouble else []
        for member in look.members[:_MOST_MEMBERS]:
            lines.append(f"  {member.client_id}: {_ranges(member.keys) or 'no partition'}")
        for each in look.partitions[:_MOST_PARTITIONS]:
            lines.append(
                f"  {each.topic}-{each.partition}: committed {_told(each.committed, 'nothing')}, "
                f"log end offset {_told(each.log_end_offset, 'not known')}, lag {_told(each.lag, 'not known')}"
            )
        past = pasts.of.get(look.group_id)
        lines += [f"  {line}" for line in timeline_lines(past)] if past else []
    return "\n".join(lines)


def timeline_lines(past: Past, since_ms: int = 0) -> list[str]:
    """The past of a group from a time on, a line for each stretch of time."""
    return [
        f"{clock(era.from_ms)} for {(era.to_ms - era.from_ms) / 1000:.1f} s  "
        f"{f'assignment {era.number}: ' if era.number else ''}{era.words}"
        for era in past.eras
        if era.to_ms >= since_ms
    ]


def clock(time_ms: int) -> str:
    """The local time of day."""
    return time.strftime("%H:%M:%S", time.localtime(time_ms / 1000))


def _haystack(look: GroupLook) -> str:
    words = [look.group_id, *(member.client_id for member in look.members), *(each.topic for each in look.partitions)]
    return "\n".join(words).lower()


def _row(each: PartitionProgress, past: Past) -> dict[str, Any]:
    return {
        "topic": each.topic,
        "partition": each.partition,
        "holder": each.holder,
        "letter": past.letters.get(each.holder, 0) if each.holder is not None else None,
        "committed": each.committed,
        "end": each.log_end_offset,
        "lag": each.lag,
    }


def _ranges(keys: Sequence[tuple[str, int]]) -> str:
    """``music.listens 0, 1``, topic by topic."""
    topics: dict[str, list[int]] = {}
    for topic, number in sorted(keys):
        topics.setdefault(topic, []).append(number)
    return "; ".join(f"{topic} {', '.join(map(str, numbers))}" for topic, numbers in topics.items())


def _thinned(past: Past) -> list[list[int]]:
    """The lags, each second or third one where there are many; the newest is always among them."""
    points = list(past.lags)
    step = -(-len(points) // _MOST_POINTS) or 1
    return [list(point) for point in points[::-1][::step]][::-1]


def _timeline(past: Past) -> dict[str, Any]:
    eras = list(past.eras)[-_MOST_ERAS:]
    lanes = sorted({key for era in eras for key in era.holders})
    return {
        "lanes": [[topic, number] for topic, number in lanes[:_MOST_LANES]],
        "more_lanes": max(0, len(lanes) - _MOST_LANES),
        "eras": [
            {
                "kind": era.kind,
                "number": era.number,
                "from_ms": era.from_ms,
                "to_ms": era.to_ms,
                "words": era.words,
                "holders": [era.holders.get(key) for key in lanes[:_MOST_LANES]],
                "letters": [past.letters.get(era.holders.get(key, ""), 0) for key in lanes[:_MOST_LANES]],
            }
            for era in eras
        ],
    }


def _told(number: int | None, otherwise: str) -> str:
    return otherwise if number is None else f"{number:,}"
