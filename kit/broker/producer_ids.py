"""The producer ids that a broker gives to idempotent producers, a block at a time from the controller (KIP-730)."""

from __future__ import annotations

from collections.abc import Callable

from kit.broker.controller_channel import ControllerChannel
from kit.broker.deferred import Deferred
from kit.wire import messages as m

ALLOCATE_PRODUCER_IDS = 67
_TIMEOUT_MS = 1_000  # then clients are told to try again, as long as they like


class ProducerIds:
    """One broker's block of ids, none of which anybody else has or will have.

    Args:
        broker_epoch: of the broker's registration, now.
    """

    def __init__(self, node_id: int, *, channel: ControllerChannel, broker_epoch: Callable[[], int]) -> None:
        self._node_id = node_id
        self._channel = channel
        self._broker_epoch = broker_epoch
        self._next = 0
        self._end = 0  # exclusive
        self._waiting: list[Deferred[int | None]] = []

    def take(self) -> Deferred[int | None]:
        """The next id; resolves with None when the block is used up and no controller gives another one in time."""
        answer: Deferred[int | None] = Deferred()
        if self._next < self._end:
            answer.resolve(self._next)
            self._next += 1
            return answer
        self._waiting.append(answer)
        if len(self._waiting) == 1:
            self._ask()
        return answer

    def _ask(self) -> None:
        request = m.AllocateProducerIdsRequest(broker_id=self._node_id, broker_epoch=self._broker_epoch())
        self._channel.ask(request, ALLOCATE_PRODUCER_IDS, timeout_ms=_TIMEOUT_MS).then(self._give_out)

    def _give_out(self, response: m.AllocateProducerIdsResponse | None) -> None:
        if response is None or response.error_code:
            waiting, self._waiting = self._waiting, []
            for answer in waiting:
                answer.resolve(None)
            return
        first, count = response.producer_id_start, response.producer_id_len
        served, self._waiting = self._waiting[:count], self._waiting[count:]
        self._next, self._end = first + len(served), first + count
        if self._waiting:
            self._ask()
        for number, answer in enumerate(served):
            answer.resolve(first + number)
