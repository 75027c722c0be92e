"""`Cluster.on_request`: a function of the notebook that decides what becomes of a request."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from kit.errors import FaultError
from kit.wire.errors import ErrorCode

log = logging.getLogger(__name__)

DROP = "drop"
Verdict = None | str | float


@dataclass(frozen=True, slots=True)
class Request:
    """A request on its way to a broker.

    Attributes:
        api: the API's name in Kafka's protocol, such as "Produce".
        broker_id: the broker that it is for.
        client_id: as the client calls itself; None when it does not say.
        partitions: the (topic, partition) pairs that it is about, as far as it names any.
        acks: of a Produce request, how many replicas it asks for: 0, 1, or -1 for all in-sync ones; else None.
    """

    api: str
    broker_id: int
    client_id: str | None
    partitions: tuple[tuple[str, int], ...]
    acks: int | None = None


class RequestHook:
    """A function that is asked about every request of one API, until `remove`.

    Attributes:
        num_requests: how many requests it was asked about.
        error: what it raised last; that request was let through.
    """

    def __init__(self, api: str, function: Callable[[Request], Verdict]) -> None:
        self.num_requests = 0
        self.error: Exception | None = None
        self._api = api
        self._function = function
        self._remove: Callable[[], None] | None = None

    def attach(self, remove: Callable[[], None]) -> None:
        """Learn how to be removed."""
        self._remove = remove

    def remove(self) -> None:
        """Let every request through again; harmless when called again.

        Raises:
            ClusterClosedError: the cluster is not there any more.
        """
        if self._remove is not None:
            remove, self._remove = self._remove, None
            remove()

    def decide(self, described: Mapping[str, Any]) -> Verdict:
        """Ask the function about a request that the child describes."""
        self.num_requests += 1
        partitions = tuple((topic, partition) for topic, partition in described["partitions"])
        request = Request(self._api, described["broker_id"], described["client_id"], partitions, described.get("acks"))
        try:
            return _checked(self._function(request))
        except Exception as error:
            self.error = error
            log.exception("the function on_request(%r) failed, so the request was let through", self._api)
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        state = "removed" if self._remove is None else f"asked about {self.num_requests}"
        return f"<RequestHook on {self._api}, {state}>"


def _checked(verdict: object) -> Verdict:
    if verdict is None or verdict == DROP:
        return verdict
    if isinstance(verdict, str) and verdict in ErrorCode.__members__ and verdict != ErrorCode.NONE.name:
        return verdict
    if isinstance(verdict, int | float) and not isinstance(verdict, bool) and 0 <= verdict < math.inf:
        return float(verdict)
    raise FaultError(
        f"{verdict!r} is no answer to a request: return None to let it pass, 'drop', milliseconds of delay, "
        "or the name of one of Kafka's errors such as 'NOT_LEADER_OR_FOLLOWER'."
    )
