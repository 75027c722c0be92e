"""What a notebook prints: its own text, and what libraries and other programs write to descriptors 1 and 2."""

from __future__ import annotations

import io
import os
import select
import signal
import threading
import time
from typing import Protocol

_HOLD_S = 0.1
_HOLD_CHARACTERS = 8192
_PIPE_BYTES = 32768
_DRAIN_S = 0.2


class Listener(Protocol):
    """Where text goes."""

    def say(self, kind: str, content: dict[str, str]) -> None:
        """Take a message."""


class TextStream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of a notebook.

    Args:
        name: "stdout" or "stderr".
        fd: the descriptor of that name, for programs that are started with it.
        mouth: where its text goes.
    """

    def __init__(self, name: str, fd: int, mouth: Listener) -> None:
        self.name = name
        self._fd = fd
        self._mouth = mouth
        self._pid = os.getpid()
        self._held: list[str] = []
        self._held_characters = 0
        self._flushed_s = time.monotonic()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As that of the interpreter's own streams."""
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """As that of the interpreter's own streams."""
        return "replace"

    def fileno(self) -> int:
        """The descriptor of that name."""
        return self._fd

    def writable(self) -> bool:
        """Always."""
        return True

    def isatty(self) -> bool:
        """Never."""
        return False

    def write(self, text: str) -> int:
        """Hold the text for a moment, so that many small writes are one message."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if os.getpid() != self._pid:
            os.write(self._fd, text.encode("utf-8", "replace"))
            return len(text)
        self._held.append(text)
        self._held_characters += len(text)
        if self._held_characters > _HOLD_CHARACTERS or time.monotonic() - self._flushed_s > _HOLD_S:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Send what is held."""
        self._flushed_s = time.monotonic()
        if not self._held or os.getpid() != self._pid:
            return
        held, self._held, self._held_characters = self._held, [], 0
        text = "".join(held)
        for start in range(0, len(text), _PIPE_BYTES):
            self._mouth.say("stream", {"name": self.name, "text": text[start : start + _PIPE_BYTES]})


class Pump:
    """Sends on, from a thread, what is written to a descriptor.

    Args:
        name: "stdout" or "stderr".
        fd: the descriptor.
        mouth: where its text goes.
    """

    def __init__(self, name: str, fd: int, mouth: Listener) -> None:
        self._name = name
        self._mouth = mouth
        self._reading, writing = os.pipe()
        os.dup2(writing, fd)
        os.close(writing)
        self._idle = threading.Event()
        self._idle.set()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        threading.Thread(target=self._send_on, name=f"{name}-pump", daemon=True).start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def drain(self) -> None:
        """Wait a moment until what was written has been sent on."""
        until = time.monotonic() + _DRAIN_S
        while (self._holds_bytes() or not self._idle.is_set()) and time.monotonic() < until:
            time.sleep(0.0005)

    def _holds_bytes(self) -> bool:
        return bool(select.select([self._reading], [], [], 0)[0])

    def _send_on(self) -> None:
        while True:
            select.select([self._reading], [], [])
            self._idle.clear()
            piece = os.read(self._reading, _PIPE_BYTES)
            if piece:
                self._mouth.say("stream", {"name": self._name, "text": piece.decode("utf-8", "replace")})
            self._idle.set()
            if not piece:
                return
