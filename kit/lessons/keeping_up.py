"""Whether the workers of a group keep up: what arrives for each of them, and what each of them does."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

# A share of what arrives. Less is chance: records are read and done in batches.
_TOLERANCE = 0.1


def pace(
    shares: Mapping[str, Sequence[int]], arrived: Mapping[int, int], done: Mapping[int, int], seconds: float
) -> str:
    """What was measured, a line for each worker.

    Args:
        shares: the partitions of each worker, by its name.
        arrived: by partition, the records that were appended meanwhile.
        done: by partition, the records that were worked on meanwhile.
        seconds: how long it was measured.
    """
    width = max((len(_named(name, held)) for name, held in shares.items()), default=0)
    lines = []
    for name, held in shares.items():
        in_per_s, done_per_s = (sum(each.get(at, 0) for at in held) / seconds for each in (arrived, done))
        lines.append(f"  {_named(name, held):{width}}  {_line(in_per_s, done_per_s)}")
    return "\n".join(lines)


def workers_needed(arrived: Mapping[int, int], in_per_s: float, done_per_s: float) -> int | None:
    """The fewest workers of which none falls behind; None when there is a partition that is too much for one.

    Args:
        arrived: by partition, how many records arrived: how the traffic is shared among the partitions.
        in_per_s: all that arrives, in records per second.
        done_per_s: what one worker can do, in records per second.
    """
    total = sum(arrived.values())
    for count in range(1, len(arrived) + 1):
        loads = [sum(arrived[at] for at in held) * in_per_s / total for held in ranges(sorted(arrived), count)]
        if max(loads) <= done_per_s:
            return count
    return None


def ranges(partitions: Sequence[int], count: int) -> list[list[int]]:
    """The partitions of one topic, shared among so many members.

    Source: Kafka's ``RangeAssignor``: neighbours stay together, the first members get one more where it is not even.
    """
    least, more = divmod(len(partitions), count)
    begins = [number * least + min(number, more) for number in range(count + 1)]
    return [list(partitions[begin:end]) for begin, end in itertools.pairwise(begins)]


def _named(name: str, held: Sequence[int]) -> str:
    return f"{name} {list(held)}"


def _line(in_per_s: float, done_per_s: float) -> str:
    behind = in_per_s - done_per_s
    tolerance = max(1.0, _TOLERANCE * in_per_s)
    word = "falls behind" if behind > tolerance else "catches up" if behind < -tolerance else "keeps up"
    return f"{in_per_s:5.1f} in/s  {done_per_s:5.1f} done/s  {word}"
