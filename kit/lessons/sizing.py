"""How many partitions, producers and consumers a topic needs, and how much disk: the arithmetic of lab 04.

Rates are in one unit throughout, MB/s for example. Everything is exact: 0.3 / 0.1 is 3, not a little less.
Source: "max(t/p, t/c)", the rule in Confluent's "5 common pitfalls when using Apache Kafka"; that consumers take whole
partitions is how consumer groups work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from kit.errors import KitError

Rate = float | Fraction

SECONDS_PER_DAY = 86_400
# What nobody means: larger numbers are typing errors, and would only make unreadable sentences.
MAX_RATE = 1_000_000_000
MAX_PARTITIONS = 1_000_000


class SizingError(KitError, ValueError):
    """A number makes no sense here; the text says which, and what it should be."""


def partitions_needed(target: Rate, producer_rate: Rate, consumer_rate: Rate) -> int:
    """The fewest partitions that carry the target: max(target / producer_rate, target / consumer_rate), rounded up.

    Args:
        target: what the topic has to carry.
        producer_rate: what can be written to ONE partition.
        consumer_rate: what one consumer can read from ONE partition, its own work included.

    Raises:
        SizingError: one of them is not a positive number.
    """
    wanted, written, read = (
        checked_rate(name, value)
        for name, value in (("target", target), ("producer_rate", producer_rate), ("consumer_rate", consumer_rate))
    )
    return math.ceil(max(wanted / written, wanted / read))


def producers_needed(target: Rate, producer_rate: Rate) -> int:
    """The fewest producers that send the target together, each of them at ``producer_rate``.

    Raises:
        SizingError: one of them is not a positive number.
    """
    return math.ceil(checked_rate("target", target) / checked_rate("producer_rate", producer_rate))


def consumers_needed(target: Rate, consumer_rate: Rate, partitions: int | None = None) -> int:
    """The fewest consumers in one group that keep up.

    Args:
        partitions: of the topic. A consumer takes whole ones: 10 consumers on 14 partitions means that four of them
            have two, and twice the work. None asks for the rates alone.

    Raises:
        SizingError: a number is not positive, or one partition alone is more than a consumer can read.
    """
    wanted, read = checked_rate("target", target), checked_rate("consumer_rate", consumer_rate)
    if partitions is None:
        return math.ceil(wanted / read)
    count = checked_count("partitions", partitions, MAX_PARTITIONS)
    partitions_each = math.floor(read / (wanted / count))
    if not partitions_each:
        raise SizingError(
            f"With {count} partitions each carries {_number(wanted / count)}, and a consumer reads {_number(read)}: "
            f"no number of consumers keeps up. Take at least {math.ceil(wanted / read)} partitions."
        )
    return math.ceil(count / partitions_each)


def stored(target: Rate, retention_days: Rate, replication_factor: int) -> Fraction:
    """What lies on all disks together when the retention is full: rate x retention x replication factor.

    Returns:
        In the unit of the target, without "per second": MB when the target is in MB/s.

    Raises:
        SizingError: a number is not positive.
    """
    kept_days = checked_rate("retention_days", retention_days)
    factor = checked_count("replication_factor", replication_factor, 100)
    return checked_rate("target", target) * kept_days * SECONDS_PER_DAY * factor


@dataclass(frozen=True, slots=True)
class Estimate:
    """All numbers of one topic, and why.

    Attributes:
        consumers: that keep up with exactly so many partitions.
        consumers_by_rate: what the rates alone would say; fewer when partitions cannot be shared out evenly.
        stored_mb: on all disks together, when target is in MB/s.
    """

    target: Fraction
    producer_rate: Fraction
    consumer_rate: Fraction
    partitions: int
    producers: int
    consumers: int
    consumers_by_rate: int
    stored_mb: Fraction

    @property
    def sentence(self) -> str:
        """Why so many partitions."""
        by_write, by_read = self.target / self.producer_rate, self.target / self.consumer_rate
        return (
            f"Writing needs {_number(self.target)} / {_number(self.producer_rate)} = {_number(by_write)} partitions, "
            f"reading {_number(self.target)} / {_number(self.consumer_rate)} = {_number(by_read)}. The larger counts, "
            f"rounded up: {self.partitions}."
        )

    @property
    def clients_sentence(self) -> str:
        """Why so many producers and consumers."""
        text = f"{_count(self.producers, 'producer')} and {_count(self.consumers, 'consumer')}."
        if self.consumers > self.consumers_by_rate:
            text += (
                f" By the rates alone {self.consumers_by_rate} consumers would do, but a consumer takes whole "
                f"partitions, and with {self.partitions} of them somebody would get one too many."
            )
        return text

    @property
    def storage_sentence(self) -> str:
        """How much disk."""
        return f"{size_in_words(self.stored_mb)} on all disks together."


def estimate(
    target: Rate, producer_rate: Rate, consumer_rate: Rate, retention_days: Rate = 7, replication_factor: int = 3
) -> Estimate:
    """All numbers of one topic; rates in MB/s, arguments and errors as above."""
    partitions = partitions_needed(target, producer_rate, consumer_rate)
    if partitions > MAX_PARTITIONS:
        raise SizingError(
            f"{partitions:,} partitions are more than any cluster has: is one of the rates in another unit?"
        )
    return Estimate(
        checked_rate("target", target),
        checked_rate("producer_rate", producer_rate),
        checked_rate("consumer_rate", consumer_rate),
        partitions,
        producers_needed(target, producer_rate),
        consumers_needed(target, consumer_rate, partitions),
        consumers_needed(target, consumer_rate),
        stored(target, retention_days, replication_factor),
    )


def lectures_way(target: Rate, producers: int, producer_rate: Rate, consumers: int, consumer_rate: Rate) -> int:
    """The slide's calculation, which is wrong: the target divided by what all clients together can do.

    What comes out says how many times too few clients there are. It knows nothing of partitions.

    Raises:
        SizingError: a number is not positive.
    """
    all_write = checked_rate("producer_rate", producer_rate) * checked_count("producers", producers)
    all_read = checked_rate("consumer_rate", consumer_rate) * checked_count("consumers", consumers)
    wanted = checked_rate("target", target)
    return math.ceil(max(wanted / all_write, wanted / all_read))


def why_not_the_lectures_way(
    target: Rate, producers: int, producer_rate: Rate, consumers: int, consumer_rate: Rate
) -> str:
    """What is wrong with it, in words, with these numbers; errors as above."""
    answer = lectures_way(target, producers, producer_rate, consumers, consumer_rate)
    wanted = checked_rate("target", target)
    each_write, each_read = checked_rate("producer_rate", producer_rate), checked_rate("consumer_rate", consumer_rate)
    offered = each_write * producers
    text = (
        f"The slide divides by all clients together: {_number(wanted)} / ({producers} × {_number(each_write)}) = "
        f"{_number(wanted / offered)} and {_number(wanted)} / ({consumers} × {_number(each_read)}) = "
        f"{_number(wanted / (each_read * consumers))}, rounded up {answer:,}. That says how many times too few clients "
        "there are, and nothing about partitions."
    )
    written = min(wanted, offered, each_write * answer)
    read = _readable(written, answer, consumers, each_read)
    its_consumers = _count(consumers, "consumer")
    if written < wanted:
        text += f" Its {_count(producers, 'producer')} and {_count(answer, 'partition')} carry {_number(written)} of "
        text += _number(wanted)
        if read < written:
            text += f", and of these its {its_consumers} read {_number(read)}"
    elif read < written:
        text += f" Here everything is written, and its {its_consumers} read {_number(read)} of {_number(wanted)}"
    else:
        text += " Here it happens to be enough"
    if consumers > answer:
        text += f", and {_count(consumers - answer, 'consumer')} of {consumers:,} would have nothing to do"
    return f"{text}."


def _readable(written: Fraction, partitions: int, consumers: int, consumer_rate: Fraction) -> Fraction:
    """How much consumers read of what is written to the partitions evenly; each of them takes whole ones."""
    share = written / partitions
    fewest, with_one_more = divmod(partitions, consumers)
    some = with_one_more * min(consumer_rate, (fewest + 1) * share)
    return some + (consumers - with_one_more) * min(consumer_rate, fewest * share)


def checked_rate(name: str, value: Any) -> Fraction:
    """A positive number, exactly as it is written.

    Raises:
        SizingError: it is not one.
    """
    is_number = isinstance(value, int | float | Fraction) and not isinstance(value, bool)
    if not is_number or (isinstance(value, float) and math.isnan(value)):
        raise SizingError(f"{name} is {_short(value)}: it has to be a number.")
    if not 0 < value <= MAX_RATE:
        raise SizingError(f"{name} is {_short(value)}: it has to be more than 0, and at most {MAX_RATE:,}.")
    # As it is written: the float 0.1 itself is a little more than a tenth.
    return Fraction(value) if isinstance(value, int | Fraction) else Fraction(str(float(value)))


def checked_count(name: str, value: Any, most: int = 10_000) -> int:
    """A whole number from 1 on.

    Raises:
        SizingError: it is not one.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        written = (
            f" Write {value:.0f}." if isinstance(value, float) and value.is_integer() and 1 <= value <= most else ""
        )
        raise SizingError(f"{name} is {_short(value)}: it has to be a whole number from 1 to {most:,}.{written}")
    return value


def size_in_words(size_mb: Fraction | float) -> str:
    """Megabytes as the largest unit that leaves a number of at least one: "362.9 TB"; less than that in bytes or kB."""
    size = float(size_mb) * 1_000_000
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if size < 1_000 or unit == "PB":
            return f"{size:,.0f} bytes" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1_000
    raise AssertionError  # the loop ends with its last unit


def _number(value: Fraction) -> str:
    """Two decimals; of a number near zero as many as show two digits of it: 0.001, and not 0."""
    decimals = 2 if value >= Fraction(1, 100) or not value else 1 - math.floor(math.log10(value))
    return f"{float(value):,.{decimals}f}".rstrip("0").rstrip(".")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # an int of more than 4,300 digits
        return "a number with thousands of digits"
    return text if len(text) <= 40 else text[:39] + "…"
