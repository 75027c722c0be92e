"""The service's end of the control channel: a thread for every caller, who can stop nothing but itself."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from kit.errors import KitError
from kit.service import channel

log = logging.getLogger(__name__)

Answer = Callable[[str, dict[str, Any]], Any]

CLOSE = "close"
_IDLE_S = 3_600.0  # a caller that says nothing for so long is let go
_MOST_CALLERS = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Door:
    """Where the service is asked, and the proof that one may.

    Attributes:
        address: a path, or a host and a port.
    """

    address: channel.Address
    key: bytes = dataclasses.field(repr=False)


class Server:
    """Listens at once, until this process ends or `close`.

    Args:
        key: what callers must know.
        answer: carries out a command, in any thread, and returns its result; raises `KitError` to refuse.
        on_close: called, in any thread, when a caller wants the service to end; it has had its answer.

    Raises:
        OSError: there is no place to listen at.
    """

    def __init__(self, key: bytes, answer: Answer, on_close: Callable[[], None]) -> None:
        self._answer = answer
        self._on_close = on_close
        self._room = threading.BoundedSemaphore(_MOST_CALLERS)
        self._is_closed = False
        self._listener = channel.listen()
        self.door = Door(self._listener.address, key)
        threading.Thread(target=self._accept, name="control: callers", daemon=True).start()

    def close(self) -> None:
        """Take no caller any more, and remove the address."""
        self._is_closed = True
        self._listener.close()
        channel.discard(self.door.address)

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                connection = self._listener.accept()
            except (OSError, EOFError) as error:
                if not self._is_closed:
                    log.warning("a caller was lost: %s", error)
                continue
            if self._is_closed:  # closing wakes no thread that waits for a caller: it takes one more
                connection.close()
                return
            if not self._room.acquire(blocking=False):
                log.warning("%d callers at once are too many: one is let go", _MOST_CALLERS + 1)
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection,), name="control: a caller", daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        try:
            with connection:
                channel.welcome(connection, self.door.key)
                while self._serve_one(connection):
                    pass
        except channel.ChannelError as error:
            log.info("a caller is gone: %s", error)
        finally:
            self._room.release()

    def _serve_one(self, connection: Connection) -> bool:
        """Carry out one command; whether there may be more."""
        message = channel.receive(connection, _IDLE_S)
        command, arguments = message.get("command"), message.get("arguments", {})
        if command == CLOSE:
            channel.send(connection, {"result": None})
            self._on_close()
            return False
        channel.send(connection, self._outcome(command, arguments))
        return True

    def _outcome(self, command: object, arguments: object) -> dict[str, Any]:
        if not isinstance(command, str) or not isinstance(arguments, dict):
            return {"error": "A command is a name and an object of arguments.", "kind": KitError.__name__}
        try:
            return {"result": self._answer(command, arguments)}
        except KitError as error:
            return {"error": str(error), "kind": type(error).__name__}
        except Exception as error:
            log.exception("%s failed", command)
            return {"error": f"{command} failed: {type(error).__name__}: {error}", "kind": KitError.__name__}
