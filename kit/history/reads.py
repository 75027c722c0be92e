"""Judge of the order in which one reader sees the records of a partition."""

from __future__ import annotations

from collections.abc import Iterator

from kit.history.evidence import Evidence, Jump
from kit.history.findings import Finding, finding
from kit.history.operation import Operation


def reading_order(evidence: Evidence) -> Iterator[Finding]:
    """Every poll goes on where the reader was: not before it, and not past a record that exists."""
    for jump in evidence.jumps:
        inside = "int-" if jump.before is jump.poll else ""
        if jump.offset < jump.expected:
            yield _went_back(jump, f"{inside}nonmonotonic-poll")
        else:
            skip = _skip(jump, f"{inside}poll-skip")
            if skip is not None:
                yield skip


def _went_back(jump: Jump, name: str) -> Finding:
    partition = jump.partition
    text = (
        f"Process {jump.poll.process} polled {partition} offset {jump.offset} after {_position(jump)}, and nothing "
        "between moved it back."
    )
    return finding(name, partition, text, _operations(jump), expected=jump.expected, offset=jump.offset)


def _skip(jump: Jump, name: str) -> Finding | None:
    partition = jump.partition
    skipped, count = partition.existing_between(jump.expected, jump.offset)
    if not count:
        return None  # control records, or deleted: nothing to see there
    value = partition.values[skipped]
    more = f" and {count - 1} more" if count > 1 else ""
    text = (
        f"Process {jump.poll.process} polled {partition} offset {jump.offset} after {_position(jump)}: it skipped "
        f"{value!r} at offset {skipped}{more}."
    )
    operations = (*_operations(jump), partition.observers[skipped])
    facts = {"expected": jump.expected, "offset": jump.offset, "skipped": skipped, "num_skipped": count}
    return finding(name, partition, text, operations, value=value, **facts)


def _position(jump: Jump) -> str:
    if jump.before.action == "poll":
        return f"offset {jump.expected - 1}"
    return f"it was told to start at offset {jump.expected}"


def _operations(jump: Jump) -> tuple[Operation, ...]:
    return (jump.poll,) if jump.before is jump.poll else (jump.before, jump.poll)
