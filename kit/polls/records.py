"""The records of a poll's topic, as bytes and back. docs/reference/poll.md describes them for people.

Everything is text: a key says who speaks, a JSON value says what. Keys that begin with ``#`` are the instructor's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kit.errors import PollError

PREFIX = "poll."
MAX_TEXT_CHARS = 1_000
MAX_OPTIONS = 20
MAX_STUDENT_CHARS = 60
_MOST_BYTES = 50_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True, slots=True)
class PollQuestion:
    """What is asked; with no options the answers are texts.

    Attributes:
        options: id and text of each.
    """

    text: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def option_ids(self) -> tuple[str, ...]:
        """The ids, in the order in which they are shown."""
        return tuple(option_id for option_id, _ in self.options)


@dataclass(frozen=True, slots=True)
class Vote:
    """A student's vote or, for a question without options, a text."""

    student: str
    answer: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Votes do not count from here on; or, with ``is_open``, they do again."""

    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Revealed:
    """The right options, and why they are."""

    right: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Hidden:
    """The text at that offset is not to be shown, or is to be shown again."""

    offset: int
    is_hidden: bool = True


Entry = PollQuestion | Vote | Closed | Revealed | Hidden


def topic_of(name: object) -> str:
    """The topic of a poll.

    Raises:
        PollError: that cannot be a poll's name.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PollError(
            f"{name!r} cannot be the name of a poll: use up to 60 letters, digits, '.', '_' and '-', as in \"cap\"."
        )
    return PREFIX + name


def check_student(student: object) -> str:
    """A student's name as a key.

    Raises:
        PollError: nobody can be called that.
    """
    fits = isinstance(student, str) and 0 < len(student) <= MAX_STUDENT_CHARS and student.isprintable()
    if not fits or str(student).startswith("#"):
        raise PollError(
            f"{student!r} cannot be a student's name: use up to {MAX_STUDENT_CHARS} characters that can be printed, "
            "not beginning with #."
        )
    return str(student)


def check_question(text: object) -> None:
    """Look at the text of a question.

    Raises:
        PollError: it is empty, too long or no text.
    """
    if not isinstance(text, str) or not 0 < len(text.strip()) <= MAX_TEXT_CHARS:
        raise PollError(f"A question is a text of 1 to {MAX_TEXT_CHARS:,} characters.")


def encode(entry: Entry) -> tuple[bytes, bytes]:
    """Key and value of a record."""
    match entry:
        case PollQuestion(text, options):
            listed = [{"id": option_id, "text": label} for option_id, label in options]
            return _record("#question", {"kind": "question", "text": text, "options": listed})
        case Vote(student, answer):
            return _record(student, {"kind": "vote", "answer": answer})
        case Closed(is_open):
            return _record("#state", {"kind": "reopen" if is_open else "close"})
        case Revealed(right, why):
            return _record("#reveal", {"kind": "reveal", "right": list(right), "why": why})
        case Hidden(offset, is_hidden):
            return _record("#hide", {"kind": "hide" if is_hidden else "show", "offset": offset})


def decode(key: bytes | None, value: bytes | None) -> Entry:
    """What a record says.

    Raises:
        ValueError: it is none of a poll's; anybody can send anything to a topic.
    """
    if key is None or value is None or len(value) > _MOST_BYTES:
        raise ValueError("a record of a poll has a key and a short value")
    who = key.decode()
    try:
        content = json.loads(value)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    kind = content.get("kind")
    if not who.startswith("#"):
        return _vote(who, content)
    if who not in _READERS or kind not in _READERS[who][0]:
        raise ValueError(f"unknown: {who}, {kind!r}")
    return _READERS[who][1](content)


def _record(key: str, content: dict[str, Any]) -> tuple[bytes, bytes]:
    return key.encode(), json.dumps(content, ensure_ascii=False).encode()


def _vote(who: str, content: dict[str, Any]) -> Vote:
    if content.get("kind") != "vote" or not who or len(who) > MAX_STUDENT_CHARS:
        raise ValueError("not a vote")
    return Vote(who, _text(content.get("answer")))


def _question(content: dict[str, Any]) -> PollQuestion:
    options = content.get("options", [])
    if not isinstance(options, list) or len(options) > MAX_OPTIONS:
        raise ValueError("not a list of options")
    listed = tuple((_text(each["id"]), _text(each["text"])) for each in options if _is_option(each))
    ids = [option_id for option_id, _ in listed]
    if len(listed) != len(options) or len(set(ids)) != len(ids):
        raise ValueError("not options")
    return PollQuestion(_text(content.get("text")), listed)


def _is_option(option: object) -> bool:
    return isinstance(option, dict) and "id" in option and "text" in option


def _state(content: dict[str, Any]) -> Closed:
    return Closed(is_open=content["kind"] == "reopen")


def _reveal(content: dict[str, Any]) -> Revealed:
    right = content.get("right")
    if not isinstance(right, list):
        raise ValueError("not a list of options")
    why = content.get("why", "")
    return Revealed(tuple(map(_text, right)), _text(why) if why else "")


def _hide(content: dict[str, Any]) -> Hidden:
    offset = content.get("offset")
    if not isinstance(offset, int):
        raise ValueError("not an offset")
    return Hidden(offset, is_hidden=content["kind"] == "hide")


_READERS: dict[str, tuple[Sequence[str], Callable[[dict[str, Any]], Entry]]] = {
    "#question": (("question",), _question),
    "#state": (("close", "reopen"), _state),
    "#reveal": (("reveal",), _reveal),
    "#hide": (("hide", "show"), _hide),
}


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("not a text")
    return value if len(value) <= MAX_TEXT_CHARS else value[:MAX_TEXT_CHARS] + "…"
