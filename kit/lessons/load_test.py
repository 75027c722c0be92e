"""A load test that needs no fast computer: time is counted in logical seconds, and speed in records per second.

Each logical second some records are made. Producers write as many of them as they and the partitions can, consumers
work off as many as they can, and what is left over waits. The plan here is pure; `kit.scenarios.load_test` plays it
with real records on a cluster, and what the cluster holds in the end is the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from kit.lessons.load_picture import Side, as_svg, in_words
from kit.lessons.sizing import SizingError, checked_count

SECOND_HEADER = "second"
MAX_RECORDS = 20_000
MAX_PARTITIONS = 100

_TABLE = "border-collapse:collapse;margin-top:6px"
_LIMIT = "display:inline-block;width:22px;border-top:2px dashed;vertical-align:4px"
_CELL = "padding:2px 14px 2px 0;text-align:right"
_BAR = (
    "display:inline-block;height:12px;border:1px solid var(--jp-ui-font-color1,#212121);"
    "background:{fill};width:{width:.0f}px"
)


@dataclass(frozen=True, slots=True)
class Load:
    """What is tried: a topic and its clients. Rates are in records per logical second; one record stands for 1 MB.

    Attributes:
        target: records made each second.
        producer_rate: what one producer sends at most, and what one partition takes at most.
        consumer_rate: what one consumer works off at most, from all of its partitions together.
        seconds: how many logical seconds the test has.

    Raises:
        SizingError: a number makes no sense, or the test would be too long.
    """

    partitions: int
    producers: int
    consumers: int
    target: int = 200
    producer_rate: int = 15
    consumer_rate: int = 20
    seconds: int = 10

    def __post_init__(self) -> None:
        checked_count("partitions", self.partitions, MAX_PARTITIONS)
        for name in ("producers", "consumers", "target", "producer_rate", "consumer_rate"):
            checked_count(name, getattr(self, name), MAX_RECORDS)
        checked_count("seconds", self.seconds, 100)
        if self.target * self.seconds > MAX_RECORDS:
            raise SizingError(
                f"{self.target} records in each of {self.seconds} seconds are more than the {MAX_RECORDS:,} that a "
                "test may have: take a smaller target (1 record may stand for 10 MB) or fewer seconds."
            )

    @property
    def writable(self) -> int:
        """Records that get into the topic each second at most.

        A producer without a partition helps as little as a partition without a producer.
        """
        return self.producer_rate * min(self.producers, self.partitions)

    def written(self) -> Iterator[range]:
        """For each second the numbers of the records that are written in it, oldest first."""
        done = 0
        for second in range(self.seconds):
            end = min(done + self.writable, self.target * (second + 1))
            yield range(done, end)
            done = end

    def made_ms(self, number: int) -> int:
        """When a record was made, in milliseconds since the test began."""
        return number * 1_000 // self.target

    def partition(self, number: int) -> int:
        """Where a record goes: in turn, as evenly as can be."""
        return number % self.partitions

    def assignment(self) -> list[list[int]]:
        """The partitions of each consumer: whole ones, in turn; those that come too late get none."""
        return [list(range(consumer, self.partitions, self.consumers)) for consumer in range(self.consumers)]

    def worked_off(self, backlog: Sequence[int]) -> list[int]:
        """How many records of each partition are worked off in one second.

        Args:
            backlog: records of each partition that wait to be read.
        """
        done = [0] * self.partitions
        for mine in self.assignment():
            left = self.consumer_rate
            while left and any(done[partition] < backlog[partition] for partition in mine):
                for partition in mine:
                    if left and done[partition] < backlog[partition]:
                        done[partition] += 1
                        left -= 1
        return done


@dataclass(frozen=True, slots=True)
class Second:
    """What the cluster held at the end of one logical second.

    Attributes:
        made: records that were made up to then.
        written: of these, in the topic: the sum of its log end offsets.
        committed: of these, worked off: the sum of what the group has committed.
    """

    number: int
    made: int
    written: int
    committed: int

    @property
    def waiting(self) -> int:
        """Records that wait at the producers."""
        return self.made - self.written

    @property
    def lag(self) -> int:
        """Records that wait at the consumers."""
        return self.written - self.committed

    @property
    def backlog(self) -> int:
        """Records that wait anywhere."""
        return self.waiting + self.lag


@dataclass(frozen=True, slots=True)
class LoadTest:
    """A load test that was played; it shows itself.

    Attributes:
        topic: where its records lie.
        group_id: whose committed offsets say what was worked off.
        seconds: what the cluster held after each.
        written: in the end, records of each partition: its log end offset.
        committed: in the end, of these worked off: what the group has committed.
    """

    load: Load
    topic: str
    group_id: str
    seconds: tuple[Second, ...]
    written: tuple[int, ...] = ()
    committed: tuple[int, ...] = ()

    @property
    def keeps_up(self) -> bool:
        """Whether the backlog stays: it does not when every later one is larger than every earlier one."""
        backlogs = [each.backlog for each in self.seconds]
        half = len(backlogs) // 2
        return not half or min(backlogs[half:]) <= max(backlogs[:half])

    @property
    def verdict(self) -> str:
        """What the offsets say, in words."""
        last = self.seconds[-1]
        if self.keeps_up:
            return f"It keeps up: after {len(self.seconds)} seconds {last.backlog:,} of {last.made:,} records wait."
        parts = [f"{last.waiting:,} at the producers"] if last.waiting else []
        parts += [f"{last.lag:,} at the consumers"] if last.lag else []
        return (
            f"It falls behind: after {len(self.seconds)} seconds {last.backlog:,} of {last.made:,} records wait, "
            f"{' and '.join(parts)}. It gets worse every second."
        )

    @property
    def sides(self) -> list[Side]:
        """Producers, partitions and consumers: what each carries and leaves over; none of a test without records."""
        load, length = self.load, len(self.seconds)
        if not self.written or not length:
            return []
        waiting = load.target - sum(self.written) / length
        consumers = [[self.written[number] for number in mine] for mine in load.assignment()]
        done = [sum(self.committed[number] for number in mine) for mine in load.assignment()]
        lags = [sum(mine) - worked for mine, worked in zip(consumers, done, strict=True)]
        return [
            _evenly("producer", load.producer_rate, load.producers, load.target - waiting, waiting),
            Side(
                "partition",
                load.producer_rate,
                tuple(each / length for each in self.written),
                (waiting / load.partitions,) * load.partitions,
            ),
            Side(
                "consumer",
                load.consumer_rate,
                tuple(each / length for each in done),
                tuple(each / length for each in lags),
            ),
        ]

    @property
    def margins(self) -> str:
        """How near the busiest producer, partition and consumer come to what they can carry, in words."""
        return in_words(self.sides) if self.sides else ""

    @property
    def headline(self) -> str:
        """What was tried."""
        load = self.load
        idle = max(0, load.consumers - load.partitions)
        without_work = f" ({idle} without a partition)" if idle else ""
        return (
            f"{load.partitions} partitions, {load.producers} producers, {load.consumers} consumers{without_work}; "
            f"{load.target} records are made each second"
        )

    def __str__(self) -> str:
        rows = [
            f"{each.number:>6} {each.made:>7,} {each.written:>8,} {each.waiting:>8,} {each.lag:>8,}"
            for each in self.seconds
        ]
        head = "second    made  written  waiting      lag"
        return "\n".join([f"{self.headline} (topic {self.topic})", head, *rows, self.verdict, self.margins]).strip()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        most = max(self.load.target, *(each.backlog for each in self.seconds))
        heads = "".join(
            f'<th scope="col" style="{_CELL}">{name}</th>'
            for name in ("Second", "Made", "Written", "Waiting at the producers", "Lag of the consumers")
        )
        rows = "".join(_row(each, most) for each in self.seconds)
        sign = "✔" if self.keeps_up else "✘"
        picture = as_svg(self.sides) if self.sides else ""
        return (
            f'<div style="max-width:60em"><div><b>{escape(self.headline)}</b></div>'
            f"<div><b>{sign} {escape(self.verdict)}</b></div><div>{escape(self.margins)}</div>{picture}"
            f"<div>{_bar('carried', 14)} carried each second &nbsp; {_bar('waiting', 14)} waiting at the "
            f"producers &nbsp; {_bar('lag', 14)} lag of the consumers &nbsp; "
            f'<span style="{_LIMIT}"></span> the limit of one</div>'
            f"<details{'' if self.keeps_up else ' open'}><summary>Second by second</summary>"
            f'<table style="{_TABLE}"><caption style="text-align:left;color:inherit;padding:0">'
            f"Records, as the offsets of {escape(self.topic)} tell</caption>"
            f"<thead><tr>{heads}<td></td></tr></thead><tbody>{rows}</tbody></table></details></div>"
        )


def _evenly(noun: str, limit: int, count: int, carried: float, left: float) -> Side:
    return Side(noun, limit, (carried / count,) * count, (left / count,) * count)


_FILLS = {
    "carried": "#009e73;border-style:solid",
    "waiting": "#ffd98a;border-style:dashed",
    "lag": "#56b4e9;border-style:solid",
}


def _row(each: Second, most: int) -> str:
    numbers = (each.number, each.made, each.written, each.waiting, each.lag)
    cells = "".join(f'<td style="{_CELL}">{number:,}</td>' for number in numbers)
    widths = (("waiting", 220 * each.waiting / most), ("lag", 220 * each.lag / most))
    bars = "".join(_bar(name, width) for name, width in widths if width)
    return (
        f'<tr>{cells}<td aria-hidden="true" style="text-align:left;white-space:nowrap;min-width:230px">{bars}</td></tr>'
    )


def _bar(name: str, width: float) -> str:
    return f'<span style="{_BAR.format(fill=_FILLS[name], width=max(width, 1))}"></span>'
