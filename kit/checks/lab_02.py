"""The checks of lab 02, "Topics and names". Each is a pure function of evidence and answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kit.checks.evidence import Evidence
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import guessed, place_of, short
from kit.lessons import naming

PLAYS = "music.plays"
CAPITALS = "Music.Skips"
STRAY = "music.playz"
SONG = b"Night Bus Home"
OFFSETS = "__consumer_offsets"
TEN_NAMES = (
    "prod.music.plays.v1", "music plays", "Prod.Music.Plays.v1", "music_plays", "dev.data.v1", "café.orders",
    "dev.payments.royalties.v2", "music.plays.v1", "..", "dev.music.plays",
)  # fmt: skip
JUDGEMENTS = ("kafka", "team", "fine")
# What a rule that is almost right gets wrong. Each with the reason why Kafka says so.
_CASES: tuple[tuple[str, str], ...] = (
    ("music.plays", "letters and a period are legal"),
    ("Music_Plays-2", "capital letters, digits, underscore and hyphen are legal"),
    ("42", "digits alone are legal"),
    ("-", "a hyphen alone is legal"),
    ("...", "three periods are legal, only one or two are not"),
    ("a" * naming.MAX_NAME_LENGTH, f"{naming.MAX_NAME_LENGTH} characters are legal"),
    ("a" * (naming.MAX_NAME_LENGTH + 1), f"only {naming.MAX_NAME_LENGTH} characters are legal"),
    ("", "a name has at least one character"),
    (".", "it means a folder"),
    ("..", "it means a folder"),
    ("my songs", "a space is not legal"),
    ("music/plays", "a slash is not legal"),
    ("music.plays!", "an exclamation mark is not legal"),
    ("café", "é is a letter, and not one of a to z"),
    ("plays\u0663", "this digit is not one of 0 to 9"),
    ("music.plays\n", "there is a line break at its end"),
)

title("02", "Topics and names")


@judge("02.last-partition")
def last_partition(evidence: Evidence, answer: Any) -> CheckResult:
    """Which number has the last partition of a topic? ``answer``: the number."""
    name = "02.last-partition"
    numbers = sorted(evidence.log_end_offsets(PLAYS))
    if not numbers:
        return _no_topic(name, PLAYS)
    facts = f"{PLAYS} has {len(numbers)} partitions: {', '.join(map(str, numbers))}."
    if isinstance(answer, bool) or not isinstance(answer, int):
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", "Write a whole number.")
    if answer != numbers[-1]:
        hint = "Kafka counts partitions from 0. Where a book has A1 and A2, Kafka has A-0 and A-1."
        return CheckResult(name, False, f"{facts} There is none called {answer}.", f"topic {PLAYS}", hint)
    return CheckResult(name, True, facts, f"topic {PLAYS}")


@judge("02.capitals")
def capitals(evidence: Evidence, answer: Any) -> CheckResult:
    """What does Kafka do with capital letters in a name? ``answer``: "refused", "made small" or "kept"."""
    name = "02.capitals"
    there = evidence.topic_names()
    if CAPITALS not in there:
        return _no_topic(name, CAPITALS)
    small = CAPITALS.lower()
    twin = f"and so is {small}: two topics" if small in there else f"and there is no {small}"
    facts = f"The cluster has a topic {CAPITALS}, {twin}."
    guess = guessed(answer)
    if guess == "kept":
        return CheckResult(
            name, True, f"{facts} Lowercase is a habit of people. Kafka keeps what it is given.", CAPITALS
        )
    if guess in ("refused", "made small"):
        hint = 'Kafka took the name as it is. Set your guess to "kept", and say why teams write small all the same.'
        return CheckResult(name, False, facts, f"topic {CAPITALS}", hint)
    hint = 'Set your guess to "refused", "made small" or "kept".'
    return CheckResult(name, False, f"Your guess is {short(answer)}.", "your answer", hint)


@judge("02.rule")
def rule(evidence: Evidence, answer: Any) -> CheckResult:
    """Does your function know which names Kafka allows? ``answer``: the function."""
    del evidence  # the rule is the same in every cluster
    name = "02.rule"
    if not callable(answer):
        hint = "Hand in the function itself: is_legal, without brackets."
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    for case, reason in _CASES:
        wrong = _wrong_verdict(answer, case)
        if wrong:
            return CheckResult(name, False, wrong, f"the name {_short(case)}", f"Kafka: {reason}.")
    return CheckResult(name, True, f"Right for all {len(_CASES)} names that were tried.", "your function")


@judge("02.ten-names")
def ten_names(evidence: Evidence, answer: Any) -> CheckResult:
    """Who minds which of ten names? ``answer``: each name with "kafka", "team" or "fine"."""
    name = "02.ten-names"
    existing = evidence.topic_names()
    if PLAYS not in existing:
        return _no_topic(name, PLAYS)
    if not isinstance(answer, Mapping):
        hint = "Hand in the dictionary with the ten names."
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    wrong = {each: answer.get(each) for each in TEN_NAMES if answer.get(each) != _judgement(each, existing)}
    if not wrong:
        return CheckResult(name, True, "All ten are right.", "your list")
    right = len(TEN_NAMES) - len(wrong)
    first, said = next(iter(wrong.items()))
    if said not in JUDGEMENTS:
        hint = f"Write one of {', '.join(JUDGEMENTS)} beside it."
        return CheckResult(name, False, f"Beside {first!r} stands {said!r}.", f"the name {first!r}", hint)
    happened = f"{right} of {len(TEN_NAMES)} are right. Look at {first!r} again: you say {said!r}."
    return CheckResult(name, False, happened, f"the name {first!r}", _why(first, existing))


@judge("02.tree")
def tree(evidence: Evidence, answer: Any) -> CheckResult:
    """Is there a tree of topics that a team could live with? ``answer``: its names."""
    name = "02.tree"
    names = _names(answer)
    if names is None:
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", "Hand in the list of names.")
    if not names:
        return CheckResult(name, False, "Your list is empty.", "your answer", "Write the names of the topics into it.")
    for each in names:
        found = naming.lint(each, naming.TEAM)
        if found:
            hint = f"Try {found[0].suggestion}." if found[0].suggestion else "Type it into the linter above."
            return CheckResult(name, False, found[0].reason, f"the name {each!r}", hint)
    missing = sorted(set(names) - set(evidence.topic_names()))
    if missing:
        hint = "Run the cell with the list again: it makes the topics. Read what it prints."
        return CheckResult(name, False, f"There is no topic {missing[0]} in the cluster.", "the cluster", hint)
    lacking = _lacking(names)
    if lacking:
        return CheckResult(name, False, lacking[0], "your tree", lacking[1])
    happened = f"{len(set(names))} topics, all legal, all of one form, and the same in dev and prod."
    return CheckResult(name, True, happened, "the cluster")


@judge("02.typo")
def typo(evidence: Evidence, answer: Any) -> CheckResult:
    """What happens to a record for a topic that is not there? ``answer``: "error", "thrown away" or "new topic"."""
    name = "02.typo"
    arrived = [each for each in evidence.records(STRAY) if each.value == SONG]
    if not arrived:
        hint = "Run the cell that sends it: the check looks for the record right afterwards."
        return CheckResult(name, False, f"The record with {SONG!r} is not in {STRAY}.", f"topic {STRAY}", hint)
    facts = f"Nobody created {STRAY}, and now it is there, with the record in it."
    guess = guessed(answer)
    if guess == "new topic":
        return CheckResult(name, True, f"Your guess fits. {facts}", place_of(arrived[-1]))
    if guess in ("error", "thrown away"):
        hint = 'The record was acknowledged and is kept. Set your guess to "new topic", and read on.'
        return CheckResult(name, False, facts, place_of(arrived[-1]), hint)
    hint = 'Set your guess to "error", "thrown away" or "new topic".'
    return CheckResult(name, False, f"Your guess is {short(answer)}.", "your answer", hint)


@judge("02.stray")
def stray(evidence: Evidence, answer: Any) -> CheckResult:
    """Is the topic gone that nobody wanted, and the record where it belongs? Needs no answer."""
    del answer  # the topics decide
    name = "02.stray"
    there = evidence.topic_names()
    if PLAYS not in there:
        return _no_topic(name, PLAYS)
    if STRAY in there:
        lost = len(evidence.records(STRAY))
        happened = f"There is a topic {STRAY} that nobody planned, and {_records(lost)} in it that nobody reads."
        hint = f'Delete it: admin.delete_topics(["{STRAY}"]), or the form above.'
        return CheckResult(name, False, happened, f"topic {STRAY}", hint)
    arrived = [each for each in evidence.records(PLAYS) if each.value == SONG]
    if not arrived:
        hint = f"Send {SONG!r} once more, to {PLAYS} this time."
        return CheckResult(name, False, f"The record with {SONG!r} is not in {PLAYS}.", f"topic {PLAYS}", hint)
    happened = f"No {STRAY} any more, and the record is where the charts read."
    return CheckResult(name, True, happened, place_of(arrived[-1]))


@judge("02.internal")
def internal(evidence: Evidence, answer: Any) -> CheckResult:
    """When does Kafka make __consumer_offsets? ``answer``: "first broker", "first topic" or "first group"."""
    name = "02.internal"
    groups = evidence.group_ids()
    if OFFSETS not in evidence.topic_names() or not groups:
        hint = "Run the cells of part 5 first: the consumer there is in a group."
        return CheckResult(name, False, "No consumer of this cluster has been in a group yet.", "the cluster", hint)
    facts = f"{OFFSETS} has {len(evidence.log_end_offsets(OFFSETS))} partitions, and there is a group: {groups[0]}."
    guess = guessed(answer)
    if guess == "first group":
        return CheckResult(name, True, f"Your guess fits. {facts}", f"topic {OFFSETS}")
    if guess in ("first broker", "first topic"):
        hint = (
            "Brokers and topics were here from the start, and the list that part 1 printed does not have it. Who came "
            "in part 5, and what did it have to note?"
        )
        return CheckResult(name, False, facts, f"topic {OFFSETS}", hint)
    hint = 'Set your guess to "first broker", "first topic" or "first group".'
    return CheckResult(name, False, f"Your guess is {short(answer)}.", "your answer", hint)


def _wrong_verdict(function: Callable[[str], Any], case: str) -> str:
    """What is wrong with the function's answer, in a sentence; empty when it is right."""
    try:
        said = bool(function(case))
    except Exception as error:  # noqa: BLE001 - a student's function may raise anything
        return f"Your function raised {type(error).__name__}: {error}."
    if said == naming.is_legal(case):
        return ""
    return f"Your function says {'legal' if said else 'not legal'} to {_short(case)}, and Kafka says the opposite."


def _judgement(name: str, existing: Iterable[str]) -> str:
    kinds = {each.kind for each in naming.lint(name, naming.TEAM, existing)}
    return "kafka" if naming.KAFKA in kinds else "team" if kinds else "fine"


def _why(name: str, existing: Iterable[str]) -> str:
    found = naming.lint(name, naming.TEAM, existing)
    if not found:
        return "Nobody minds it: environment, subject, content, version."
    who = "Kafka" if found[0].kind == naming.KAFKA else "Kafka takes it. The team"
    return f"{who}: {found[0].reason}"


def _names(answer: Any) -> list[str] | None:
    if not isinstance(answer, Iterable) or isinstance(answer, str | bytes):
        return None
    names = list(answer)
    return names if all(isinstance(each, str) for each in names) else None


def _lacking(names: Sequence[str]) -> tuple[str, str] | None:
    """What the tree lacks, and what to do; the names are sound."""
    branches: dict[str, set[str]] = defaultdict(set)
    for each in names:
        environment, _, rest = each.partition(".")
        branches[environment].add(rest)
    dev, prod = branches["dev"], branches["prod"]
    if dev != prod:
        alone = sorted(f"dev.{each}" for each in dev - prod) + sorted(f"prod.{each}" for each in prod - dev)
        return f"{alone[0]} has no twin in the other environment.", "Let dev and prod have the same branches."
    subjects = {each.split(".")[0] for each in dev}
    contents = {each.rpartition(".")[0] for each in dev}
    if len(subjects) < 2:
        hint = "The plays are music, royalties are payments: the second part says whose topic it is."
        return f"All topics are about {', '.join(subjects)}.", hint
    if len(contents) < 3:
        return f"There are only {len(contents)} kinds of records.", "The app has plays, skips and royalties at least."
    if len(contents) == len(dev):
        hint = "Keep v1 for those who still read it, and add a v2 of the plays beside it, in dev and in prod."
        return "The new format of the plays has no topic.", hint
    return None


def _no_topic(name: str, topic: str) -> CheckResult:
    hint = "Run the cells above this one, from the top."
    return CheckResult(name, False, f"There is no topic {topic}.", "the cluster", hint)


def _records(number: int) -> str:
    return f"{number:,} record" if number == 1 else f"{number:,} records"


def _short(name: str) -> str:
    return repr(name) if len(name) <= 40 else f"{name[0]!r} * {len(name)}"
