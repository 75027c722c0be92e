"""Threads behind widgets: they end with their widget, and their errors become text in it, never a traceback."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from kit.client_settings import settings_of

JOIN_S = 5.0


class HasIsAlive(Protocol):
    """All that a widget asks of one broker."""

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""


class ClusterLike(Protocol):
    """All that a widget needs of a cluster."""

    bootstrap_servers: str

    @property
    def brokers(self) -> Sequence[HasIsAlive]:
        """The brokers."""


class ClusterGoneError(RuntimeError):
    """The cluster behind a widget was closed or has died."""

    def __init__(self) -> None:
        super().__init__(
            "The cluster is closed, or no broker answers. Run its kit.start or kit.connect again, then this cell."
        )


class Link:
    """What a widget keeps of its cluster. It does not keep the cluster alive: a forgotten one shall end."""

    def __init__(self, cluster: ClusterLike) -> None:
        self.client_settings = settings_of(cluster)
        self._cluster = weakref.ref(cluster)

    @property
    def cluster(self) -> Any:
        """The cluster; None when nobody has it any more."""
        return self._cluster()

    @property
    def is_gone(self) -> bool:
        """Whether no broker is left to talk to."""
        cluster = self._cluster()
        return cluster is None or not any(broker.is_alive for broker in cluster.brokers)


class LastingLink(Link):
    """Gone when the cluster is, and not when all brokers are down: they can be restarted."""

    @property
    def is_gone(self) -> bool:
        """Whether nobody has the cluster any more."""
        return self._cluster() is None


class Background:
    """One daemon thread that runs ``work`` until `stop` or until the cluster is gone.

    Args:
        work: gets this object and asks it `goes_on` several times a second.
        on_error: gets one sentence when ``work`` raises; the thread ends then.
        link: to the cluster that ``work`` talks to.
        name: of the thread, for debuggers.
    """

    def __init__(
        self, work: Callable[[Background], None], on_error: Callable[[str], None], link: Link, name: str
    ) -> None:
        self._work = work
        self._on_error = on_error
        self._link = link
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        _running.add(self)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def goes_on(self, pause_s: float) -> bool:
        """Wait ``pause_s`` seconds; false as soon as somebody called `stop`.

        Raises:
            ClusterGoneError: the cluster was closed meanwhile.
        """
        if self._ended.wait(pause_s):
            return False
        if self._link.is_gone:
            raise ClusterGoneError
        return True

    def stop(self) -> None:
        """Ask the thread to end and wait for it, at most `JOIN_S` seconds. May be called twice and by the thread."""
        self._ended.set()
        if self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)

    def _run(self) -> None:
        try:
            self._work(self)
        except Exception as error:  # noqa: BLE001  (a thread has nobody to raise to; the widget shows the sentence)
            if not self._ended.is_set():
                # Without a cluster every client fails in its own words; the cause is more useful.
                self._on_error(describe(ClusterGoneError() if self._link.is_gone else error))


_running: weakref.WeakSet[Background] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    for background in list(_running):
        background.stop()


# kafka-python's names where they differ from Kafka's own.
_KAFKA_NAMES = {6: "NOT_LEADER_OR_FOLLOWER", 10: "MESSAGE_TOO_LARGE", 17: "INVALID_TOPIC_EXCEPTION"}


def kafka_name(code: int) -> str:
    """Kafka's own name of an error code."""
    from kafka.errors import for_code

    return _KAFKA_NAMES.get(code) or str(for_code(code).message)


def describe(error: BaseException) -> str:
    """One line for a student: the error's Kafka name (or its Python class) and its text."""
    if isinstance(error, ClusterGoneError):
        return str(error)
    code = getattr(error, "errno", None)
    name = _KAFKA_NAMES.get(code, getattr(error, "message", None)) if isinstance(code, int) else None
    # Some of kafka-python's errors begin their text with their own name.
    text = str(error).strip().removeprefix(f"{type(error).__name__}: ").splitlines()
    return f"{name or type(error).__name__}: {text[0] if text else 'no details given'}"


def kafka_error() -> type[Exception]:
    """What every error of kafka-python is; importing kafka-python is left to who needs it."""
    from kafka.errors import KafkaError

    error: type[Exception] = KafkaError
    return error
