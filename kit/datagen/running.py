"""Events that go on being sent while the notebook does something else."""

from __future__ import annotations

import atexit
import dataclasses
import threading
import time
import weakref
from collections.abc import Iterator
from html import escape
from types import TracebackType
from typing import Self

from kit.datagen.events import Event
from kit.datagen.pace import Pace
from kit.datagen.report import Report
from kit.datagen.sending import Sending
from kit.errors import DatagenError
from kit.plain_errors import plainly

_JOIN_S = 5.0


class Running:
    """Sends events in the background until `stop`.

    It also ends with a ``with`` block, with its cluster, with this process, and when its notebook cell is run again.

    Args:
        sending: has sent the first event already.
        events: from the second on.
        rate: records per second; None for as fast as it goes.
        most: how many records in all; None for no end.

    Attributes:
        error: the sentence that says why it ended by itself, or None.
    """

    def __init__(self, sending: Sending, events: Iterator[Event], rate: float | None, most: int | None) -> None:
        self.error: str | None = None
        self._sending = sending
        self._events = events
        self._rate = rate
        self._most = most
        self._ended = threading.Event()
        self._report: Report | None = None
        # The thread keeps this object, so events flow whether or not anybody keeps the handle.
        self._thread = threading.Thread(target=self._run, name="kit-datagen", daemon=True)
        _running.add(self)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it still sends."""
        return self._thread.is_alive()

    @property
    def acknowledged(self) -> int:
        """How many records were, so far."""
        return self._sending.acknowledged

    @plainly
    def stop(self) -> Report:
        """End it and say what was acknowledged; harmless when called again."""
        self._ended.set()
        if self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)
        return self._report or self._sending.report()

    def close(self) -> None:
        """The same as `stop`, for `kit.cells`."""
        self.stop()

    @plainly
    def wait(self) -> Report:
        """Wait until it ends by itself, which needs a count, and say what was acknowledged."""
        while self._thread.is_alive():
            self._thread.join(0.1)  # short, so that an interrupt is heard
        return self.stop()

    def _run(self) -> None:
        # A record is due in this moment only if the first one was sent a moment ago.
        pace = Pace(self._rate, now=time.monotonic, wait=self._ended.wait)
        pace.allowance(1)  # the first event had it
        try:
            self._sending.send_all(self._events, pace, self._most)
            self._sending.finish()
        except DatagenError as error:
            self.error = str(error)
        except Exception as error:  # noqa: BLE001  (a thread has nobody to raise to; the handle shows the sentence)
            self.error = f"Sending ended: {type(error).__name__}: {error}"
        finally:
            self._report = self._sending.report()
            self._sending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        if self.error:
            return self.error
        report = self._sending.report()
        if self.is_running:
            so_far = dataclasses.replace(report, is_stopped=False)
            return f"Sending. {so_far.sentence} stop() ends it."
        return f"Ended. {report.sentence}"

    def _repr_html_(self) -> str:
        return f"<div>{escape(repr(self))}</div>"


_running: weakref.WeakSet[Running] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    for each in list(_running):
        each.stop()
