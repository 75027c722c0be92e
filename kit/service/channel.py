"""How a service is talked to: JSON messages over `multiprocessing.connection`, never pickles.

The address is a socket's file in a folder that only its owner can enter, a named pipe on Windows, and a port of the
loopback where a socket's path would be too long. Both ends prove that they know the key that is in the service's file.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import struct
import sys
import tempfile
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

KEY_BYTES = 32
FOLDER_PREFIX = "kkit-"
_SOCKET = "s"
_LONGEST_PATH = 100  # bytes; macOS has room for 104 with the zero at the end
_MOST_BYTES = 16_000_000
_PATIENCE_S = 5.0
_SETTLED_S = 60.0

Address = str | tuple[str, int]


class ChannelError(Exception):
    """The other end is gone, does not answer, or is none of ours."""


def listen() -> Listener:
    """A listener at a new address; `discard` removes what it made.

    Raises:
        OSError: there is no place for it.
    """
    if sys.platform == "win32":
        return Listener(rf"\\.\pipe\kafka-kit-{secrets.token_hex(16)}", backlog=16)
    if os.environ.get("KIT_FORCE_PORTABLE") == "1":
        return Listener(("127.0.0.1", 0), backlog=16)
    for place in dict.fromkeys([tempfile.gettempdir(), "/tmp"]):
        if len(os.fsencode(place)) + len(FOLDER_PREFIX) + 12 <= _LONGEST_PATH:
            folder = tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=place)  # with mode 0700
            return Listener(str(Path(folder, _SOCKET)), backlog=16)
    return Listener(("127.0.0.1", 0), backlog=16)


def discard(address: object) -> None:
    """Remove the socket of a service that is gone, and its folder; nothing that `listen` has not made."""
    if not isinstance(address, str) or sys.platform == "win32":
        return
    folder = Path(address).parent
    if Path(address).name == _SOCKET and folder.name.startswith(FOLDER_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def left_overs() -> list[Path]:
    """Folders of sockets at which nobody listens any more, younger than a minute excepted."""
    found = Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*")
    return sorted(folder for folder in found if _is_left_over(folder))


def _is_left_over(folder: Path) -> bool:
    try:
        about = folder.stat()
        if time.time() - about.st_mtime < _SETTLED_S or (hasattr(os, "getuid") and about.st_uid != os.getuid()):
            return False
        Client(str(folder / _SOCKET)).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return True
    except OSError:  # it may live
        return False
    return False


def welcome(connection: Connection, key: bytes) -> None:
    """Make sure that a caller knows the key, and prove that we do.

    Raises:
        ChannelError: the caller does not, or not in time.
    """
    with _as_channel_error():
        _limit_waiting(connection)
        deliver_challenge(connection, key)
        answer_challenge(connection, key)


def call(address: Address, key: bytes) -> Connection:
    """A connection to a service.

    Raises:
        ChannelError: it is not there, does not answer, or is another one.
    """
    with _as_channel_error():
        connection = Client(address)
        try:
            _limit_waiting(connection)
            answer_challenge(connection, key)
            deliver_challenge(connection, key)
        except BaseException:
            connection.close()
            raise
    return connection


def send(connection: Connection, message: dict[str, Any]) -> None:
    """Send one message.

    Raises:
        ChannelError: the other end is gone.
        TypeError: something in it is no JSON.
    """
    data = json.dumps(message).encode()
    with _as_channel_error():
        connection.send_bytes(data)


def receive(connection: Connection, timeout_s: float) -> dict[str, Any]:
    """The next message.

    Raises:
        ChannelError: there is none in time, the other end is gone, or it is no JSON object.
    """
    with _as_channel_error():
        if not connection.poll(timeout_s):
            raise ChannelError(f"no message within {timeout_s:g} seconds")
        message = json.loads(connection.recv_bytes(_MOST_BYTES))
    if not isinstance(message, dict):
        raise ChannelError("a message that is no JSON object")
    return message


def _limit_waiting(connection: Connection) -> None:
    """Let nobody who sends half a message make us wait for the rest for ever."""
    if sys.platform == "win32":
        return  # a pipe has no such limit; who waits there is a thread of its own
    with socket.socket(fileno=os.dup(connection.fileno())) as twin:  # options belong to both descriptors
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(_PATIENCE_S), 0))
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(_PATIENCE_S), 0))


@contextlib.contextmanager
def _as_channel_error() -> Any:
    try:
        yield
    except (OSError, EOFError, AuthenticationError, ValueError, AssertionError, RecursionError) as error:
        raise ChannelError(f"{type(error).__name__}: {error}") from error
