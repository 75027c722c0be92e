"""One run: a cluster, its clients and its faults from one seed, then the verdict."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from kit.simulation import faults
from kit.simulation.cluster import SimCluster
from kit.simulation.faults import Schedule
from kit.simulation.judge import Finding, judge, several_leaders
from kit.simulation.player import FaultPlayer
from kit.simulation.recorder import Recorder
from kit.simulation.workload import STANDARD, Consumers, SendingApplication, Workload, config_of, producer_name

STEP_MS = 20.0
PATIENCE_MS = 60_000.0  # of simulated time, for what must happen soon once nothing is wrong any more
SHARED_MEMORY = Path("/dev/shm")
FOLDER_PREFIX = "kit-simulation-"
LAST_EVENTS = 60
MAX_ERRORS = 20
BROKER_LOG = logging.getLogger("kit.broker")


@dataclass(slots=True)
class Result:
    """What one run came to.

    Attributes:
        findings: what must not be, the gravest first; empty when all is well.
        fingerprint: of everything that clients did and were told; two runs that went the same way have the same.
        num_records: records that were sent, or tried to.
        num_messages: requests and replies, of clients and between nodes.
        num_faults: the faults that were played.
        simulated_ms, cpu_ns: how long it took, in simulated time and in CPU time.
        events: the last ones of the cluster's timeline, in words, when something was found.
    """

    seed: int
    schedule: Schedule
    findings: list[Finding] = field(default_factory=list)
    fingerprint: str = ""
    num_records: int = 0
    num_messages: int = 0
    num_acknowledged: int = 0
    num_faults: int = 0
    simulated_ms: float = 0.0
    cpu_ns: int = 0
    events: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


class _Errors(logging.Handler):
    """Takes what the brokers log as an error for a finding: they go on after a mistake, and must not hide it."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(logging.ERROR)
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        """Note one error."""
        if len(self._recorder.findings) < MAX_ERRORS:
            self._recorder.find("error", self.format(record))


@contextlib.contextmanager
def _watch_errors(recorder: Recorder) -> Iterator[None]:
    handler, propagated = _Errors(recorder), BROKER_LOG.propagate
    BROKER_LOG.addHandler(handler)
    BROKER_LOG.propagate = False
    try:
        yield
    finally:
        BROKER_LOG.removeHandler(handler)
        BROKER_LOG.propagate = propagated


class _Stuck(Exception):
    """Something that must happen did not."""


def schedule_for(seed: int, workload: Workload = STANDARD) -> Schedule:
    """The faults of a seed."""
    scope = faults.Scope(
        node_ids=list(range(1, workload.num_brokers + 1)),
        producers=[producer_name(number) for number in range(workload.num_producers)],
        num_consumers=workload.num_consumers,
        topics=workload.topics,
        replication_factor=workload.replication_factor,
        num_records=workload.num_records,
        sending_ms=workload.sending_ms,
    )
    return faults.generate(Random(f"{seed}/faults"), scope)


def remove_leftovers(parent: Path = SHARED_MEMORY, processes: Path = Path("/proc")) -> None:
    """Give back the memory that runs hold which were killed: their folders are named after their processes."""
    if processes.exists():
        for path in parent.glob(f"{FOLDER_PREFIX}*"):
            process_id = path.name.removeprefix(FOLDER_PREFIX).split("-")[0]
            if not (processes / process_id).exists():
                shutil.rmtree(path, ignore_errors=True)


def simulate(seed: int, workload: Workload = STANDARD, schedule: Schedule | None = None) -> Result:
    """Play one seed and judge it.

    Args:
        schedule: the faults, when they shall not be those of the seed.
    """
    result = Result(seed, schedule_for(seed, workload) if schedule is None else schedule)
    parent = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=parent))
    began_ns = time.process_time_ns()
    try:
        _Run(seed, workload, result, folder).play()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    result.cpu_ns = time.process_time_ns() - began_ns
    return result


class _Run:
    """One run under way. Each part has a random generator of its own, so that leaving a fault out changes little."""

    def __init__(self, seed: int, workload: Workload, result: Result, folder: Path) -> None:
        self._seed = seed
        self._workload = workload
        self._result = result
        self._cluster = SimCluster(
            folder,
            num_brokers=workload.num_brokers,
            controllers=workload.controllers,
            config=config_of(workload, self._random("config")),
            is_patient=self._random("patience").random() < 0.5,
            random=self._random("cluster"),
        )
        self._recorder = Recorder(self._cluster.clock)

    def _random(self, name: str) -> Random:
        return Random(f"{self._seed}/{name}")

    def play(self) -> None:
        """Play everything, and write into the result."""
        result, recorder = self._result, self._recorder
        has_ended = False
        try:
            with _watch_errors(recorder):
                self._live()
            has_ended = True
        except _Stuck as stuck:
            recorder.find("stuck", str(stuck))
        except Exception:  # noqa: BLE001 - whatever comes out of the brokers is a finding
            recorder.find("crash", traceback.format_exc())
        result.findings += [Finding(*each) for each in recorder.findings]
        result.findings += several_leaders(self._cluster.events())
        if has_ended:
            logs = self._cluster.final_logs(list(self._workload.topics))
            result.findings += judge(
                recorder.history,
                logs,
                is_idempotent=self._workload.producer.enable_idempotence,
                caught_up=self._workload.num_consumers > 0,
            )
        for event in self._cluster.events():
            recorder.note(str(event))
        result.fingerprint = recorder.fingerprint
        result.num_records, result.num_acknowledged = recorder.num_records, recorder.num_acknowledged
        result.num_messages = self._cluster.num_messages
        result.simulated_ms = self._cluster.clock.monotonic_ms()
        if result.findings:
            result.events = [str(event) for event in self._cluster.events()][-LAST_EVENTS:]
        self._cluster.close()

    def _live(self) -> None:
        workload, recorder, cluster = self._workload, self._recorder, self._cluster
        topics = list(workload.topics)
        self._wait("the brokers to be alive", lambda: cluster.has_started)
        cluster.create_topics(workload.topics, workload.replication_factor, workload.topic_config)
        self._wait("the topics to be made", lambda: cluster.is_settled(topics))
        applications = [
            SendingApplication(name, cluster, recorder, workload, self._random(name))
            for name in map(producer_name, range(workload.num_producers))
        ]
        consumers = Consumers(cluster, recorder, workload, self._random("consumers"))
        player = FaultPlayer(
            cluster, consumers, recorder, self._result.schedule, any_power_loss=workload.any_power_loss
        )

        def has_sent() -> bool:
            return all(each.is_done for each in applications)

        self._wait(
            "the faults to end and every send to have an outcome",
            lambda: player.is_over and has_sent(),
            each_step=lambda: player.tick(is_last=has_sent()),
        )
        self._result.num_faults = player.num_played
        self._wait("every replica to be in sync again", lambda: cluster.is_settled(topics))
        self._wait("the consumers to read everything", consumers.have_read_all)
        consumers.close()
        self._wait("the last commits", lambda: True, at_least_ms=500)

    def _wait(
        self,
        what: str,
        is_there: Callable[[], bool],
        *,
        each_step: Callable[[], None] = lambda: None,
        at_least_ms: float = 0.0,
    ) -> None:
        clock = self._cluster.clock
        began_ms = clock.monotonic_ms()
        while clock.monotonic_ms() - began_ms < at_least_ms or not is_there():
            if clock.monotonic_ms() - began_ms > PATIENCE_MS:
                raise _Stuck(f"waited {PATIENCE_MS / 1000:g} simulated seconds for {what}")
            clock.advance(STEP_MS)
            each_step()
