"""A random life of a metadata quorum, from a seed: writes under crashes, cuts, losses, delays and pauses."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path

from kit.broker.deferred import Deferred
from kit.broker.raft.config import RaftConfig
from kit.wire.errors import BrokerError
from tests.unit.raft.harness import LAB, Judge, QuorumCluster, record

STEPS = 25
HASTY = RaftConfig(election_timeout_ms=20, fetch_timeout_ms=40, flush=False)  # many elections at the same time
HEALED_WITHIN_MS = 15_000


class Simulation:
    """One run.

    Attributes:
        judge: what was done, and what Raft forbids of it.
        acknowledged: the values that a leader said are committed.
    """

    def __init__(self, directory: Path, seed: int) -> None:
        self._random = random.Random(seed)
        voters = self._random.choice((1, 2, 3, 3, 3, 3, 4, 5))
        self.cluster = QuorumCluster(
            directory,
            voters=voters,
            observers=self._random.randint(0, 1),
            seed=seed,
            config=self._random.choice((LAB, HASTY)),
            codec_too=seed % 20 == 0,
        )
        self.judge: Judge = self.cluster.judge
        self.acknowledged: list[int] = []
        self._numbers = itertools.count()

    def run(self) -> None:
        """Live through faults, then heal and let everything come to rest."""
        self.cluster.start(eager=self._random.choice((1, None)))
        faults: list[Callable[[], None]] = [
            self._crash, self._restart, self._restart, self._isolate, self._cut_one_way, self._heal, self._heal,
            self._lose, self._slow, self._pause, self._resume, self._resume, self._resign,
        ]  # fmt: skip
        for _ in range(STEPS):
            self._write()
            self.cluster.run(self._random.choice((5, 50, 200, 600)))
            self._random.choice(faults)()
        self._come_to_rest()

    def _come_to_rest(self) -> None:
        cluster = self.cluster
        self._heal()
        self._resume()
        down = [node_id for node_id in cluster.node_ids if node_id not in cluster.members]
        if down:
            cluster.start(*down)
        written: list[Deferred[bool]] = []

        def committed() -> bool:
            if any(each.done and each.value for each in written):
                return True
            if all(each.done for each in written):
                written.append(cluster.write(next(self._numbers)))
            return False

        cluster.run_until(committed, HEALED_WITHIN_MS)
        cluster.run_until(lambda: all(self._has_all(node_id) for node_id in cluster.node_ids), HEALED_WITHIN_MS)
        cluster.close()

    def _has_all(self, node_id: int) -> bool:
        return len(self.cluster.values(node_id)) == len(self.judge.committed)

    def verdict(self) -> list[str]:
        """Everything that Raft forbids and that happened."""
        wrong = list(self.judge.wrong)
        committed = self.judge.committed
        lost = [value for value in self.acknowledged if value not in set(committed)]
        if lost:
            wrong.append(f"acknowledged and lost: {lost}")
        return wrong

    # -- what happens ------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        """On every node that believes it leads, be it right or not."""
        for member in list(self.cluster.members.values()):
            if member.replica.is_leader and not member.clock.is_paused:
                for _ in range(self._random.randint(1, 3)):
                    self._append(member.replica.append, member.replica.committed)

    def _append(self, append: Callable[..., int], committed: Callable[[int], Deferred[bool]]) -> None:
        values = [next(self._numbers) for _ in range(self._random.randint(1, 2))]
        try:
            offset = append([record(value) for value in values])
        except BrokerError:  # it had to resign meanwhile
            return
        committed(offset).then(lambda is_committed: self.acknowledged.extend(values if is_committed else ()))

    def _any_member(self) -> int | None:
        running = list(self.cluster.members)
        return self._random.choice(running) if running else None

    def _crash(self) -> None:
        node_id = self._any_member()
        if node_id is not None:
            self.cluster.crash(node_id)

    def _restart(self) -> None:
        down = [node_id for node_id in self.cluster.node_ids if node_id not in self.cluster.members]
        if down:
            self.cluster.start(self._random.choice(down))

    def _isolate(self) -> None:
        self.cluster.isolate(self._random.choice(self.cluster.node_ids))

    def _cut_one_way(self) -> None:
        a, b = self._random.choice(self.cluster.node_ids), self._random.choice(self.cluster.node_ids)
        self.cluster.cut([a], [b], one_way=True)

    def _heal(self) -> None:
        self.cluster.cuts.clear()
        self.cluster.loss = 0.0
        self.cluster.delay_ms = (1, 1)

    def _lose(self) -> None:
        self.cluster.loss = self._random.choice((0.05, 0.3))

    def _slow(self) -> None:
        self.cluster.delay_ms = self._random.choice(((1, 30), (50, 120), (1, 300)))

    def _pause(self) -> None:
        node_id = self._any_member()
        if node_id is not None:
            self.cluster.members[node_id].clock.pause()

    def _resume(self) -> None:
        for member in list(self.cluster.members.values()):
            if member.clock.is_paused:
                member.clock.resume()

    def _resign(self) -> None:
        leader = self.cluster.leader()
        if leader is not None:
            leader.resign()
