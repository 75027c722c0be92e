"""The checks of lab 03, "Partitions and keys". Each is a pure function of evidence and answer."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kit.checks.evidence import Evidence, SeenRecord
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import clipped, listed, place_of, short, text_of
from kit.lessons.partition_choice import CRC32, RANDOM, ROUND_ROBIN, STICKY, habit, murmur2, partition_of, skew

LISTENS = "music.listens"
SHARED = "music.ratings"
NO_KEY = {"a": "spread.a", "b": "spread.b", "c": "spread.c"}
CAMERAS = "camera.detections"
BALANCED = "camera.balanced"
PLAYS = "basketball.plays"
# Half above the mean: what chance does with a few hundred keys stays below it, what one hot key does does not.
EVEN_ENOUGH = 1.5
# With fewer, chance alone decides how even they lie. The lab sends 1,500.
ENOUGH = 1_000

title("03", "Partitions and keys")


@judge("03.predict")
def predict(evidence: Evidence, answer: Any) -> CheckResult:
    """Where does a record with a key go? ``answer``: a function of key and number of partitions."""
    name = "03.predict"
    records = [each for each in evidence.records(LISTENS) if each.key]
    if len({each.key for each in records}) < 5:
        return _nothing(name, LISTENS)
    if not callable(answer):
        hint = 'Hand in the function itself, without calling it: kit.check("03.predict", cluster, predict_partition).'
        return CheckResult(name, False, f"Your answer is {short(answer, 80)}, not a function.", "your answer", hint)
    num_partitions = len(evidence.log_end_offsets(LISTENS))
    newest = {each.key: each for each in records if not _is_from_elsewhere(each, num_partitions)}
    predicted: dict[bytes | None, Any] = {}
    for key, each in newest.items():
        try:
            predicted[key] = answer(key, num_partitions)
        except Exception as error:  # noqa: BLE001  (it is the student's own function)
            happened = f"Your function raised {type(error).__name__} for {key!r}: {error}"
            return CheckResult(name, False, happened, place_of(each), "It gets the key as bytes and a whole number.")
    wrong = [each for key, each in newest.items() if predicted[key] != each.partition]
    if wrong:
        one = wrong[0]
        happened = (
            f"{len(newest) - len(wrong)} of {len(newest)} keys lie where your function says. "
            f"{_text(one.key)} lies in partition {one.partition}, "
            f"and your function says {short(predicted[one.key], 80)}."
        )
        return CheckResult(name, False, happened, place_of(one), _why_wrong(predicted, num_partitions))
    happened = f"All {len(newest)} keys lie where your function says, on {num_partitions} partitions."
    return CheckResult(name, True, happened, f"topic {LISTENS}")


@judge("03.clients")
def clients(evidence: Evidence, answer: Any) -> CheckResult:
    """Which keys did two kinds of client put into two partitions? ``answer``: the keys."""
    name = "03.clients"
    records = evidence.records(SHARED)
    if not records:
        return _nothing(name, SHARED)
    places = _places(records)
    split = {key for key, partitions in places.items() if len(partitions) > 1}
    if not split:
        happened = f"Each of the {len(places)} keys lies in one partition: only one kind of client has written here."
        hint = "Run the cell in which the second client sends."
        return CheckResult(name, False, happened, f"topic {SHARED}", hint)
    given = _keys(answer)
    if given is None:
        hint = 'Hand in a list or a set of keys, such as {b"ana", b"ben"}.'
        return CheckResult(name, False, f"Your answer is {short(answer, 80)}.", "your answer", hint)
    missing, extra = sorted(split - given), sorted(given - split)
    if missing:
        key = missing[0]
        happened = f"{_text(key)} is not in your answer, and its records lie in partitions {listed(places[key])}."
        hint = "Collect, for each key, the partitions in which it lies. A key with two of them belongs in the answer."
        return CheckResult(name, False, happened, place_of(next(each for each in records if each.key == key)), hint)
    if extra:
        key = extra[0]
        where = f"in partition {listed(places[key])} alone" if key in places else "nowhere in the topic"
        happened = f"{_text(key)} is in your answer, and lies {where}."
        return CheckResult(name, False, happened, f"topic {SHARED}", "Two hashes can agree by chance: leave it out.")
    happened = (
        f"{len(split)} of {len(places)} keys lie in two partitions. For these keys no order holds any more, although "
        "each client did what its manual says."
    )
    return CheckResult(name, True, happened, f"topic {SHARED}")


@judge("03.no-key")
def no_key(evidence: Evidence, answer: Any) -> CheckResult:
    """Who spread records without a key in which way? ``answer``: "random", "round-robin" or "sticky" for each topic."""
    name = "03.no-key"
    truth = {letter: habit(_in_sending_order(evidence.records(topic))) for letter, topic in NO_KEY.items()}
    unknown = [letter for letter, found in truth.items() if found is None]
    if unknown:
        return _nothing(name, NO_KEY[unknown[0]])
    if not isinstance(answer, Mapping) or not set(truth) <= set(answer):
        hint = f'Hand in a dictionary such as {{"a": "{RANDOM}", "b": "{STICKY}", "c": "{ROUND_ROBIN}"}}.'
        return CheckResult(name, False, f"Your answer is {short(answer, 80)}.", "your answer", hint)
    for letter, found in truth.items():
        if answer[letter] != found:
            topic = NO_KEY[letter]
            order = "".join(str(partition) for partition in _in_sending_order(evidence.records(topic))[:40])
            happened = f"You call {topic} {short(answer[letter], 80)}. Its first records went to partitions {order}."
            hint = f'Turn for turn is "{ROUND_ROBIN}", long runs are "{STICKY}", neither is "{RANDOM}".'
            return CheckResult(name, False, happened, f"topic {topic}", hint)
    happened = "; ".join(f"{NO_KEY[letter]} is {found}" for letter, found in truth.items())
    return CheckResult(
        name, True, f"{happened}. One client library, three habits.", f"topics {listed(NO_KEY.values())}"
    )


@judge("03.hot-key")
def hot_key(evidence: Evidence, answer: Any) -> CheckResult:
    """Which key makes one partition so much fuller than the others? ``answer``: the key."""
    name = "03.hot-key"
    records = [each for each in evidence.records(CAMERAS) if each.key is not None]
    if not records:
        return _nothing(name, CAMERAS)
    counts = Counter(each.key for each in records)
    (hottest, most), *_ = counts.most_common(1)
    given = answer.encode() if isinstance(answer, str) else answer
    if not isinstance(given, bytes) or given not in counts:
        hint = "Count the records of each key, and hand in the key with the most: collections.Counter helps."
        return CheckResult(name, False, f"No record has the key {short(answer, 80)}.", f"topic {CAMERAS}", hint)
    if given != hottest:
        happened = f"{_text(given)} has {_share(counts[given], len(records))} of the records, and another key has more."
        return CheckResult(name, False, happened, f"topic {CAMERAS}", "Count the records of each key, and compare.")
    where = next(each.partition for each in records if each.key == hottest)
    happened = (
        f"{_text(hottest)} alone has {_share(most, len(records))} of the records, all in partition {where}, "
        f"which has {skew(Counter(each.partition for each in records).values()):.2f} times the mean."
    )
    return CheckResult(name, True, happened, f"topic {CAMERAS}, partition {where}")


@judge("03.balanced")
def balanced(evidence: Evidence, answer: Any) -> CheckResult:
    """Are the detections spread evenly, and is each passage still in order? Needs no answer."""
    del answer  # what lies in the topic decides
    name = "03.balanced"
    seen = [(each, found) for each in evidence.records(BALANCED) if (found := _detection(each)) is not None]
    if not seen:
        return _nothing(name, BALANCED)
    all_ids = {found["id"] for each in evidence.records(CAMERAS) if (found := _detection(each)) is not None}
    missing = all_ids - {found["id"] for _, found in seen}
    if missing or len(all_ids) < ENOUGH:
        happened = f"{BALANCED} has {len(all_ids - missing):,} of the {len(all_ids):,} detections in {CAMERAS}."
        hint = (
            f"Run the cells of this part as they are: they send 1,500 detections to {CAMERAS}, and all of them again."
        )
        return CheckResult(name, False, happened, f"topic {BALANCED}", hint)
    # Whoever sent them twice without deleting has two rounds: the newest one is what counts.
    newest = {found["id"]: (each, found) for each, found in sorted(seen, key=lambda pair: pair[0].timestamp_ms)}
    tracks: dict[str, list[tuple[SeenRecord, int]]] = defaultdict(list)
    for each, found in newest.values():
        tracks[found["track"]].append((each, found["at_ms"]))
    torn = [track for track, parts in tracks.items() if len({each.partition for each, _ in parts}) > 1]
    if torn:
        track = torn[0]
        where = sorted({each.partition for each, _ in tracks[track]})
        happened = (
            f"The passage {track} is torn: its pictures lie in partitions {listed(where)}. "
            f"So are {len(torn) - 1} other passages of {len(tracks)}."
        )
        hint = "What has to stay in order needs one key: which field of a detection says that pictures belong together?"
        return CheckResult(name, False, happened, f"topic {BALANCED}", hint)
    counts = Counter(each.partition for each, _ in newest.values())
    num_partitions = len(evidence.log_end_offsets(BALANCED))
    ratio = skew([counts[partition] for partition in range(num_partitions)])
    if ratio > EVEN_ENOUGH:
        fullest = counts.most_common(1)[0][0]
        happened = f"Every passage is whole, but partition {fullest} has {ratio:.2f} times the mean."
        hint = "A key with few values, or one that is frequent, cannot spread. Choose a field with many values."
        return CheckResult(name, False, happened, f"topic {BALANCED}, partition {fullest}", hint)
    for track, parts in tracks.items():
        times_ms = [at_ms for _, at_ms in sorted(parts, key=lambda part: part[0].offset)]
        if times_ms != sorted(times_ms):
            happened = f"The pictures of {track} are in one partition, in the wrong order."
            return CheckResult(name, False, happened, f"topic {BALANCED}", "Send them in the order of the list.")
    happened = (
        f"{len(newest):,} detections: the fullest partition has {ratio:.2f} times the mean, and each of the "
        f"{len(tracks)} passages lies whole and in order in one partition."
    )
    return CheckResult(name, True, happened, f"topic {BALANCED}")


@judge("03.moved")
def moved(evidence: Evidence, answer: Any) -> CheckResult:
    """Which games went on in another partition when partitions were added? ``answer``: the games' keys."""
    name = "03.moved"
    records = [each for each in evidence.records(PLAYS) if each.key is not None]
    if not records:
        return _nothing(name, PLAYS)
    places = _places(records)
    truth = {key for key, partitions in places.items() if len(partitions) > 1}
    if not truth:
        happened = f"Each game lies in one of the {len(evidence.log_end_offsets(PLAYS))} partitions."
        hint = "Run the cell that adds partitions and sends the rest of the games."
        return CheckResult(name, False, happened, f"topic {PLAYS}", hint)
    given = _keys(answer)
    if given is None:
        hint = 'Hand in a list or a set of keys, such as {b"game-0001"}.'
        return CheckResult(name, False, f"Your answer is {short(answer, 80)}.", "your answer", hint)
    wrong = sorted(truth ^ given)
    if wrong:
        key = wrong[0]
        where = f"lies in {_partitions(places[key])}" if key in places else "is not in the topic"
        happened = f"{_text(key)} {where}, and your answer {'has' if key in given else 'does not have'} it."
        hint = "A game has moved if its partition of 3 is not its partition of 6. Ask the wheel, or predict_partition."
        return CheckResult(name, False, happened, f"topic {PLAYS}", hint)
    happened = (
        f"{len(truth)} of {len(places)} games go on in another partition. Whoever reads the new one first sees the end "
        "of the game before its beginning. Nothing was moved: old records stay where they are."
    )
    return CheckResult(name, True, happened, f"topic {PLAYS}")


def _is_from_elsewhere(each: SeenRecord, num_partitions: int) -> bool:
    """Whether another client's hash has placed it: the wheel of the lab can send such records too."""
    key = each.key or b""
    return each.partition != partition_of(key, num_partitions) and each.partition == partition_of(
        key, num_partitions, CRC32
    )


def _why_wrong(predicted: Mapping[bytes | None, Any], num_partitions: int) -> str:
    """The likely mistake behind a function's answers."""
    divide = "The hash is right, and it is not a partition yet: & 0x7fffffff, then % the number of partitions."
    ways: list[tuple[str, Callable[[bytes], int]]] = [
        (
            "That is CRC32, librdkafka's hash. kafka-python takes murmur2.",
            lambda key: partition_of(key, num_partitions, CRC32),
        ),
        (
            "Nearly: Java's numbers have a sign, and its bit is dropped. Take & 0x7fffffff before the %.",
            lambda key: murmur2(key) % num_partitions,
        ),
        (divide, murmur2),
        (divide, lambda key: murmur2(key) & 0x7FFFFFFF),
    ]
    for hint, way in ways:
        if all(way(key or b"") == said for key, said in predicted.items()):
            return hint
    return "Look at the calculation under the left wheel: the murmur2 of the key, & 0x7fffffff, then % partitions."


def _in_sending_order(records: Iterable[SeenRecord]) -> list[int]:
    """The partitions of the newest round of records, by the number that each has as its value."""
    newest: dict[int, SeenRecord] = {}
    for each in sorted(records, key=lambda record: record.timestamp_ms):
        if each.key is None and (each.value or b"").isdigit():
            newest[int(each.value or b"")] = each
    return [newest[number].partition for number in sorted(newest)]


def _places(records: Iterable[SeenRecord]) -> dict[bytes, list[int]]:
    places: dict[bytes, set[int]] = defaultdict(set)
    for each in records:
        if each.key is not None:
            places[each.key].add(each.partition)
    return {key: sorted(partitions) for key, partitions in places.items()}


def _keys(answer: Any) -> set[bytes] | None:
    """Keys as bytes; a student may write them as text. None for what is no collection of keys."""
    if not isinstance(answer, list | tuple | set | frozenset):
        return None
    given = {each.encode() if isinstance(each, str) else each for each in answer if isinstance(each, str | bytes)}
    return given if len(given) == len(set(map(repr, answer))) else None


def _detection(each: SeenRecord) -> dict[str, Any] | None:
    try:
        found = json.loads(each.value or b"")
    except ValueError:
        return None
    if not isinstance(found, dict) or not all(isinstance(found.get(field), str) for field in ("id", "track")):
        return None
    return found if isinstance(found.get("at_ms"), int) else None


def _partitions(numbers: list[int]) -> str:
    return f"partition{'s' if len(numbers) > 1 else ''} {listed(numbers)}"


def _nothing(name: str, topic: str) -> CheckResult:
    happened = f"There are not enough records in {topic} to look at."
    hint = "Run the cells above this one, from the top: they create the topic and send to it."
    return CheckResult(name, False, happened, f"topic {topic}", hint)


def _share(part: int, total: int) -> str:
    return f"{100 * part / total:.0f} %"


def _text(data: Any) -> str:
    return text_of(data, 60) if isinstance(data, bytes) else repr(clipped(str(data), 60))
