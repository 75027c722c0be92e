"""One failure of the failure matrix, brought about on a cluster, and what became of one record of each row."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from kafka import KafkaAdminClient, KafkaProducer

from kit.cluster import Cluster
from kit.errors import ScenarioError
from kit.lessons.failure_matrix import RESULTS_TOPIC, Row, Seen, rows_of
from kit.scenarios.clients import Sent
from kit.scenarios.stage import Stage

Tell = Callable[[str], None]

BROKERS, CONTROLLERS = 3, 1  # what it needs


def run_failure(cluster: Cluster, failure: str, tell: Tell) -> list[Seen]:
    """Try a failure on all of its rows, each with a topic and a producer of its own.

    All brokers run and all links are whole before and after. What was seen is left in the results topic too.

    Args:
        tell: gets one sentence for each thing that is done.

    Raises:
        ScenarioError: the cluster does not have what is needed, or something did not happen within 30 seconds.
        ClusterClosedError: the cluster is closed.
    """
    _check(cluster)
    rows = rows_of(failure)
    with Stage(cluster) as stage:
        run = _Run(stage, rows, tell)
        seen = {"A": run.one_follower, "B": run.two_followers, "C": run.leader, "D": run.behind}[failure]()
        tell("Everything is mended. Now the log is read.")
        report, logs = stage.end()
        lost = report.counts.get("lost-write", 0)
        tell(f"kit.history: {lost or 'no'} acknowledged record{'s' * (lost != 1)} lost.")
        kept = {topic: {value for _partition, _offset, value in log} for topic, log in logs.items()}
        found = [replace(each, in_log=each.value in kept[each.topic]) for each in seen]
    _leave(cluster, found)
    return found


def _check(cluster: Cluster) -> None:
    ids = {broker.node_id for broker in cluster.brokers}
    if len(ids) < BROKERS or cluster.controller in ids:
        raise ScenarioError(
            f"The matrix kills two brokers of three, so it needs {BROKERS} brokers and a controller that is none of "
            f"them: kit.start(brokers={BROKERS}, controllers={CONTROLLERS})."
        )


class _Run:
    """The rows of one failure on a stage: every row has a topic led by the same broker."""

    def __init__(self, stage: Stage, rows: Sequence[Row], tell: Tell) -> None:
        self.stage = stage
        self.rows = rows
        self.tell = tell
        self.leader_id, *self.followers = stage.broker_ids[:3]
        tell(f"Making {len(rows)} topics that broker {self.leader_id} leads.")
        self.topics = {
            row.number: stage.topic(f"matrix-{row.number}", [self._replicas(row)], **row.configs) for row in rows
        }
        self.writers = {row.number: stage.writer(f"row {row.number}", **_options(row)) for row in rows}
        for row in rows:  # so that every producer knows the leader before anything goes wrong
            self._write(row)

    def one_follower(self) -> list[Seen]:
        """A: kill a follower."""
        self._kill_followers(1)
        return self._seen({row.number: self._write(row) for row in self.rows})

    def two_followers(self) -> list[Seen]:
        """B: kill both."""
        self._kill_followers(2)
        return self._seen({row.number: self._write(row) for row in self.rows})

    def leader(self) -> list[Seen]:
        """C: cut the leader off, write, kill it."""
        self.tell(f"Cutting broker {self.leader_id} off from the other brokers.")
        self.stage.cluster.isolate(self.leader_id)
        self._tell_writing()
        with ThreadPoolExecutor(len(self.rows)) as pool:
            # Those that must wait for followers get their answer from the next leader only.
            waiting = {row.number: pool.submit(self._write, row) for row in self.rows if self._waits(row)}
            sent = {row.number: self._write(row) for row in self.rows if not self._waits(row)}
            self.tell(f"Killing broker {self.leader_id}.")
            self.stage.cluster.kill(self.leader_id)
            next_leaders = {row.number: self._next_leader(row) for row in self.rows}
            sent |= _results(waiting)
        self.tell(f"Starting broker {self.leader_id} again.")
        isr = {row.number: self._replicas(row) for row in self.rows}
        return self._seen(sent, next_leaders=next_leaders, isr=isr)

    def behind(self) -> list[Seen]:
        """D: kill both followers, write, kill the leader, start a follower."""
        self._kill_followers(2)
        sent = {row.number: self._write(row) for row in self.rows}
        isr = {row.number: [self.leader_id] for row in self.rows}
        first = self.followers[0]
        self.tell(f"Killing broker {self.leader_id}, then starting broker {first}, which lacks the record.")
        self.stage.cluster.kill(self.leader_id)
        self.stage.cluster.restart(first)
        # First where somebody will lead: then what would have happened to the others has happened too.
        ordered = sorted(self.rows, key=lambda row: not row.unclean)
        next_leaders = {row.number: self._next_leader(row) for row in ordered}
        return self._seen(sent, next_leaders=next_leaders, isr=isr)

    # -- parts of them -------------------------------------------------------------------------------------------------

    def _replicas(self, row: Row) -> list[int]:
        return [self.leader_id, *self.followers][: row.replication_factor]

    @staticmethod
    def _waits(row: Row) -> bool:
        return row.acks == "all" and row.replication_factor > 1

    def _write(self, row: Row) -> Sent:
        [sent] = self.writers[row.number].write(self.topics[row.number])
        return sent

    def _tell_writing(self) -> None:
        self.tell(f"Sending one record to each of {len(self.rows)} topics.")

    def _kill_followers(self, number: int) -> None:
        dead = self.followers[:number]
        self.tell(f"Killing {' and '.join(f'broker {each}' for each in dead)}.")
        for broker_id in dead:
            self.stage.cluster.kill(broker_id)
        for row in self.rows:
            self.stage.wait_for_isr(self.topics[row.number], set(self._replicas(row)) - set(dead))
        self._tell_writing()

    def _next_leader(self, row: Row) -> int | None:
        """Who leads after the leader's death; somebody does if an in-sync replica, or an unclean one, is alive."""
        topic, dead = self.topics[row.number], self.leader_id
        if row.unclean or self._in_sync_elsewhere(row):
            return self.stage.wait_for(topic, lambda now: now.leader not in {dead, None}, "another leader").leader
        return self.stage.wait_for(topic, lambda now: now.leader != dead, "no leader").leader

    def _in_sync_elsewhere(self, row: Row) -> bool:
        return row.failure == "C" and row.replication_factor > 1

    def _seen(
        self,
        sent: dict[int, Sent],
        *,
        next_leaders: dict[int, int | None] | None = None,
        isr: dict[int, list[int]] | None = None,
    ) -> list[Seen]:
        in_sync = isr or {row.number: list(self.stage.now(self.topics[row.number]).isr) for row in self.rows}
        return [
            Seen(
                row=row.number,
                topic=self.topics[row.number],
                value=answer.value,
                error=answer.error or "",
                offset=answer.offset if row.acks != "0" else None,
                isr=tuple(in_sync[row.number]),
                leader=self.leader_id,
                next_leader=(next_leaders or {}).get(row.number),
                in_log=False,  # decided at the end
            )
            for row in self.rows
            for answer in [sent[row.number]]
        ]


def _options(row: Row) -> dict[str, Any]:
    acks: int | str = row.acks if row.acks == "all" else int(row.acks)
    options: dict[str, Any] = {"acks": acks, "enable_idempotence": row.acks == "all"}
    if row.failure in {"A", "B"}:  # else it would try again until the broker is back, and the answer not be seen
        options |= {"retries": 0, "enable_idempotence": False}
    return options


def _results(waiting: dict[int, Future[Sent]]) -> dict[int, Sent]:
    return {number: future.result() for number, future in waiting.items()}


def _leave(cluster: Cluster, found: Sequence[Seen]) -> None:
    """Write down what was seen where a check can find it."""
    wanted = {RESULTS_TOPIC: {"num_partitions": 1, "replication_factor": BROKERS}}
    with contextlib.closing(KafkaAdminClient(**cluster.client_settings)) as admin:
        if RESULTS_TOPIC not in admin.list_topics():
            admin.create_topics(wanted, wait_for_metadata=True)
    with contextlib.closing(KafkaProducer(**cluster.client_settings)) as producer:
        for each in found:
            producer.send(RESULTS_TOPIC, key=str(each.row).encode(), value=each.as_json().encode()).get(30)
