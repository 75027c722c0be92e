"""Workers on many computers: those of a Dask cluster. Jobs go to them as JSON text, and JSON text comes back.

Dask itself sends Python objects, and runs whatever anybody sends to its scheduler: a cluster belongs in a network of
one's own, or behind Dask's TLS. Of a worker's results this end reads texts only; nothing in them is ever unpickled.
"""

from __future__ import annotations

import contextlib
import logging
import platform
import socket
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from typing import Any

from autograder.code_digest import code_digest
from autograder.pipeline import wire
from autograder.pipeline.course import GradingError
from autograder.pipeline.pool import BrokenExecutor, Pool

_TIMEOUT_S = 10
_KNOCK_S = 3.0
_LOOK_S = 2.0
_WITHOUT_WORKERS_S = 30.0  # a nanny needs seconds to put another worker in the place of a dead one


def connected(address: str, workers: int | None = None, weakest_rung: str | None = None) -> DaskPool:
    """The workers of the cluster whose scheduler is at ``address``, such as "tcp://10.0.0.5:8786".

    Args:
        workers: how many submissions run at a time; as many as the cluster has threads when None.
        weakest_rung: what jail each worker must have; None asks for none here.

    Raises:
        GradingError: the package is missing, nobody answers, or a worker is not fit for it.
    """
    try:
        import distributed
    except ImportError:
        raise GradingError('--scheduler needs the package distributed: pip install "kafka-kit[scheduler]".') from None
    for log in ("distributed", "distributed.client"):  # what matters of them is told in sentences
        logging.getLogger(log).setLevel(logging.CRITICAL)
    try:
        _knock(address)
        with warnings.catch_warnings():  # versions are compared below, in one sentence
            warnings.simplefilter("ignore")
            client = distributed.Client(address, timeout=_TIMEOUT_S, set_as_default=False, deserializers=["msgpack"])
    except (OSError, TimeoutError, ValueError) as error:
        told = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise GradingError(
            f"No Dask scheduler answers at {address}: {told}. `dask scheduler` starts one, `dask worker` its workers."
        ) from error
    try:
        threads = _threads(client)
        if not threads:
            raise GradingError(f"The Dask scheduler at {address} has no workers: `dask worker {address}` adds one.")
        rungs = _fit(client, weakest_rung)
    except BaseException:
        client.close()
        raise
    return DaskPool(client, address, workers or sum(threads.values()), rungs)


class DaskPool(Pool):
    """The workers of a Dask cluster. Dask gives the work of a worker that died to another, up to three times.

    Args:
        client: of the cluster.
        address: of its scheduler, for messages.
        workers: how many submissions run at a time.
        rungs: the jails that its workers have.
    """

    def __init__(self, client: Any, address: str, workers: int, rungs: tuple[str, ...] = ()) -> None:
        self.workers = workers
        self.rungs = rungs
        self._client = client
        self._address = address
        self._executor = client.get_executor(pure=False)
        self._waiting: set[Future[Any]] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="dask workers", daemon=True).start()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Perform a job in one of them: ``perform``, its job, its judge, and a stand-in for `execute` or None.

        Raises:
            GradingError: there is nobody left to do it.
        """
        if not _threads(self._client):
            lost = "workers of the Dask scheduler" if self._client.status == "running" else "Dask scheduler"
            raise GradingError(
                f"The {lost} at {self._address} cannot be reached any more. What was graded is kept: "
                "`autograder resume` goes on."
            )
        job, script, execute = arguments
        made: Future[Any] = Future()
        made.set_running_or_notify_cancel()
        with self._lock:
            self._waiting.add(made)
        del function  # it is `perform`; `perform_packed` is the same, from text to text
        there = self._executor.submit(wire.perform_packed, wire.packed(job, script), execute)
        there.add_done_callback(lambda done: self._tell(made, done))
        return made

    def renew(self) -> None:
        """Forget what was asked for; what runs comes to its end, and nobody hears of it."""
        self._give_up()
        self._executor = self._client.get_executor(pure=False)

    def close(self) -> None:
        """Leave the cluster, which goes on; harmless a second time."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._give_up()
        with contextlib.suppress(OSError, TimeoutError):
            self._client.close(_TIMEOUT_S)

    def _give_up(self) -> None:
        if self._client.status == "running":  # otherwise there is nobody to tell
            with contextlib.suppress(OSError, TimeoutError):
                self._executor.shutdown(wait=False)

    def _tell(self, made: Future[Any], done: Future[Any]) -> None:
        """Pass on what came of it, unless it was given up."""
        with self._lock:
            if made not in self._waiting:
                return
            self._waiting.discard(made)
        try:
            made.set_result(wire.performed(done.result()))
        except CancelledError:
            made.set_exception(BrokenExecutor("the Dask scheduler is gone"))
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            made.set_exception(error)

    def _watch(self) -> None:
        """Give up what waits when there are no workers for long: Dask itself waits for ever."""
        without_s = 0.0
        while not self._closed.wait(_LOOK_S):
            without_s = 0.0 if _threads(self._client) else without_s + _LOOK_S
            if without_s >= _WITHOUT_WORKERS_S:
                with self._lock:
                    lost, self._waiting = self._waiting, set()
                for each in lost:
                    each.set_exception(BrokenExecutor("there are no workers"))


def _knock(address: str) -> None:
    """See at once whether anybody listens; Dask's client would try again for seconds."""
    from distributed.comm.addressing import get_address_host_port

    if "://" in address and not address.startswith(("tcp://", "tls://")):
        raise ValueError("its address must begin with tcp:// or tls://")
    socket.create_connection(get_address_host_port(address), _KNOCK_S).close()


def _threads(client: Any) -> Mapping[str, int]:
    """Each worker's number of threads; none when the scheduler is gone."""
    if client.status != "running":
        return {}
    try:
        found: Mapping[str, int] = client.nthreads()
    except (OSError, TimeoutError, ValueError, RuntimeError):
        return {}
    return found


def _fit(client: Any, weakest_rung: str | None) -> tuple[str, ...]:
    """Look whether every worker has this package, as it is here, and a jail that is good enough.

    Returns:
        The rungs that they have, each once.
    """
    here = versions()
    found = client.run(facts, weakest_rung, on_error="return")
    rungs = set()
    for worker, told in sorted(found.items()):
        if not isinstance(told, Mapping):
            raise GradingError(
                f"The worker {worker} cannot grade: {type(told).__name__}: {told}. Install kafka-kit there."
            )
        for name, version in here.items():
            if told["versions"].get(name) != version:
                raise GradingError(
                    f"The worker {worker} has {name} {told['versions'].get(name)}, and this computer has {version}: "
                    "install the same on both."
                )
        if "trouble" in told:
            raise GradingError(f"The worker {worker}: {told['trouble']}.")
        rungs.add(str(told["rung"]))
    return tuple(sorted(rungs))


def facts(weakest_rung: str | None) -> dict[str, Any]:
    """In a worker: its versions, and the jail that it has."""
    found: dict[str, Any] = {"versions": versions(), "rung": weakest_rung}
    if weakest_rung is None:
        return found
    from autograder import jail

    try:
        return found | {"rung": jail.strongest(weakest_rung)}
    except jail.JailError as error:
        return found | {"trouble": " ".join(str(error).split()).rstrip(".")}


def versions() -> dict[str, str]:
    """What must be the same on all computers; of this project a short digest of its code."""
    import distributed

    return {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "distributed": str(distributed.__version__),
        "kafka-kit": code_digest(),
    }
