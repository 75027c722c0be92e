"""What became of the events that were sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape


@dataclass(frozen=True, slots=True)
class Written:
    """What was acknowledged in one partition: so many records between two offsets, both included."""

    num_records: int
    first_offset: int
    last_offset: int


@dataclass(frozen=True, slots=True)
class Report:
    """What the brokers acknowledged.

    Attributes:
        acknowledged: records, duplicates and late ones included.
        duplicates, late: how many of them were, see `kit.datagen.Event`.
        partitions: by number; without those that got nothing.
        failed: by Kafka's name of the error, how many records were not acknowledged.
        took_s: from the first record to the last answer, in seconds.
        is_stopped: whether it ended before all was sent.
    """

    topic: str
    acknowledged: int = 0
    duplicates: int = 0
    late: int = 0
    partitions: Mapping[int, Written] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=Counter)
    took_s: float = 0.0
    is_stopped: bool = False

    @property
    def per_s(self) -> float:
        """Acknowledged records per second."""
        return self.acknowledged / self.took_s if self.took_s else 0.0

    @property
    def sentence(self) -> str:
        """The sums in words."""
        end = " until it was stopped" if self.is_stopped else ""
        return (
            f"{records(self.acknowledged)} acknowledged in {self.topic}{end}, in {self.took_s:.1f} s "
            f"({self.per_s:,.0f} per second). Late: {self.late:,}. Duplicates: {self.duplicates:,}."
        )

    def _failures(self) -> list[str]:
        return [f"Not acknowledged, {name}: {records(count)}" for name, count in sorted(self.failed.items())]

    def __str__(self) -> str:
        partitions = [f"  partition {number}: {_span(written)}" for number, written in sorted(self.partitions.items())]
        return "\n".join([self.sentence, *self._failures(), *partitions])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row">{number}</th><td>{written.num_records:,}</td>'
            f"<td>{written.first_offset:,}</td><td>{written.last_offset:,}</td></tr>"
            for number, written in sorted(self.partitions.items())
        )
        head = "".join(
            f'<th scope="col">{name}</th>' for name in ("partition", "records", "first offset", "last offset")
        )
        table = (
            f"<table><caption>{escape(self.topic)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )
        return "".join(f"<div>{escape(line)}</div>" for line in [self.sentence, *self._failures()]) + (
            table if rows else ""
        )


def records(number: int) -> str:
    """So many records, in words."""
    return f"{number:,} record" if number == 1 else f"{number:,} records"


def _span(written: Written) -> str:
    if written.num_records == 1:
        return f"1 record, offset {written.first_offset:,}"
    return f"{records(written.num_records)}, offsets {written.first_offset:,} to {written.last_offset:,}"
