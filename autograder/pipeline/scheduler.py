"""Workers on many computers: a Dask cluster, as a `concurrent.futures.Executor`."""

from __future__ import annotations

from autograder.pipeline.course import GradingError
from autograder.pipeline.pool import ForeignPool

_TIMEOUT_S = 10


def connected(address: str, workers: int | None = None) -> ForeignPool:
    """The workers of the cluster whose scheduler is at ``address``, such as "tcp://10.0.0.5:8786".

    Raises:
        GradingError: the package is missing, or nobody answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise GradingError('--scheduler needs the package distributed: pip install "kafka-kit[scheduler]".') from None
    try:
        client = Client(address, timeout=_TIMEOUT_S)
        count = len(client.scheduler_info()["workers"])
    except (OSError, TimeoutError, ValueError, KeyError) as error:
        raise GradingError(f"No Dask scheduler answers at {address}: {' '.join(str(error).split())}.") from error
    if not count:
        client.close()
        raise GradingError(f"The Dask scheduler at {address} has no workers.")
    return ForeignPool(client.get_executor(pure=False), workers or count, client.close)
