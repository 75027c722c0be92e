"""What every process that the kit starts for brokers needs, whether it runs one or all of them.

Its stdin and stdout belong to the process that started it; it logs to a file, and ends with its parent.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import logging.handlers
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kit.broker.config.configs import BrokerConfig
from kit.broker.net.connection import Limits
from kit.broker.net.loop import EventLoop
from kit.broker.net.server import is_unknown_name, listen

log = logging.getLogger(__name__)

RECEIVE_BYTES = 268_435_456  # receive buffers of all brokers of one process together
_LOG_BYTES = 2_000_000  # then the file becomes server.log.1, and the one before goes
_WANTED_DESCRIPTORS = 4_096  # macOS starts programs with 256
_PARENT_CHECK_MS = 500
_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class RefusedError(Exception):
    """The process cannot do its work; the text says why and what to do."""


def limits(config: BrokerConfig, *, num_brokers: int) -> Limits:
    """What the connections of one broker may use, when the process runs so many."""
    return Limits(
        max_frame_bytes=config["socket.request.max.bytes"],
        max_connections=min(config["max.connections"], _raise_descriptor_limit() // (2 * num_brokers)),
        max_idle_ms=config["connections.max.idle.ms"],
        send_buffer_bytes=config["socket.send.buffer.bytes"],
        receive_buffer_bytes=config["socket.receive.buffer.bytes"],
    )


def listen_for_clients(port: int, host: str) -> list[Any]:
    """Listen on a port that somebody may have chosen, of an address that somebody may have chosen.

    Raises:
        RefusedError: one of them cannot be used.
    """
    try:
        return listen(port, host)
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that no computer can have
        if not isinstance(error, OSError) or error.errno in _NOT_HERE or is_unknown_name(error):
            raise RefusedError(
                f"host={host!r} is no address of this computer: '127.0.0.1' is for programs on this computer, and "
                "'0.0.0.0' is every address that it has."
            ) from error
        if error.errno == errno.EADDRINUSE:
            raise RefusedError(
                f"Port {port} is in use already, perhaps by another Kafka or by a cluster of another notebook: "
                "close that, or leave port out and the kit finds free ones."
            ) from error
        raise RefusedError(f"Port {port} cannot be used ({error.strerror}): choose another one above 1023.") from error


def watch_parent(loop: EventLoop, parent_pid: int, on_gone: Callable[[], None]) -> None:
    """Call ``on_gone`` once when the parent is gone.

    The end of the input does not say so when a process that the parent forked holds the pipe's other end too.
    """

    def check() -> None:
        if os.name != "posix" or os.getppid() == parent_pid:
            loop.clock.call_later(_PARENT_CHECK_MS, check)
        else:
            log.warning("the parent, process %d, is gone", parent_pid)
            on_gone()

    check()


def report(answer: Mapping[str, Any], *, status: int = 0) -> int:
    """Tell the parent, then leave stdout to whoever prints: nobody reads it any more."""
    print(json.dumps(answer), flush=True)  # noqa: T201 - it is the interface
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)
    return status


def sender(loop: EventLoop) -> Callable[[Mapping[str, Any]], None]:
    """What sends a message to the parent, which reads this process's first stdout; `report` gives it another."""
    write = loop.writer(os.dup(sys.stdout.fileno()))
    return lambda message: write(json.dumps(message).encode() + b"\n")


def log_to(path: Path) -> None:
    """Log to a file that does not grow for ever."""
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s (%(name)s)"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _raise_descriptor_limit() -> int:
    """Allow this process more descriptors, as far as the system lets it; returns how many it has then."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return _WANTED_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (sys.maxsize if limit == resource.RLIM_INFINITY else limit for limit in (soft, hard))
    if soft >= _WANTED_DESCRIPTORS:
        return _WANTED_DESCRIPTORS
    wanted = min(_WANTED_DESCRIPTORS, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return soft
