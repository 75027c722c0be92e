"""Telling clients at once who leads, when they asked the wrong broker (KIP-951)."""

from __future__ import annotations

from typing import Any

from kit.broker.metadata import MetadataImage
from kit.wire.errors import ErrorCode

ASKED_THE_WRONG_ONE = frozenset({ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.FENCED_LEADER_EPOCH})


class CurrentLeaders:
    """The leaders named in one response.

    Args:
        messages: the response's class, which has the structs ``LeaderIdAndEpoch`` and ``NodeEndpoint``.
        listener: the one that the client came in by.
    """

    def __init__(self, image: MetadataImage, messages: Any, listener: str) -> None:
        self._image = image
        self._listener = listener
        self._messages = messages
        self._endpoints: dict[int, Any] = {}

    def add(self, answer: Any, topic: str, partition: int) -> None:
        """Put into a partition's answer who leads it, as far as this broker knows."""
        state = self._image.partition(topic, partition)
        if state is None:
            return
        answer.current_leader = self._messages.LeaderIdAndEpoch(leader_id=state.leader, leader_epoch=state.leader_epoch)
        broker = self._image.brokers.get(state.leader)
        if broker is not None and not broker.fenced:
            host, port = broker.address(self._listener)
            self._endpoints[broker.node_id] = self._messages.NodeEndpoint(
                node_id=broker.node_id, host=host, port=port, rack=broker.rack
            )

    def endpoints(self) -> list[Any]:
        """Where clients reach those leaders."""
        return list(self._endpoints.values())
