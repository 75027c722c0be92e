"""A node's way to the active controller, whoever that is at the moment (KIP-590).

Source: Kafka's ``NodeToControllerChannelManager`` and ``ForwardingManager``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kit.broker.clock import Clock
from kit.broker.deferred import Deferred
from kit.broker.network import Network

_RETRY_MS = 50
_LOOK_MS = 250


class ControllerChannel:
    """Asks the active controller.

    Args:
        leader: the active controller's node id, as far as this node knows; None while it knows of none.
    """

    def __init__(self, *, network: Network, clock: Clock, leader: Callable[[], int | None]) -> None:
        self._network = network
        self._clock = clock
        self._leader = leader

    @property
    def controller_id(self) -> int | None:
        """The active controller's node id, as far as this node knows."""
        return self._leader()

    def ask_once(self, request: Any, api_key: int, timeout_ms: float, api_version: int | None = None) -> Deferred[Any]:
        """Ask the controller known now; resolves with None when there is none or it does not answer.

        For what is asked again anyway, with what is true by then, such as a heartbeat.
        """
        leader = self._leader()
        if leader is None:
            answer: Deferred[Any] = Deferred()
            self._clock.call_soon(lambda: answer.resolve(None))
            return answer
        return self._network.call(leader, api_key, request, timeout_ms=timeout_ms, api_version=api_version)

    def ask(
        self,
        request: Any,
        api_key: int,
        *,
        timeout_ms: float,
        api_version: int | None = None,
        client_id: str | None = None,
    ) -> Deferred[Any]:
        """Ask until a controller answers; resolves with None after ``timeout_ms`` without an answer."""
        question = _Question(request, api_key, api_version, client_id, self._clock.monotonic_ms() + timeout_ms)
        timer = self._clock.call_later(timeout_ms, lambda: question.answer.resolve(None))
        question.answer.then(lambda _: timer.cancel())
        self._try(question)
        return question.answer

    def _try(self, question: _Question) -> None:
        question.attempts += 1
        attempt = question.attempts
        leader = self._leader()
        left_ms = question.due_ms - self._clock.monotonic_ms()
        if leader is None or left_ms <= 0:
            self._try_later(question, attempt)
            return

        def answered(response: Any) -> None:
            if response is not None:
                question.answer.resolve(response)
            elif attempt == question.attempts:
                self._try_later(question, attempt)

        def look() -> None:
            """Do not wait for a controller that has been replaced: its link may be cut."""
            if attempt == question.attempts and not question.answer.done:
                if self._leader() in (None, leader):
                    self._clock.call_later(_LOOK_MS, look)
                else:
                    self._try(question)

        self._clock.call_later(_LOOK_MS, look)
        self._network.call(
            leader,
            question.api_key,
            question.request,
            timeout_ms=left_ms,
            api_version=question.api_version,
            client_id=question.client_id,
        ).then(answered)

    def _try_later(self, question: _Question, attempt: int) -> None:
        def again() -> None:
            if attempt == question.attempts and not question.answer.done:
                self._try(question)

        self._clock.call_later(_RETRY_MS, again)


class _Question:
    __slots__ = ("answer", "api_key", "api_version", "attempts", "client_id", "due_ms", "request")

    def __init__(
        self, request: Any, api_key: int, api_version: int | None, client_id: str | None, due_ms: float
    ) -> None:
        self.request = request
        self.api_key = api_key
        self.api_version = api_version
        self.client_id = client_id
        self.due_ms = due_ms
        self.attempts = 0
        self.answer: Deferred[Any] = Deferred()
