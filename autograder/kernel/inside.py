"""The kernel in the jail: IPython's own, told what to do by frames instead of ZeroMQ, so without threads and ports.

Everything here is in the student's reach. The grader believes nothing that it says but that it was said.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Iterator
from types import FrameType, SimpleNamespace
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from jupyter_client.session import Session
from tornado.ioloop import IOLoop
from traitlets.config import Config

from autograder.kernel.frames import Frames
from autograder.kernel.streams import Pump, TextStream

_OUTGOING = frozenset(
    {"stream", "display_data", "execute_result", "error", "update_display_data", "clear_output", "execute_reply"}
)
_REQUEST_BYTES = 64 * 1024 * 1024  # the largest request: the grader's own words


class Mouth:
    """Says things to the grader, within a limit, from this process only.

    Args:
        frames: to the grader.
        most_bytes: of one message, and ten times that of all for one request; what is more is left out, and said so.
    """

    def __init__(self, frames: Frames, most_bytes: int) -> None:
        self._frames = frames
        self._most_bytes = most_bytes
        self._pid = os.getpid()
        self._busy = False
        self._interrupted = False
        self.running = False

        self.begin(0)

    def begin(self, request: int) -> None:
        """What is said from now on belongs to this request."""
        self.request = request
        self._left_bytes = 10 * self._most_bytes
        self._interrupted = False

    def say(self, kind: str, content: dict[str, Any]) -> None:
        """Send one message."""
        if os.getpid() != self._pid:
            return  # a child of the notebook; its text goes the way of descriptors
        packed = json.dumps({"type": kind, "request": self.request, "content": content}).encode()
        is_reply = kind.endswith("reply")
        if len(packed) > self._most_bytes or (len(packed) > self._left_bytes and not is_reply):
            self._left_bytes = 0
            packed = json.dumps({"type": "cut", "request": self.request, "content": {"bytes": len(packed)}}).encode()
        self._left_bytes -= len(packed)
        in_main = threading.current_thread() is threading.main_thread()
        self._busy = in_main
        try:
            self._frames.send_bytes(packed)
        finally:
            if in_main:
                self._busy = False
        if in_main and self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt

    def on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """SIGINT: stop what the notebook does, but never in the middle of a message."""
        if self._busy:
            self._interrupted = True
        elif self.running:
            raise KeyboardInterrupt


class FrameSession(Session):
    """The session of a kernel that has no sockets: what would be published or replied is said."""

    mouth: Mouth | None = None

    def send(  # type: ignore[override]
        self, _stream: Any, msg_or_type: Any, content: Any = None, parent: Any = None, *_: Any, **__: Any
    ) -> Any:
        """Say a message of the kernel's."""
        message = msg_or_type
        if not isinstance(message, dict):
            message = self.msg(msg_or_type, content=content, parent=parent)
        kind = message["header"]["msg_type"]
        if self.mouth is not None and kind in _OUTGOING:
            self.mouth.say(kind, message["content"])
        return message


def warm() -> IPythonKernel:
    """The kernel before it is forked: nothing in it belongs to a student."""
    config = Config()
    config.HistoryManager.enabled = False
    config.IPKernelApp.tqdm = "notebook"  # libraries look whether this is a notebook
    with without("debugpy"):  # a kernel looks for it, and would load 20 MB that no jail has a use for
        return _make(config)


@contextlib.contextmanager
def without(name: str) -> Iterator[None]:
    """Import things as if a module were not installed."""
    module, sys.modules[name] = sys.modules.get(name), None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
        if module is not None:
            sys.modules[name] = module


def _make(config: Config) -> IPythonKernel:
    return IPythonKernel.instance(
        config=config,
        log=logging.getLogger("kernel"),
        session=FrameSession(key=b""),
        user_ns={},
        shell_channel_thread=SimpleNamespace(parent_thread=threading.main_thread()),
    )


def run(kernel: IPythonKernel, end: socket.socket, most_bytes: int) -> None:
    """Serve until the grader closes the other end."""
    asyncio.run(_serve(kernel, Frames(end, _REQUEST_BYTES), most_bytes))


async def _serve(kernel: IPythonKernel, frames: Frames, most_bytes: int) -> None:
    kernel.io_loop = IOLoop.current()
    mouth = Mouth(frames, most_bytes)
    assert isinstance(kernel.session, FrameSession)
    kernel.session.mouth = mouth
    sys.stdout, sys.stderr = TextStream("stdout", 1, mouth), TextStream("stderr", 2, mouth)
    pumps = [Pump("stdout", 1, mouth), Pump("stderr", 2, mouth)]
    signal.signal(signal.SIGINT, mouth.on_interrupt)
    mouth.say("ready", {})
    loop = asyncio.get_running_loop()
    waiting = asyncio.Event()
    loop.add_reader(frames.fileno(), waiting.set)
    while True:
        while (message := frames.next()) is None:
            await waiting.wait()
            waiting.clear()
            if not frames.fill() and frames.next_is_missing():
                return
        mouth.begin(message["request"])
        mouth.running = True
        with contextlib.suppress(KeyboardInterrupt, Exception):  # whatever a notebook did to IPython
            await _DEEDS[message["do"]](kernel, mouth, message)
        mouth.running = False
        for each in pumps:
            each.drain()
        mouth.say("idle_reply", {})


async def _execute(kernel: IPythonKernel, _mouth: Mouth, message: dict[str, Any]) -> None:
    header = {"msg_id": str(message["request"]), "msg_type": "execute_request", "session": ""}
    content = {"code": message["code"], "silent": False, "stop_on_error": False, "allow_stdin": False}
    parent = {"header": header, "content": content, "metadata": {}}
    kernel.set_parent([], parent)  # type: ignore[no-untyped-call]
    await kernel.execute_request(None, [], parent)  # type: ignore[no-untyped-call]
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


async def _call(kernel: IPythonKernel, mouth: Mouth, message: dict[str, Any]) -> None:
    """Answer a probe: with JSON, or with why there is none."""
    assert kernel.shell is not None
    try:
        function = kernel.shell.user_ns.get(message["function"])
        if function is None:
            raise NameError(f"the notebook defines no {message['function']}")
        value = function(*message["arguments"])
        if inspect.isawaitable(value):
            value = await _interruptible(value)
        text = json.dumps(value, allow_nan=False, default=_plain)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a notebook may raise anything, SystemExit too
        mouth.say("call_reply", {"error": f"{type(error).__name__}: {error}"[:1000]})
    else:
        mouth.say("call_reply", {"json": text})


async def _interruptible(awaited: Awaitable[Any]) -> Any:
    """Wait for a coroutine so that SIGINT cancels it, instead of stopping the loop that it runs in."""
    future = asyncio.ensure_future(awaited)
    before = signal.signal(signal.SIGINT, lambda *_: asyncio.get_running_loop().call_soon_threadsafe(future.cancel))
    try:
        return await future
    finally:
        signal.signal(signal.SIGINT, before)


def _plain(value: Any) -> Any:
    """Arrays and numbers of numpy and pandas, as JSON knows them."""
    if callable(made := getattr(value, "tolist", None)):
        return made()
    raise TypeError(f"the answer has a {type(value).__name__} in it, which JSON cannot say")


_DEEDS = {"execute": _execute, "call": _call}
