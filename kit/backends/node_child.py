"""One node of a cluster as the process that started it knows it: its own process comes and goes, the node stays."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kit.backends.child import Child
from kit.errors import ClusterClosedError, NotSupportedError

_MODULE = "kit.broker.process.node_process"


class NodeChild:
    """A node that runs in a process of its own whenever it is up.

    Args:
        settings: see `kit.broker.process.node_process`.
        log_path: the file that the process logs to.
        on_event: gets what its process has for the timeline, in a thread; see `kit.broker.timeline.SentTimeline`.

    Attributes:
        was_asked: whether it is down because somebody wanted it so.
    """

    def __init__(self, settings: Mapping[str, Any], log_path: Path, on_event: Callable[[Any], None]) -> None:
        self.node_id: int = settings["node_id"]
        self.is_broker: bool = settings["is_broker"]
        self.was_asked = False
        self._settings = settings
        self._log_path = log_path
        self._on_event = on_event
        self._is_paused = False
        self._child: Child | None = None

    @property
    def state(self) -> str:
        """One of "up", "paused" and "down"."""
        if self._child is None or self._child.status is not None:
            return "down"
        return "paused" if self._is_paused else "up"

    def start(self, links: Mapping[str, Any], *, is_eager: bool = False) -> None:
        """Start its process, and do not wait for it: see `started`.

        Args:
            links: what is wrong with the network, see `kit.broker.faults.Links.dump`.
            is_eager: stand for election at once, because the whole cluster is starting.

        Raises:
            OSError: no process can be made.
        """
        self.end()
        self._is_paused = self.was_asked = False
        self._child = Child(
            {**self._settings, "links": links, "is_eager": is_eager},
            name=f"The process of node {self.node_id}",
            log_path=self._log_path,
            module=_MODULE,
            on_event=self._on_event,
        )

    def started(self) -> None:
        """Wait until its process answers.

        Raises:
            StartError: it refuses to start, ended, or takes too long.
        """
        self._running().started()

    def ask(self, command: str, arguments: Mapping[str, Any], *, timeout_s: float) -> Any:
        """Let it carry out a command; see `kit.backends.child.Child.ask`."""
        return self._running().ask(command, arguments, timeout_s=timeout_s)

    def tell(self, command: str, arguments: Mapping[str, Any]) -> None:
        """Let it carry out a command when it comes to it; one that is down comes to nothing."""
        if self.state != "down":
            self._running().tell(command, arguments)

    def kill(self) -> None:
        """SIGKILL for this process, and for no other."""
        self.was_asked = True
        self._running().kill()

    def stop(self) -> None:
        """Ask it to hand over what it leads and then end; `wait` waits for that."""
        self.was_asked = True
        self._running().tell("stop", {})

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end of its process; whether that came."""
        return self._running().wait(timeout_s)

    def pause(self) -> None:
        """Let its process stand still.

        Raises:
            NotSupportedError: this system cannot.
        """
        if not hasattr(signal, "SIGSTOP"):
            raise NotSupportedError('Windows cannot pause a process: kit.start("embedded") can pause a broker.')
        os.kill(self._running().pid, signal.SIGSTOP)
        self._is_paused = True

    def resume(self) -> None:
        """Let its process go on."""
        os.kill(self._running().pid, signal.SIGCONT)
        self._is_paused = False

    def last_words(self) -> str:
        """The end of what its process wrote, as the end of a sentence."""
        return self._running().last_words()

    def end(self) -> None:
        """End its process if there is one, and give back what belonged to it."""
        child, self._child = self._child, None
        if child is not None:
            if self._is_paused:
                child.kill()
            child.close()

    def _running(self) -> Child:
        if self._child is None:
            raise ClusterClosedError(f"Node {self.node_id} has no process.")
        return self._child
