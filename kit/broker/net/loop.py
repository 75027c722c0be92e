"""The event loop of a broker's process: descriptors, timers, the machine's clock, signals and wake-ups.

A loop of our own instead of asyncio: asyncio's import alone is a quarter of the start-up time that the kit allows
itself, its bookkeeping adds 5 us to each request of about 30, and its transports forbid ``sendfile`` on their sockets.
Everything runs in one thread; `EventLoop.call_soon_threadsafe` is the one way in from others. With
`kit.broker.net.server` the only file of the broker that knows sockets, threads and the time of day.
"""

from __future__ import annotations

import contextlib
import functools
import heapq
import itertools
import logging
import os
import queue
import select
import selectors
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from kit.broker.clock import Timer
from kit.broker.net.connection import READABLE, WRITABLE
from kit.broker.net.outbox import PORTABLE

log = logging.getLogger(__name__)

_STALL_MS = 50  # a timer that is later than this was held up


class _LoopTimer:
    __slots__ = ("callback", "clock")

    def __init__(self, callback: Callable[[], None], clock: LoopClock) -> None:
        self.callback: Callable[[], None] | None = callback
        self.clock = clock

    def cancel(self) -> None:
        if self.callback is not None:
            self.callback = None
            self.clock.forget_cancelled()


class LoopClock:
    """The machine's time; implements `kit.broker.clock.Clock`. Its timers fire in `run_due`, which the loop calls.

    Args:
        call_soon: the loop's.
        forgive_stalls: let time stand still while the loop was held up (a long computation, a suspended laptop). Where
            all nodes of a cluster share the loop they were all held up, and none shall take another for dead.
    """

    def __init__(self, call_soon: Callable[[Callable[[], None]], None], *, forgive_stalls: bool = False) -> None:
        self.call_soon = call_soon
        self._forgive_stalls = forgive_stalls
        self._stalled_ms = 0.0
        self._order = itertools.count()
        self._timers: list[tuple[float, int, _LoopTimer]] = []
        self._num_cancelled = 0

    def time_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> float:
        """Milliseconds that never go back."""
        return time.monotonic() * 1000 - self._stalled_ms

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> Timer:
        """Run ``callback`` once, ``delay_ms`` milliseconds from now."""
        timer = _LoopTimer(callback, self)
        heapq.heappush(self._timers, (self.monotonic_ms() + max(0.0, delay_ms), next(self._order), timer))
        return timer

    def forget_cancelled(self) -> None:
        """Count one cancelled timer; long timeouts that rarely fire would otherwise pile up in the heap."""
        self._num_cancelled += 1
        if self._num_cancelled > 100 and self._num_cancelled * 2 > len(self._timers):
            self._timers = [entry for entry in self._timers if entry[2].callback is not None]
            heapq.heapify(self._timers)
            self._num_cancelled = 0

    def run_due(self) -> float | None:
        """Run the timers that are due; returns the seconds until the next one, or None when there is none."""
        if not self._timers:
            return None
        now_ms = self.monotonic_ms()
        late_ms = now_ms - self._timers[0][0]
        if late_ms > _STALL_MS and self._forgive_stalls:
            self._stalled_ms += late_ms
            now_ms -= late_ms
        while self._timers and self._timers[0][0] <= now_ms:
            timer = heapq.heappop(self._timers)[2]
            if timer.callback is None:
                self._num_cancelled -= 1
                continue
            callback, timer.callback = timer.callback, None
            _guarded(callback)
        return max(0.0, self._timers[0][0] - self.monotonic_ms()) / 1000 if self._timers else None


class Poller(Protocol):
    """The calls of ``select.epoll`` that the loop needs; masks are made of READABLE and WRITABLE."""

    def register(self, fd: int, eventmask: int, /) -> None:
        """Wait for ``eventmask`` on ``fd``."""

    def modify(self, fd: int, eventmask: int, /) -> None:
        """Wait for something else on ``fd``; 0: for nothing."""

    def unregister(self, fd: int, /) -> None:
        """Forget ``fd``."""

    def poll(self, timeout: float | None, /) -> list[tuple[int, int]]:
        """Wait at most ``timeout`` seconds (None: for ever); the descriptors that are ready, with masks."""

    def close(self) -> None:
        """Give the poller's own descriptor back."""


class SelectorPoller:
    """A `Poller` over ``selectors``, for systems without epoll."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def register(self, fd: int, eventmask: int, /) -> None:
        """Wait for ``eventmask`` on ``fd``."""
        events = selectors.EVENT_READ if eventmask & READABLE else 0
        events |= selectors.EVENT_WRITE if eventmask & WRITABLE else 0
        if events:  # selectors cannot hold a descriptor that waits for nothing
            self._selector.register(fd, events)

    def modify(self, fd: int, eventmask: int, /) -> None:
        """Wait for something else on ``fd``; 0: for nothing."""
        self.unregister(fd)
        self.register(fd, eventmask)

    def unregister(self, fd: int, /) -> None:
        """Forget ``fd``."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(fd)

    def poll(self, timeout: float | None, /) -> list[tuple[int, int]]:
        """Wait at most ``timeout`` seconds (None: for ever); the descriptors that are ready, with masks."""
        masks = (0, READABLE, WRITABLE, READABLE | WRITABLE)  # by EVENT_READ (1) and EVENT_WRITE (2)
        return [(key.fd, masks[events]) for key, events in self._selector.select(timeout)]

    def close(self) -> None:
        """Give the poller's own descriptor back."""
        self._selector.close()


class EventLoop:
    """Calls back when a descriptor is ready, a timer is due, or someone asked for it; in one thread.

    Args:
        portable: use ``selectors`` even where epoll exists.
        forgive_stalls: see `LoopClock`.
    """

    def __init__(self, *, portable: bool = PORTABLE, forgive_stalls: bool = False) -> None:
        self.clock = LoopClock(self.call_soon, forgive_stalls=forgive_stalls)
        self._poller: Poller = SelectorPoller() if portable or not hasattr(select, "epoll") else select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._ready: deque[Callable[[], None]] = deque()
        self._stopped = False
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self.watch(self._wake_receiver.fileno(), READABLE, self._drain_wake_ups)

    def watch(self, fd: int, mask: int, handler: Callable[[int], None]) -> None:
        """Call ``handler(mask)`` whenever ``fd`` is ready for something in ``mask``, or broken."""
        self._handlers[fd] = handler
        self._poller.register(fd, mask)

    def change(self, fd: int, mask: int) -> None:
        """Wait for something else on a watched ``fd`` from now on."""
        self._poller.modify(fd, mask)

    def unwatch(self, fd: int) -> None:
        """Forget ``fd``; call before closing it."""
        del self._handlers[fd]
        self._poller.unregister(fd)

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call back in this turn, after the events at hand; never at once."""
        self._ready.append(callback)

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        """`call_soon` for another thread or a signal handler."""
        self._ready.append(callback)
        with contextlib.suppress(BlockingIOError):  # full means that a wake-up is on its way already
            self._wake_sender.send(b"\0")

    def on_signal(self, number: int, callback: Callable[[], None] | None) -> None:
        """Call back on a signal; with None the signal is ignored from now on."""
        handler: Any = signal.SIG_IGN if callback is None else lambda *_: self.call_soon_threadsafe(callback)
        signal.signal(number, handler)

    def on_lines(self, fd: int, callback: Callable[[bytes], None]) -> None:
        """Call back with each line that ``fd`` has, its end included, and with ``b""`` once at the end.

        A thread reads, because Windows can poll sockets but no pipes.
        """

        def read() -> None:
            with contextlib.suppress(OSError), open(fd, "rb", closefd=False) as lines:
                for line in lines:
                    self.call_soon_threadsafe(functools.partial(callback, line))
            self.call_soon_threadsafe(functools.partial(callback, b""))

        threading.Thread(target=read, name="input", daemon=True).start()

    def writer(self, fd: int) -> Callable[[bytes], None]:
        """A function that writes to ``fd`` in the order of its calls and never waits, whoever reads there."""
        waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()

        def write() -> None:
            with contextlib.suppress(OSError):  # nobody reads any more
                while True:
                    data = waiting.get()
                    while data:
                        data = data[os.write(fd, data) :]

        threading.Thread(target=write, name="output", daemon=True).start()
        return waiting.put

    def run(self) -> None:
        """Run until `stop`; may be called again."""
        poll, handlers, ready, run_due = self._poller.poll, self._handlers, self._ready, self.clock.run_due
        while not self._stopped:
            wait_s = run_due()
            for fd, mask in poll(0 if ready or self._stopped else wait_s):
                handler = handlers.get(fd)
                if handler is not None:  # an earlier handler of this turn may have closed it
                    try:
                        handler(mask)
                    except Exception:
                        log.exception("an event handler failed")
            for _ in range(len(ready)):
                _guarded(ready.popleft())
        self._stopped = False

    def stop(self) -> None:
        """End `run` after this turn."""
        self._stopped = True

    def close(self) -> None:
        """Give the descriptors back; the loop cannot be used afterwards."""
        self._poller.close()
        self._wake_receiver.close()
        self._wake_sender.close()

    def _drain_wake_ups(self, _mask: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake_receiver.recv(4096):
                pass


def _guarded(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:
        log.exception("a callback of the event loop failed")
