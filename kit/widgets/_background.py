"""Threads behind widgets: they end with their widget, and their errors become text in it, never a traceback."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable
from typing import Protocol

JOIN_S = 5.0


class HasBootstrapServers(Protocol):
    """All that a widget needs of a cluster."""

    @property
    def bootstrap_servers(self) -> str:
        """Comma-separated addresses."""


class Background:
    """One daemon thread that runs ``work`` until `stop`.

    Args:
        work: gets the event that says "end now" and has to look at it several times a second.
        on_error: gets one sentence when ``work`` raises; the thread ends then.
        name: of the thread, for debuggers.
    """

    def __init__(self, work: Callable[[threading.Event], None], on_error: Callable[[str], None], name: str) -> None:
        self._work = work
        self._on_error = on_error
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        _running.add(self)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Ask the thread to end and wait for it, at most `JOIN_S` seconds. May be called twice and by the thread."""
        self._ended.set()
        if self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)

    def _run(self) -> None:
        try:
            self._work(self._ended)
        except Exception as error:  # noqa: BLE001  (a thread has nobody to raise to; the widget shows the sentence)
            if not self._ended.is_set():
                self._on_error(describe(error))


_running: weakref.WeakSet[Background] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    for background in list(_running):
        background.stop()


# kafka-python's names where they differ from Kafka's own.
_KAFKA_NAMES = {6: "NOT_LEADER_OR_FOLLOWER", 10: "MESSAGE_TOO_LARGE", 17: "INVALID_TOPIC_EXCEPTION"}


def describe(error: BaseException) -> str:
    """One line for a student: the error's Kafka name (or its Python class) and its text."""
    code = getattr(error, "errno", None)
    name = _KAFKA_NAMES.get(code, getattr(error, "message", None)) if isinstance(code, int) else None
    text = str(error).strip().splitlines()
    return f"{name or type(error).__name__}: {text[0] if text else 'no details given'}"
