"""Names of topics: what Kafka itself refuses, and what a team agrees on beyond that.

Everything here is pure. Kafka's rule and a convention are kept apart in every finding: the first is a law of the
brokers, the second only holds as long as somebody looks.
Source: Kafka class ``Topic`` (validate, hasCollision, isInternal).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kit.topics import INTERNAL_TOPICS

MAX_NAME_LENGTH = 249

Kind = Literal["kafka", "convention"]
KAFKA: Kind = "kafka"
CONVENTION: Kind = "convention"

_LEGAL = re.compile(r"[a-zA-Z0-9._-]+")
_ILLEGAL_CHARACTER = re.compile(r"[^a-zA-Z0-9._-]")
_VERSION = re.compile(r"v[1-9][0-9]{0,3}")
_VAGUE = frozenset(
    {"a", "abc", "asdf", "data", "events", "foo", "bar", "messages", "misc", "my", "new", "stuff", "temp", "thing"}
    | {"things", "tmp", "topic", "topics", "x", "xxx"}
)
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Convention:
    """What a team has agreed on, in the lecture's manner: ``environment.domain.entity[...].version``.

    Attributes:
        environments: the first parts that say where a topic lives.
        needs_environment: whether every name begins with one.
        needs_version: whether every name ends with ``v1``, ``v2``, ...
        min_parts: how many parts between environment and version there are at least.
        max_parts: and at most.
    """

    environments: tuple[str, ...] = ("dev", "test", "staging", "prod")
    needs_environment: bool = True
    needs_version: bool = True
    min_parts: int = 2
    max_parts: int = 4


TEAM = Convention()
LECTURE = Convention(needs_environment=False, needs_version=False)
"""All examples of the lecture pass: there, environment and version may be left out."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a name.

    Attributes:
        rule: a short name, such as "uppercase".
        kind: "kafka" when brokers refuse the name, "convention" when only people would.
        reason: why, in a sentence or two.
        suggestion: the name with this one thing mended; None when a person has to decide.
    """

    rule: str
    kind: Kind
    reason: str
    suggestion: str | None = None


def is_legal(name: str) -> bool:
    """Whether a topic can have this name at all, whatever other topics there are."""
    return len(name) <= MAX_NAME_LENGTH and name not in (".", "..") and _LEGAL.fullmatch(name) is not None


def metric_name(name: str) -> str:
    """The name as metrics know it: there a period becomes an underscore."""
    return name.replace(".", "_")


def lint(name: str, convention: Convention = TEAM, existing: Iterable[str] = ()) -> list[Finding]:
    """What is wrong with a name, Kafka's own rule first; empty when nothing is.

    Args:
        existing: the topics that are there already. That one has this very name is no finding.
    """
    rules: list[Callable[[], Iterator[Finding]]] = [
        lambda: _kafka(name, existing),
        lambda: _characters(name),
        lambda: _hierarchy(name, convention),
        lambda: _words(name, convention),
    ]
    if name in INTERNAL_TOPICS:
        return [Finding("internal", CONVENTION, f"{name} is Kafka's own topic. Choose another name.")]
    return [finding for rule in rules for finding in rule()]


def kafka_findings(name: str, existing: Iterable[str] = ()) -> list[Finding]:
    """Why brokers would refuse the name; empty when they would take it."""
    return list(_kafka(name, existing))


def suggest(name: str, convention: Convention = TEAM) -> str:
    """The nearest name that Kafka takes and the convention likes, as far as that can be done without thinking.

    What a topic is *about* nobody can guess from a bad name: "data" stays "data", and parts that are missing stay
    missing.
    """
    parts = [each for each in _legal(_split_words(name)).lower().replace("_", ".").split(".") if each.strip("-")]
    parts = [re.sub("-+", "-", each).strip("-") for each in parts]
    version = parts.pop() if parts and _VERSION.fullmatch(parts[-1]) else "v1"
    has_version = convention.needs_version or (_VERSION.fullmatch(_last_part(name)) is not None)
    if convention.needs_environment and (not parts or parts[0] not in convention.environments):
        parts = [convention.environments[0], *parts]
    tail = [version] if has_version else []
    room = MAX_NAME_LENGTH - len(".".join(["", *tail]))
    return ".".join([".".join(parts)[:room].rstrip(".-"), *tail]).strip(".")


def tree_lines(names: Iterable[str]) -> list[str]:
    """Names with dots as an indented tree, a line for each part; names that end there are marked with a bullet."""
    lines: list[str] = []
    wanted = sorted(set(names), key=lambda name: name.split("."))
    shown: list[str] = []
    for name in wanted:
        parts = name.split(".")
        common = next((at for at, (one, other) in enumerate(zip(shown, parts, strict=False)) if one != other), None)
        begin = min(len(shown), len(parts) - 1) if common is None else common
        for depth in range(begin, len(parts)):
            is_topic = depth == len(parts) - 1
            lines.append(f"{'    ' * depth}{parts[depth]}{'   • ' + name if is_topic else ''}")
        shown = parts
    return lines


# -- Kafka's rule ------------------------------------------------------------------------------------------------------


def _kafka(name: str, existing: Iterable[str]) -> Iterator[Finding]:
    if not name:
        yield Finding("empty", KAFKA, "The name is empty.")
        return
    if name in (".", ".."):
        reason = f"A broker keeps a topic's records in folders with its name in them, and {name} means another folder."
        yield Finding("dots", KAFKA, reason)
    illegal = list(dict.fromkeys(_ILLEGAL_CHARACTER.findall(name)))
    if illegal:
        shown = ", ".join(_spoken(each) for each in illegal[:_MOST_SHOWN])
        more = f" and {len(illegal) - _MOST_SHOWN} more" if len(illegal) > _MOST_SHOWN else ""
        reason = f"Only a-z, A-Z, 0-9, period, underscore and hyphen are legal, and here is {shown}{more}."
        yield Finding("characters", KAFKA, reason, _or_none(_legal(name), name))
    if len(name) > MAX_NAME_LENGTH:
        reason = f"It has {len(name):,} characters, and {MAX_NAME_LENGTH} are allowed: it becomes part of a file name."
        yield Finding("too-long", KAFKA, reason, _or_none(name[:MAX_NAME_LENGTH], name))
    twin = next((each for each in existing if each != name and metric_name(each) == metric_name(name)), None)
    if twin is not None and not illegal:
        same = metric_name(name)
        reason = f"There is {twin} already. In metrics both would be called {same}: nobody could tell them apart."
        yield Finding("collision", KAFKA, reason)


def _spoken(character: str) -> str:
    if character == " ":
        return "a space"
    if character.isprintable():
        return character
    name = unicodedata.name(character, "").lower()
    return name or f"the character U+{ord(character):04X}"


# -- conventions -------------------------------------------------------------------------------------------------------


def _characters(name: str) -> Iterator[Finding]:
    if name != name.lower() and is_legal(name):
        reason = f"Kafka tells capital letters from small ones: {name.lower()} would be another topic. Write all small."
        yield Finding("uppercase", CONVENTION, reason, _split_words(name).lower())
    if name.startswith("__"):
        reason = "Two underscores in front are how Kafka's own topics look, such as __consumer_offsets."
        yield Finding("looks-internal", CONVENTION, reason, _or_none(name.lstrip("_"), name))
    elif "_" in name and is_legal(name):
        mixed = (
            "Here are both: kafka-topics.sh would warn." if "." in name else "Dots make the hierarchy, so take dots."
        )
        reason = f"In metrics a period turns into an underscore, so a team chooses one of the two. {mixed}"
        yield Finding("underscore", CONVENTION, reason, _or_none(name.replace("_", "."), name))


def _hierarchy(name: str, convention: Convention) -> Iterator[Finding]:
    if not is_legal(name):
        return
    parts = name.split(".")
    if "" in parts:
        reason = "A part between dots is empty. Tools that read the name as a tree get a level without a name."
        yield Finding("empty-part", CONVENTION, reason, _or_none(".".join(filter(None, parts)), name))
    parts = [each for each in parts if each]
    if convention.needs_environment and (not parts or parts[0].lower() not in convention.environments):
        known = ", ".join(convention.environments)
        reason = f"It does not begin with an environment ({known}): a test could write into what customers see."
        yield Finding("no-environment", CONVENTION, reason, f"{convention.environments[0]}.{name.lstrip('.')}")
    if convention.needs_version and _VERSION.fullmatch(_last_part(name).lower()) is None:
        reason = (
            "It has no version at its end. A topic cannot be renamed, so a new format needs a new name: v1, v2, ..."
        )
        yield Finding("no-version", CONVENTION, reason, f"{name.rstrip('.')}.v1")
    about = _about(name, convention)
    if len(about) < convention.min_parts:
        reason = (
            f"It says {'only one thing' if about else 'nothing'} about its content, and the team wants at least "
            f"{convention.min_parts}: whose is it (music), and what is in it (plays)?"
        )
        yield Finding("flat", CONVENTION, reason)
    elif len(about) > convention.max_parts:
        most = convention.max_parts
        reason = f"It has {len(about)} parts besides environment and version. More than {most} nobody remembers."
        yield Finding("deep", CONVENTION, reason)


def _words(name: str, convention: Convention) -> Iterator[Finding]:
    if not is_legal(name):
        return
    words = [word for part in _about(name, convention) for word in re.split("[-_]+", part.lower()) if word]
    vague = [word for word in words if word in _VAGUE or word.isdigit()]
    if vague and len(vague) == len(words):
        reason = f"{' and '.join(dict.fromkeys(vague))}: of what? In a year nobody will know who needs this topic."
        yield Finding("vague", CONVENTION, reason)
    elif any(word in ("topic", "topics") for word in words):
        reason = "Everything here is a topic, so the word says nothing."
        kept = re.sub(r"[-_.]?topics?(?=[-_.]|$)", "", name, flags=re.IGNORECASE).lstrip("-_.")
        yield Finding("says-topic", CONVENTION, reason, _or_none(kept, name))


def _about(name: str, convention: Convention) -> list[str]:
    """The parts that say what a topic is about: without environment and version."""
    parts = [each for each in name.split(".") if each]
    if parts and _VERSION.fullmatch(parts[-1].lower()):
        parts = parts[:-1]
    if parts and parts[0].lower() in convention.environments:
        parts = parts[1:]
    return parts


# -- mending -----------------------------------------------------------------------------------------------------------


def _split_words(name: str) -> str:
    """``musicPlays`` as ``music-Plays``: in small letters the words would run together."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)


def _legal(name: str) -> str:
    """The name with illegal characters replaced by what they stood for, as far as one can tell."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    plain = re.sub(r"[/\\:|>]+", ".", plain.strip())
    plain = re.sub(r"\s+", "-", plain)
    return _ILLEGAL_CHARACTER.sub("", plain)


def _or_none(mended: str, name: str) -> str | None:
    return mended if mended != name and is_legal(mended) else None


def _last_part(name: str) -> str:
    return name.rstrip(".").rpartition(".")[2]


def shown(findings: Sequence[Finding]) -> str:
    """Findings as plain text, a line each; a sentence when there are none."""
    if not findings:
        return "Kafka takes it, and so does the team."
    lines = []
    for each in findings:
        who = "Kafka refuses it" if each.kind == KAFKA else "the team minds"
        lines.append(f"{who} ({each.rule}): {each.reason}{f' Try: {each.suggestion}' if each.suggestion else ''}")
    return "\n".join(lines)
