"""What a browser wants of a widget, kept for the widget's thread: the kernel itself must never wait for brokers."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any

_MAX_TEXT = 249  # no topic has a longer name
Message = Mapping[str, Any]


class Wishes:
    """Messages by their ``type``. Of each only the newest counts: nobody waits for what was typed before.

    Args:
        kinds: the types there are, the most urgent one first. Others are ignored.
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        self._kinds = kinds
        self._wanted: dict[str, Message] = {}
        self._lock = threading.Lock()

    def put(self, message: object) -> None:
        """Remember a message; whatever is none is ignored."""
        if isinstance(message, Mapping) and message.get("type") in self._kinds:
            with self._lock:
                self._wanted[message["type"]] = message

    def next(self) -> Message | None:
        """The most urgent one, which is forgotten; None when nothing is wanted."""
        with self._lock:
            kind = next((kind for kind in self._kinds if kind in self._wanted), None)
            return None if kind is None else self._wanted.pop(kind)

    def has(self, kinds: Collection[str]) -> bool:
        """Whether something of these types is wanted."""
        return any(kind in self._wanted for kind in kinds)


def text_in(message: Message, name: str, most: int = _MAX_TEXT) -> str:
    """A text of a message, cut where it is longer than it can be."""
    value = message.get(name)
    return value[:most] if isinstance(value, str) else ""


def whole_in(message: Message, name: str) -> int:
    """A number of a message that is not negative; 0 for anything else."""
    value = message.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else 0
