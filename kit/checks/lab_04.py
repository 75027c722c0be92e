"""The checks of lab 04, "Sizing". Each is a pure function of evidence and answer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kit.checks.evidence import Evidence, SeenRecord
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import short
from kit.lessons.load_test import SECOND_HEADER, Load, LoadTest
from kit.lessons.sizing import partitions_needed, stored

# The numbers of the lecture's slide, in MB/s.
TARGET, PRODUCER_RATE, CONSUMER_RATE = 200, 15, 20
_MOST_SECONDS = 100  # that a load test can have
TEAM = 10  # the consumers that part 4 of the lab has
RETENTION_DAYS, REPLICATION_FACTOR = 7, 3
_CASES = (
    (200, 15, 20), (200, 20, 15), (100, 50, 10), (100, 10, 50), (60, 15, 20), (1, 15, 20), (10, 3, 7), (500, 12.5, 40),
    (0.5, 0.2, 0.4), (1_000, 10, 10), (20, 3, 9),
)  # fmt: skip

title("04", "Sizing")


@judge("04.formula")
def formula(evidence: Evidence, answer: Any) -> CheckResult:
    """How many partitions does a topic need? ``answer``: a function of target, producer's and consumer's rate."""
    del evidence  # arithmetic: the load tests of the next steps show whether it holds
    name = "04.formula"
    if not callable(answer):
        hint = 'Hand in the function itself, without calling it: kit.check("04.formula", cluster, partitions_needed).'
        return CheckResult(name, False, f"Your answer is {short(answer, 80)}, not a function.", "your answer", hint)
    said = []
    for case in _CASES:
        try:
            said.append(answer(*case))
        except Exception as error:  # noqa: BLE001  (it is the student's own function)
            happened = f"Your function raised {type(error).__name__} for {_case(case)}: {error}"
            hint = "It gets three numbers: the target, what a producer writes, what a consumer reads."
            return CheckResult(name, False, happened, "your function", hint)
    for case, number in zip(_CASES, said, strict=True):
        right = partitions_needed(*case)
        if number != right:
            happened = f"For {_case(case)} your function says {short(number, 80)}. {_why(case, number, right)}"
            return CheckResult(name, False, happened, "your function", _likely_mistake(said))
        if not isinstance(number, int):
            happened = f"For {_case(case)} your function says {short(number, 80)}: right, but no whole number."
            return CheckResult(name, False, happened, "your function", "math.ceil gives one.")
    happened = f"Right in all {len(_CASES)} cases, whether writing or reading is slower. For the slide's numbers: 14."
    return CheckResult(name, True, happened, "your function")


@judge("04.load")
def load(evidence: Evidence, answer: Any) -> CheckResult:
    """Does a topic carry the slide's 200 MB/s? ``answer``: what ``load_test`` returned."""
    name = "04.load"
    found = _tested(name, evidence, answer)
    if isinstance(found, CheckResult):
        return found
    if found.waiting:
        return CheckResult(name, False, found.words, found.where, _more_writing(found))
    if found.lag:
        hint = "Everything is written and not everything is read: give each partition a consumer of its own."
        return CheckResult(name, False, found.words, found.where, hint)
    fewest = partitions_needed(TARGET, PRODUCER_RATE, CONSUMER_RATE)
    more = f" {fewest} would have been enough." if found.partitions > fewest else ""
    return CheckResult(name, True, f"{found.words}{more}", found.where)


@judge("04.ten")
def ten(evidence: Evidence, answer: Any) -> CheckResult:
    """With how many partitions do ten consumers keep up? ``answer``: what ``load_test`` returned."""
    name = "04.ten"
    found = _tested(name, evidence, answer)
    if isinstance(found, CheckResult):
        return found
    if found.consumers > TEAM:
        happened = f"This test had {found.consumers:,} consumers, and the team has {TEAM}."
        return CheckResult(name, False, happened, found.where, "Leave consumers=10, and change the partitions.")
    if found.waiting:
        return CheckResult(name, False, found.words, found.where, _more_writing(found))
    if found.lag:
        share = TARGET / found.partitions
        most = math.ceil(found.partitions / found.consumers)
        happened = (
            f"{found.words} A partition carries {_rate(share)} MB/s, and somebody has {most} of them: "
            f"{_rate(most * share)} MB/s, where a consumer reads {CONSUMER_RATE}."
        )
        hint = f"Take a number of partitions that {found.consumers} consumers can share out evenly."
        return CheckResult(name, False, happened, found.where, hint)
    happened = f"{found.words} Each of the {found.consumers} consumers has the same share."
    return CheckResult(name, True, happened, found.where)


@judge("04.storage")
def storage(evidence: Evidence, answer: Any) -> CheckResult:
    """How many terabytes do seven days of it take on all disks? ``answer``: a number."""
    del evidence  # nobody has such disks here
    name = "04.storage"
    right_tb = float(stored(TARGET, RETENTION_DAYS, REPLICATION_FACTOR)) / 1_000_000
    where = "your answer"
    is_number = isinstance(answer, int | float) and not isinstance(answer, bool)
    if not is_number or not abs(answer) < 1e15:  # more than that only makes unreadable sentences
        return CheckResult(name, False, f"Your answer is {short(answer, 80)}.", where, "A number of TB is needed.")
    if abs(answer - right_tb) <= 0.02 * right_tb:
        happened = f"{TARGET} MB/s × {RETENTION_DAYS} days × {REPLICATION_FACTOR} replicas = {right_tb:.0f} TB."
        return CheckResult(name, True, happened, where)
    return CheckResult(name, False, f"Your answer is {answer:,.1f} TB.", where, _why_not_stored(answer, right_tb))


@dataclass(frozen=True)
class _Found:
    """A load test as it lies in the cluster.

    Attributes:
        producers: as many as were needed for what was written in the busiest second.
        consumers: as told; what was committed is not more than so many can have worked off.
    """

    topic: str
    partitions: int
    producers: int
    consumers: int
    seconds: int
    made: int
    written: int
    lag: int

    @property
    def waiting(self) -> int:
        return self.made - self.written

    @property
    def where(self) -> str:
        return f"topic {self.topic}, {self.partitions} partitions"

    @property
    def words(self) -> str:
        if not self.waiting and not self.lag:
            return f"In {self.seconds} seconds {self.made:,} records were made, and all of them are written and read."
        parts = [f"{self.waiting:,} are not written"] if self.waiting else []
        parts += [f"{self.lag:,} are written and not read"] if self.lag else []
        return f"In {self.seconds} seconds {self.made:,} records were made; {' and '.join(parts)}, and it grows."


def _tested(name: str, evidence: Evidence, answer: Any) -> _Found | CheckResult:
    """What the cluster has of a load test, if it was played with the slide's rates."""
    if not isinstance(answer, LoadTest) or not isinstance(answer.load, Load):
        hint = "Hand in what load_test returned, the whole object."
        return CheckResult(name, False, f"Your answer is {short(answer, 80)}.", "your answer", hint)
    records = evidence.records(answer.topic)
    where = f"topic {answer.topic}"
    if not records:
        hint = "Run the cell with load_test again: what it wrote is not in this cluster."
        return CheckResult(name, False, f"There is no record in {answer.topic}.", where, hint)
    written = Counter((_second(each), each.partition) for each in records)
    ends = evidence.log_end_offsets(answer.topic)
    unfair = _unfair(records, written, answer)
    if unfair:
        hint = (
            f"Keep the slide's rates: {TARGET}, {PRODUCER_RATE} and {CONSUMER_RATE}. They are load_test's own defaults."
        )
        return CheckResult(name, False, unfair, where, hint)
    committed = evidence.committed_offsets(answer.group_id, answer.topic)
    done, possible = sum(committed.values()), _readable(written, len(ends), answer.load.consumers)
    if done > possible:
        happened = (
            f"{done:,} records are committed, and {answer.load.consumers:,} consumers that read {CONSUMER_RATE} each "
            f"second can have worked off {possible:,} of this topic."
        )
        hint = "Hand in what load_test returned, just as it is, with the rates that are its defaults."
        return CheckResult(name, False, happened, where, hint)
    seconds = max(second for second, _ in written) + 1
    in_busiest_second = max(Counter(second for second, _ in written.elements()).values())
    return _Found(
        answer.topic,
        len(ends),
        math.ceil(in_busiest_second / PRODUCER_RATE),
        answer.load.consumers,
        seconds,
        TARGET * seconds,
        sum(ends.values()),
        sum(end - committed.get(partition, 0) for partition, end in ends.items()),
    )


def _unfair(records: list[SeenRecord] | Any, written: Counter[tuple[int, int]], answer: LoadTest) -> str:
    """Why these records are no test of the slide's numbers; empty when they are one."""
    if any(second < 0 for second, _ in written):
        return f"Not every record of {answer.topic} says in which second it was written."
    (second, partition), most = written.most_common(1)[0]
    if most > PRODUCER_RATE:
        return (
            f"In second {second} {most} records were written to partition {partition}, and a partition takes "
            f"{PRODUCER_RATE}."
        )
    begin_ms = min(each.timestamp_ms for each in records)
    # Fewer only when not even the first second got into the topic.
    made = sum(each.timestamp_ms < begin_ms + 1_000 for each in records)
    if made != min(TARGET, len(records)):
        return f"In the first second {made} records were made that got into the topic, and the slide has {TARGET}."
    if answer.load.consumer_rate != CONSUMER_RATE or answer.load.target != TARGET:
        return f"Consumers read {answer.load.consumer_rate} each second here, and {answer.load.target} were made."
    return ""


def _readable(written: Counter[tuple[int, int]], partitions: int, consumers: int) -> int:
    """How many records so many consumers can have worked off at the slide's rate.

    Args:
        written: to second and partition, the number of records.
    """
    load = Load(partitions, 1, consumers, consumer_rate=CONSUMER_RATE)
    backlog, possible = [0] * partitions, 0
    for second in range(max(second for second, _ in written) + 1):
        for partition in range(partitions):
            backlog[partition] += written[second, partition]
        done = load.worked_off(backlog)
        backlog = [waits - worked for waits, worked in zip(backlog, done, strict=True)]
        possible += sum(done)
    return possible


def _second(each: SeenRecord) -> int:
    """The logical second in which a record was written; -1 when it does not say."""
    text = next((value for header, value in each.headers if header == SECOND_HEADER), b"")
    return int(text) if text.isdigit() and int(text) < _MOST_SECONDS else -1


def _more_writing(found: _Found) -> str:
    if found.partitions * PRODUCER_RATE >= TARGET:
        sent = min(found.producers * PRODUCER_RATE, TARGET)
        return f"{found.producers} producers send {sent} MB/s together: more producers are needed."
    return (
        f"{found.partitions} partitions take {found.partitions * PRODUCER_RATE} MB/s together, however many producers "
        "there are: more partitions are needed."
    )


def _why(case: tuple[float, float, float], number: Any, right: int) -> str:
    target, written, read = case
    if not isinstance(number, int | float) or isinstance(number, bool):
        return "That is no number."
    if number != number:  # noqa: PLR0124  (math.isnan cannot take the largest ints)
        return "That is no number."
    if number > right:
        return f"{right} would carry it: {_rate(right * min(written, read))} MB/s at the slower end."
    if number <= 0:
        return "A topic has at least one partition."
    verb, rate = ("take", written) if written <= read else ("give", read)
    carried = f"So many partitions {verb} {_rate(number * rate)} of {_rate(target)} MB/s"
    return f"{carried}." if number == int(number) else f"{carried}, but it is not whole: a topic has whole partitions."


def _likely_mistake(said: list[Any]) -> str:
    ways: list[tuple[str, Callable[[float, float, float], float]]] = [
        ("That is rounded down: a third of a partition cannot be had, so round up.", _floor),
        ("That is rounded to the nearest: 13.3 partitions are not 13. Round up.", _rounded),
        ("It counts only how fast writing is. Reading can be the slower end.", lambda t, p, _c: math.ceil(t / p)),
        ("It counts only how fast reading is. Writing can be the slower end.", lambda t, _p, c: math.ceil(t / c)),
        ("The slower end decides, so the larger of the two numbers: max, not min.", _smaller),
        ("A record is written to a partition and read from the same one: do not add the two numbers.", _added),
        ("Whole partitions are needed: round up, with math.ceil.", lambda t, p, c: max(t / p, t / c)),
    ]
    for hint, way in ways:
        if all(way(*case) == number for case, number in zip(_CASES, said, strict=True)):
            return hint
    if said[0] == 4:
        return (
            "That is the slide's 4: it divides by all clients together. How many clients there are does not matter; "
            "divide the target by what ONE partition takes, and by what ONE gives."
        )
    return (
        "The target divided by what one partition takes; the target divided by what one gives; the larger, rounded up."
    )


def _floor(target: float, written: float, read: float) -> int:
    return math.floor(max(target / written, target / read))


def _rounded(target: float, written: float, read: float) -> int:
    return round(max(target / written, target / read))


def _smaller(target: float, written: float, read: float) -> int:
    return math.ceil(min(target / written, target / read))


def _added(target: float, written: float, read: float) -> int:
    return math.ceil(target / written + target / read)


def _why_not_stored(answer: float, right_tb: float) -> str:
    guesses = {
        right_tb / REPLICATION_FACTOR: f"Each of the {REPLICATION_FACTOR} replicas is on a disk of its own.",
        right_tb / RETENTION_DAYS: f"That is one day; it is kept for {RETENTION_DAYS}.",
        right_tb / RETENTION_DAYS / REPLICATION_FACTOR: "That is one day and one replica.",
        right_tb * 1_000: "That would be GB: 1 TB is 1,000 GB.",
        right_tb * 1_000_000: "That would be MB: 1 TB is 1,000,000 MB.",
        right_tb / 8: "MB are bytes already: nothing to divide by 8.",
    }
    for guess, hint in guesses.items():
        if abs(answer - guess) <= 0.02 * guess:
            return hint
    return "MB/s × seconds of a day × days × replicas, and 1,000,000 MB are 1 TB."


def _case(case: tuple[float, float, float]) -> str:
    return f"target {_rate(case[0])}, writing {_rate(case[1])} and reading {_rate(case[2])}"


def _rate(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")
