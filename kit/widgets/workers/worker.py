"""One consumer of a group, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kit.lessons.power_cut import crash
from kit.widgets._background import Background, Link

# kafka-python 3.0.12 loses the result of a join that ends while no poll() is under way: it is polled without a pause.
_POLL_MS = 100
_COMMIT_MS = 3_000
_BATCHES_PER_S = 6  # at most: a commit for each record would keep the computer busier than the lesson

JOINING, WORKING, IDLE, LEFT, CRASHED, STOPPED = "joining", "working", "idle", "left", "crashed", "stopped"
ENDED = (LEFT, CRASHED, STOPPED)


@dataclass(frozen=True, slots=True)
class Handled:
    """One record that a worker has worked on; ``time_s`` is the monotonic clock."""

    worker: str
    topic: str
    partition: int
    offset: int
    time_s: float


@dataclass(frozen=True, slots=True)
class WorkerLook:
    """A worker at one moment.

    Attributes:
        state: ``"joining"``, ``"working"``, ``"idle"`` (a member without a partition), ``"left"``, ``"crashed"`` or
            ``"stopped"`` (by an error).
        generation: of the group, as its coordinator told this member; 0 before.
        partitions: what it holds, or held when it ended.
        committed: by partition, what it has committed.
        trouble: why it stopped, in one sentence.
    """

    name: str
    state: str = JOINING
    generation: int = 0
    partitions: tuple[int, ...] = ()
    num_handled: int = 0
    committed: Mapping[int, int] = field(default_factory=dict)
    trouble: str = ""


class Worker:
    """A consumer that reads, works on what it read at a certain speed, and commits what it has worked on.

    Args:
        link: to the cluster.
        name: its client id.
        topic: what it reads.
        settings: of the consumer, in kafka-python's names, group id included.
        records_per_s: how fast it works; None for as fast as it can.
        handled: takes a note of each record.
    """

    def __init__(
        self,
        link: Link,
        name: str,
        topic: str,
        *,
        settings: Mapping[str, Any],
        records_per_s: float | None,
        handled: deque[Handled],
    ) -> None:
        self.name = name
        self._topic = topic
        self._link = link
        self._settings = settings
        self._records_per_s = records_per_s
        self._handled = handled
        self._consumer: Any = None
        self._ending = ""
        self._due_s = 0.0
        self._ended = threading.Event()
        self.look = WorkerLook(name)
        self._background = Background(self._run, self._failed, link, name=f"worker {name}")

    @property
    def is_over(self) -> bool:
        """Whether its thread has ended."""
        return not self._background.alive

    def end(self, how: str) -> None:
        """Leave the group (``LEFT``) or fall silent (``CRASHED``), and wait until that has happened."""
        if self._ending or self.is_over:
            return
        self._ending = how
        self._background.stop()
        if not self.is_over:  # it waits for brokers that do not answer, and ends when it has waited long enough
            self.look = replace(self.look, state=how)

    # -- in its thread ---------------------------------------------------------------------------------------------

    def _run(self, background: Background) -> None:
        from kafka import KafkaConsumer

        self._consumer = KafkaConsumer(self._topic, **self._settings)
        try:
            # As the first member, kafka-python 3.0.12 stops its heartbeats if it learns of the topic after it joined.
            while not self._consumer.partitions_for_topic(self._topic) and background.goes_on(0.1):
                pass
            while background.goes_on(0):
                self._work(background)
        finally:
            self._close()

    def _work(self, background: Background) -> None:
        allowed = self._allowance()
        # A worker that is not due polls all the same, and takes nothing: that keeps it in its group.
        batches = self._poll(allowed)
        done: dict[Any, int] = {}
        for at, records in batches.items():
            for record in records:
                now_s = time.monotonic()
                self._handled.append(Handled(self.name, record.topic, record.partition, record.offset, now_s))
                done[at] = record.offset + 1
        if done and self._ending != CRASHED:
            self._commit(done)
        self._note(sum(len(records) for records in batches.values()), done)
        if allowed == 0:
            background.goes_on(0.02)

    def _allowance(self) -> int:
        if self._records_per_s is None:
            return 500
        now_s = time.monotonic()
        # Time that went by unused is not caught up: a worker has its speed and no more.
        self._due_s = max(self._due_s, now_s - max(0.5, 1.5 / self._records_per_s))
        allowed = int((now_s - self._due_s) * self._records_per_s)
        return allowed if allowed >= self._records_per_s / _BATCHES_PER_S else 0

    def _poll(self, allowed: int) -> dict[Any, Any]:
        if allowed == 0:
            self._consumer.pause(*self._consumer.assignment())
            self._consumer.poll(timeout_ms=_POLL_MS // 2)
            self._consumer.resume(*self._consumer.assignment())
            return {}
        batches: dict[Any, Any] = self._consumer.poll(timeout_ms=_POLL_MS, max_records=allowed)
        if self._records_per_s is not None:
            self._due_s += sum(len(records) for records in batches.values()) / self._records_per_s
        return batches

    def _commit(self, done: Mapping[Any, int]) -> None:
        from kafka.errors import CommitFailedError, KafkaTimeoutError
        from kafka.structs import OffsetAndMetadata

        try:
            offsets = {at: OffsetAndMetadata(offset, "", -1) for at, offset in done.items()}
            self._consumer.commit(offsets, timeout_ms=_COMMIT_MS)
        except CommitFailedError:  # the group went on without this one meanwhile; it joins again with the next poll
            return
        except KafkaTimeoutError:  # the next commit says how far it is by then
            return

    def _note(self, count: int, done: Mapping[Any, int]) -> None:
        metadata = self._consumer.group_metadata()
        partitions = tuple(sorted(at.partition for at in self._consumer.assignment()))
        is_member = metadata.generation_id > 0
        committed = {**self.look.committed, **{at.partition: offset for at, offset in done.items()}}
        self.look = replace(
            self.look,
            state=self._ending or (JOINING if not is_member else WORKING if partitions else IDLE),
            generation=max(0, metadata.generation_id),
            partitions=partitions,
            num_handled=self.look.num_handled + count,
            committed=committed,
        )

    def _close(self) -> None:
        if self._ending == CRASHED or self._link.is_gone:  # a goodbye to nobody would take its time
            crash(self._consumer)
        else:
            self._consumer.close(timeout_ms=3_000)
        self._consumer = None
        self.look = replace(self.look, state=self._ending or LEFT)

    def _failed(self, reason: str) -> None:
        if reason.startswith("INVALID_SESSION_TIMEOUT"):
            timeout_ms = self._settings["session_timeout_ms"]
            reason = (
                f"INVALID_SESSION_TIMEOUT: the brokers refuse a session timeout of {timeout_ms:,} ms. "
                "Use a longer one, 6_000 for example, or start them with a smaller group.min.session.timeout.ms."
            )
        self.look = replace(self.look, state=STOPPED, trouble=reason)
