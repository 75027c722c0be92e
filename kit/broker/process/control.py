"""What the process that started a cluster can ask of it while it runs: one JSON object per line, both ways.

From the parent to the child:

* ``{"id": 7, "command": "kill", "args": {"node_id": 2}}``, answered by ``{"id": 7, "result": ...}`` or
  ``{"id": 7, "error": "text", "kind": "FaultError"}``, some time and in any order;
* ``{"call": 3, "verdict": ...}``, the answer to a call of a hook;
* ``{"command": "close"}``, a blank line, or the end of the input: the child is to end.

From the child to the parent, besides those answers: ``{"hook": 1, "call": 3, "request": {...}}``, a question that the
parent has asked to be asked (see `ControlChannel.ask_hook`).

Nothing is read or written here: lines are handed in, and messages handed out.
"""

from __future__ import annotations

import inspect
import itertools
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from kit.broker.deferred import Deferred
from kit.broker.faults import FaultError

log = logging.getLogger(__name__)

CLOSE = "close"
Command = Callable[..., Any]  # a Deferred of its result, or the result: something that JSON knows


class Failure:
    """What a `Deferred` of a command resolves with when the command was refused in the end."""

    __slots__ = ("error",)

    def __init__(self, error: FaultError) -> None:
        self.error = error


class InvalidCommand(Exception):
    """The parent asked for something that there is not; only a parent of another version does."""


class ControlChannel:
    """The child's end of the channel.

    Args:
        send: takes one message for the parent.
        on_close: called, once or more, when the child is to end.
    """

    def __init__(self, send: Callable[[Mapping[str, Any]], None], on_close: Callable[[], None]) -> None:
        self._send = send
        self._on_close = on_close
        self._commands: Mapping[str, Command] = {}
        self._calls: dict[int, Deferred[Any]] = {}
        self._call_numbers = itertools.count(1)

    def serve(self, commands: Mapping[str, Command]) -> None:
        """Answer these commands from now on; arguments come by name."""
        self._commands = commands

    def receive(self, line: bytes) -> None:
        """Take one line of the parent's; ``b""`` is the end of the input."""
        if not line.strip():
            self._on_close()
            return
        try:
            message = _parsed(line)
        except InvalidCommand as error:
            log.warning("%s", error)
            self._refuse(None, error)
            return
        if message.get("command") == CLOSE:
            self._on_close()
        elif "call" in message:
            self._verdict(message["call"], message.get("verdict"))
        else:
            self._carry_out(message)

    def ask_hook(self, hook: int, request: Mapping[str, Any]) -> Deferred[Any]:
        """Ask the parent what to do with a request that hook number ``hook`` is for; resolves with its verdict."""
        number = next(self._call_numbers)
        verdict = self._calls[number] = Deferred[Any]()
        self._send({"hook": hook, "call": number, "request": request})
        return verdict

    def _verdict(self, number: object, verdict: object) -> None:
        waiting = self._calls.pop(number, None) if isinstance(number, int) else None
        if waiting is not None:
            waiting.resolve(verdict)

    def _carry_out(self, message: Mapping[str, Any]) -> None:
        number = message.get("id")
        try:
            result = self._call(message.get("command"), message.get("args", {}))
        except Exception as error:  # noqa: BLE001 - whatever it was, the parent waits for an answer
            self._refuse(number, error)
            return
        if isinstance(result, Deferred):
            result.then(lambda value: self._answer(number, value))
        else:
            self._answer(number, result)

    def _call(self, name: object, arguments: object) -> Any:
        command = self._commands.get(name) if isinstance(name, str) else None
        if command is None:
            raise InvalidCommand(f"there is no command {name!r}, only {', '.join(sorted(self._commands))}")
        if not isinstance(arguments, dict):
            raise InvalidCommand(f"{name}: args must be an object, not {arguments!r}")
        try:
            bound = inspect.signature(command).bind(**arguments)
        except TypeError as error:
            raise InvalidCommand(f"{name}: {error}") from error
        return command(*bound.args, **bound.kwargs)

    def _answer(self, number: object, value: object) -> None:
        if isinstance(value, Failure):
            self._refuse(number, value.error)
        else:
            self._send({"id": number, "result": value})

    def _refuse(self, number: object, error: Exception) -> None:
        if not isinstance(error, FaultError | InvalidCommand):
            log.error("a command failed", exc_info=error)
        text = str(error) if isinstance(error, FaultError | InvalidCommand) else f"{type(error).__name__}: {error}"
        self._send({"id": number, "error": text, "kind": type(error).__name__})


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError as error:
        raise InvalidCommand(f"a line of {len(line)} bytes is no JSON: {error}") from error
    if not isinstance(message, dict):
        raise InvalidCommand(f"a message must be an object, not {type(message).__name__}")
    return message
