"""The end of a kafka-python producer that may hold records which no broker takes any more."""

from __future__ import annotations

import contextlib
from typing import Any

_CLOSE_S = 2.0


def end_producer(producer: Any, timeout_s: float = _CLOSE_S) -> None:
    """Close a producer, and let go of what cannot be sent; harmless when called again.

    Args:
        timeout_s: how long to wait for answers that are missing.
    """
    from kafka.errors import KafkaError

    try:
        producer.close(timeout=timeout_s)
    except KafkaError:
        # With records left, kafka-python 3.0.12 gives up before it has closed anything, and its __del__ would try once
        # more and print a traceback: let them go first.
        producer._sender.force_close()  # noqa: SLF001
        with contextlib.suppress(KafkaError):
            producer.close(timeout=_CLOSE_S)
