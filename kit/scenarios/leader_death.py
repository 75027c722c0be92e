"""A leader that dies while somebody writes to it: for trying one's own producer."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from kit.cluster import Cluster
from kit.errors import ScenarioError
from kit.scenarios.clients import PATIENCE_S
from kit.scenarios.stage import mend
from kit.scenarios.tools import Tools

_PAUSE_S = 0.02


@contextlib.contextmanager
def leader_dies(
    cluster: Cluster, topic: str, partition: int = 0, *, after: int = 3, cut_off: bool = False
) -> Iterator[None]:
    """Let the leader of a partition die while the block writes to it; it comes back at the block's end.

    It writes what it is asked to, the replicas fetch that, and it dies before it answers: whoever sends again without
    idempotence writes twice. With ``cut_off`` it is cut off from the other brokers instead, and dies when they have
    elected another one: what it acknowledged alone is lost.

    Args:
        after: the Produce request for the partition at which it begins.

    Raises:
        ScenarioError: fewer requests came, or the replicas were not in sync again after 30 seconds.
    """
    death = _Death(cluster, topic, partition, after, cut_off=cut_off)
    try:
        with cluster.on_request("Produce", death.look):
            yield
            death.wait()
    finally:
        mend(cluster)
    tools = Tools(cluster)
    for number, now in enumerate(cluster.topics([topic])[topic].partitions):
        tools.wait_for(topic, lambda seen, all_of_them=set(now.replicas): set(seen.isr) == all_of_them, number)  # type: ignore[misc]


class _Death:
    """What is done at a request, in the thread that is asked about it, and after it, in one of its own."""

    def __init__(self, cluster: Cluster, topic: str, partition: int, after: int, *, cut_off: bool) -> None:
        self._cluster = cluster
        self._place = (topic, partition)
        self._after = after
        self._cut_off = cut_off
        self._num_requests = 0
        self._thread: threading.Thread | None = None

    def look(self, request: Any) -> None:
        """Count a request; at the right one it begins, before the broker has the request."""
        if self._place not in request.partitions:
            return
        self._num_requests += 1
        if self._num_requests != self._after:
            return
        before, now = len(self._cluster.timeline()), self._partition()
        if self._cut_off:
            self._cluster.isolate(request.broker_id)
        else:
            self._cluster.drop(request.broker_id, "replies", api="Produce")
        arguments = (request.broker_id, before, now.high_watermark or 0)
        self._thread = threading.Thread(target=self._kill, args=arguments, name="kit: a leader dies", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until it is dead.

        Raises:
            ScenarioError: it never began.
        """
        if self._thread is None:
            topic, partition = self._place
            raise ScenarioError(
                f"{self._num_requests} Produce requests came for {topic}-{partition}, and the leader dies at number "
                f"{self._after}: send more records, or smaller batches."
            )
        self._thread.join()

    def _kill(self, broker_id: int, before: int, high_watermark: int) -> None:
        give_up_s = time.monotonic() + PATIENCE_S
        while not self._is_time(before, high_watermark) and time.monotonic() < give_up_s:
            time.sleep(_PAUSE_S)
        self._cluster.kill(broker_id)
        self._cluster.heal()

    def _is_time(self, before: int, high_watermark: int) -> bool:
        if not self._cut_off:
            return (self._partition().high_watermark or 0) > high_watermark
        new = self._cluster.timeline()[before:]
        return any(each.kind == "leader_elected" and (each.topic, each.partition) == self._place for each in new)

    def _partition(self) -> Any:
        topic, partition = self._place
        return self._cluster.topics([topic], wait=False)[topic].partitions[partition]
