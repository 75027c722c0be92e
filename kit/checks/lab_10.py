"""The checks of lab 10, "Inside the log". Each is a pure function of evidence and answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from kit.checks.evidence import Evidence, SeenRecord
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import clipped, listed, short
from kit.lessons import log_files
from kit.lessons.log_files import OffsetEntry, SegmentFiles

PLAYS = "music.plays"
PROFILES = "music.profiles"
WANTED = 2_000
"""The offset that the lab looks for."""
_MOST_OFFSETS = 100_000  # that are looked at: somebody may hand in what has no end

title("10", "Inside the log")


@judge("10.segment")
def segment(evidence: Evidence, answer: Any) -> CheckResult:
    """Which file holds offset 2,000? ``answer``: the number that is the file's name."""
    name = "10.segment"
    files = _segments(evidence)
    if isinstance(files, CheckResult):
        return dataclasses.replace(files, name=name)
    if isinstance(answer, bool) or not isinstance(answer, int):
        hint = "Write the file's name as a number, without the zeros in front and without .log."
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    right = max(each.base_offset for each in files if each.base_offset <= WANTED)
    # Without separators: "1,166" would be two numbers to Python.
    names = listed(each.base_offset for each in files)
    where = f"the files of {PLAYS}, partition 0"
    if not 0 <= answer < 2**63:
        hint = f"The files' names, as numbers, are {names}."
        return CheckResult(name, False, f"No offset is as large as {short(answer, 30)}, or below 0.", where, hint)
    if answer not in {each.base_offset for each in files}:
        hint = f"The files' names, as numbers, are {names}."
        return CheckResult(name, False, f"There is no file called {answer}.", where, hint)
    if answer != right:
        side = "begins after" if answer > WANTED else "ends before"
        hint = "A file's name is its first offset. The next file's name says where it ends."
        return CheckResult(name, False, f"The file {answer} {side} offset {WANTED:,}.", where, hint)
    return CheckResult(name, True, f"The files are {names}: {WANTED:,} lies in {right}.", where)


@judge("10.index")
def index(evidence: Evidence, answer: Any) -> CheckResult:
    """Does your function find the index entry to begin at? ``answer``: the function."""
    name = "10.index"
    files = _segments(evidence)
    if isinstance(files, CheckResult):
        return dataclasses.replace(files, name=name)
    if not callable(answer):
        hint = "Hand in the function itself: last_entry_before, without brackets."
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    closed = next((each for each in files if log_files.offset_index(each)), None)
    if closed is None:
        hint = "Send enough records that a first segment is full: run the cells above."
        return CheckResult(name, False, "No segment has an index in its file yet.", f"topic {PLAYS}", hint)
    entries = log_files.offset_index(closed)
    for offset in _probes(closed, entries):
        wrong = _wrong_entry(answer, entries, offset)
        if wrong:
            return CheckResult(name, False, wrong, f"{closed.path.stem}.index, offset {offset:,}", _INDEX_HINT)
    happened = f"Right for all offsets that were tried in the {len(entries)} entries, also for those before the first."
    return CheckResult(name, True, happened, f"{closed.path.stem}.index")


_INDEX_HINT = (
    "Walk through the entries (they ascend) and keep the last one whose offset is at most the one you look for. "
    "If even the first is above it, give None."
)


@judge("10.retention")
def retention(evidence: Evidence, answer: Any) -> CheckResult:
    """Where does the log begin after retention? ``answer``: the offset that you expect."""
    name = "10.retention"
    starts = evidence.log_start_offsets(PLAYS)
    if not starts:
        return _no_topic(name, PLAYS)
    start, end = starts[0], evidence.log_end_offsets(PLAYS)[0]
    where = f"topic {PLAYS}, partition 0"
    if start == 0:
        hint = "Run the cell that sets retention.bytes and wait until it prints."
        return CheckResult(name, False, "Retention has removed nothing yet.", where, hint)
    if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < 2**63:
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", "Write an offset.")
    if answer != start:
        hint = "Retention takes whole files, oldest first, while the rest still has retention.bytes. Look at the names."
        happened = f"The log holds the offsets {start:,} to {end - 1:,} now; you said that it begins at {answer:,}."
        return CheckResult(name, False, happened, where, hint)
    happened = f"The log begins at {start:,}, the first offset of a file: what goes, goes file by file."
    return CheckResult(name, True, happened, where)


@judge("10.compacted")
def compacted(evidence: Evidence, answer: Any) -> CheckResult:
    """Which records would compaction keep? ``answer``: their offsets."""
    name = "10.compacted"
    records = evidence.records(PROFILES)
    if not records:
        return _no_topic(name, PROFILES)
    given = _offsets_of(answer)
    if given is None:
        hint = "Hand in a list of offsets, whole numbers."
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    newest = {record.key: record for record in sorted(records, key=lambda record: record.offset)}
    kept = {record.offset for record in newest.values()}
    where = f"topic {PROFILES}, partition 0"
    if given == kept:
        tombstones = sum(record.value is None for record in newest.values())
        happened = f"{len(kept)} of {len(records)} records stay, each with the offset that it always had."
        note = (
            f" {tombstones} of them has no value, a tombstone: it goes later (delete.retention.ms)."
            if tombstones
            else ""
        )
        return CheckResult(name, True, happened + note, where)
    return _first_difference(name, given, kept, {record.offset: record for record in records}, where)


def _first_difference(
    name: str, given: set[int], kept: set[int], records: Mapping[int, SeenRecord], where: str
) -> CheckResult:
    offset = min(given ^ kept)
    record = records.get(offset)
    if record is None:
        return CheckResult(
            name, False, f"There is no record at offset {offset:,}.", where, "Take offsets from the list above."
        )
    key = (record.key or b"").decode(errors="backslashreplace")
    if offset in given:
        hint = "Of each key the newest record stays, and no other."
        return CheckResult(
            name, False, f"Your list keeps offset {offset}, and key {key} has a newer record.", where, hint
        )
    if record.value is None:
        hint = "A record without a value is the newest one of its key too: readers have to learn that the key is gone."
        return CheckResult(name, False, f"Your list leaves out offset {offset}, the tombstone of {key}.", where, hint)
    hint = "Of each key the newest record stays, however old it is."
    return CheckResult(
        name, False, f"Your list leaves out offset {offset}, the newest record of key {key}.", where, hint
    )


def _offsets_of(answer: Any) -> set[int] | None:
    if not isinstance(answer, Iterable) or isinstance(answer, str | bytes):
        return None
    given = list(islice(answer, _MOST_OFFSETS))
    fit = (isinstance(each, int) and not isinstance(each, bool) and 0 <= each < 2**63 for each in given)
    return set(given) if all(fit) else None


def _probes(segment: SegmentFiles, entries: list[OffsetEntry]) -> list[int]:
    """Offsets before, at and behind entries."""
    chosen = [entries[0], entries[len(entries) // 2], entries[-1]]
    around = [entry.offset + step for entry in chosen for step in (-1, 0, 1)]
    return sorted({segment.base_offset, *around})


def _wrong_entry(function: Callable[..., Any], entries: list[OffsetEntry], offset: int) -> str:
    """What is wrong with the function's answer, in a sentence; empty when it is right."""
    right = next((entry for entry in reversed(entries) if entry.offset <= offset), None)
    try:
        answer = function(list(entries), offset)
    except Exception as error:  # noqa: BLE001 - a student's function may raise anything
        return f"Your function raised {type(error).__name__}: {clipped(str(error), 120)}."
    if answer == right:
        return ""
    return f"Your function gave {short(answer)}, and the entry to begin at is {right!r}."


def _segments(evidence: Evidence) -> list[SegmentFiles] | CheckResult:
    data_dir = evidence.data_dir()
    if data_dir is None:
        happened = "The brokers' files are not on this computer."
        return CheckResult("", False, happened, "this cluster", "Do this part on a cluster of kit.start().")
    try:
        return log_files.segments(log_files.folder_of(data_dir, PLAYS))
    except FileNotFoundError:
        return _no_topic("", PLAYS)


def _no_topic(name: str, topic: str) -> CheckResult:
    hint = "Run the cells above this one, from the top: they create the topic and send to it."
    return CheckResult(name, False, f"There is nothing in {topic}.", f"topic {topic}", hint)
