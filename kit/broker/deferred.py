"""A value that comes later, without threads or an event loop.

The broker is single-threaded and sans-I/O, so it needs much less than ``asyncio.Future``: a callback runs at once,
inside `Deferred.resolve`, and the same code runs under simulated time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
_UNSET = object()


class Deferred(Generic[T]):
    """The promise of one value.

    ``resolve`` may be called once or more: only the first value counts, so a timeout and an answer can race.
    """

    __slots__ = ("_callbacks", "_value")

    def __init__(self) -> None:
        self._value: object = _UNSET
        self._callbacks: list[Callable[[T], None]] = []

    @property
    def done(self) -> bool:
        """Whether the value is there."""
        return self._value is not _UNSET

    @property
    def value(self) -> T:
        """The value; ``LookupError`` before it is there."""
        if self._value is _UNSET:
            raise LookupError("this Deferred has no value yet")
        return self._value  # type: ignore[return-value]

    def resolve(self, value: T) -> None:
        """Set the value and run the callbacks in the order they were added."""
        if self._value is not _UNSET:
            return
        self._value = value
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(value)

    def then(self, callback: Callable[[T], None]) -> None:
        """Call ``callback(value)`` when the value is there: now if it already is."""
        if self._value is _UNSET:
            self._callbacks.append(callback)
        else:
            callback(self._value)  # type: ignore[arg-type]
