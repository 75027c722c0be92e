"""The team and its buttons."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import traitlets

from kit import cells
from kit.errors import ClusterClosedError, WorkersError, WorkersTimeoutError
from kit.plain_errors import plainly
from kit.widgets._assets import script, style
from kit.widgets._background import Background, ClusterLike, Link
from kit.widgets._text_twin import TextTwin
from kit.widgets.workers.worker import CRASHED, ENDED, LEFT, STOPPED, Handled, Worker, WorkerLook

_HERE = Path(__file__).parent
MOST_WORKERS = 8
_MOST_KEPT = 16
_MOST_ENDED_SHOWN = 5
_MOST_HANDLED = 20_000
_REDRAW_S = 0.4
_GONE = (
    "The workers have stopped: the cluster is closed, or no broker answers. "
    "Run its kit.start or kit.connect again, then the cells after it."
)
_PATIENCE_S = 60.0


class Workers(TextTwin):
    """Consumers of one group that can be added, sent home and crashed, by buttons or from Python.

    Each is an ordinary ``KafkaConsumer`` in a thread of its own. It commits after it has worked on what it read.

    Args:
        cluster: where they connect.
        topic: what they read; it must be there, or come.
        group_id: their group. Their client ids are the group's name and a number.
        records_per_s: how fast each of them works; None for as fast as it can.
        session_timeout_ms: after how much silence the group gives one of them up. The brokers allow no less than their
            ``group.min.session.timeout.ms``.
    """

    _esm = script("workers", _HERE)
    _css = style("workers", _HERE)

    picture = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        cluster: ClusterLike,
        topic: str,
        group_id: str,
        *,
        records_per_s: float | None = None,
        session_timeout_ms: int = 3_000,
    ) -> None:
        cells.close_earlier()
        self.topic = topic
        self.group_id = group_id
        self.handled: deque[Handled] = deque(maxlen=_MOST_HANDLED)
        self._records_per_s = records_per_s
        self._session_timeout_ms = session_timeout_ms
        self._link = Link(cluster)
        self._settings = {
            **self._link.client_settings,
            "group_id": group_id,
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            "session_timeout_ms": session_timeout_ms,
            "heartbeat_interval_ms": max(100, session_timeout_ms // 10),
            "allow_auto_create_topics": False,
            # Not an answer for each record that arrives: that would keep the computer busier than the lesson.
            "fetch_min_bytes": 65_536,
            "fetch_max_wait_ms": 150,
        }
        self._numbers = itertools.count(1)
        self._workers: dict[str, Worker] = {}
        self._lock = threading.RLock()
        self._said = ""
        self._is_over = False
        super().__init__()
        self._show()
        self.on_msg(self._received)
        self._background = Background(self._run, self._failed, self._link, name=f"workers of {group_id}")
        cells.remember(self)

    # -- from Python -----------------------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """Of those that run, the oldest first."""
        with self._lock:
            return [look.name for look in self._looks() if look.state not in ENDED]

    @property
    def shares(self) -> dict[str, list[int]]:
        """Of those that run, which partitions each believes to hold."""
        with self._lock:
            return {name: list(self._workers[name].look.partitions) for name in self.names}

    @plainly
    def add(self, count: int = 1) -> list[str]:
        """Let more of them join; gives their names.

        Raises:
            WorkersError: there would be more than `MOST_WORKERS`.
            ClusterClosedError: the cluster is closed, or no broker answers.
        """
        self._check_open()
        with self._lock:
            if not _is_number(count) or count < 1 or len(self.names) + count > MOST_WORKERS:
                raise WorkersError(
                    f"{count!r} more is not possible: there are {len(self.names)}, {MOST_WORKERS} at most."
                )
            self._forget()
            added = [f"{self.group_id}-{next(self._numbers)}" for _ in range(count)]
            for name in added:
                settings = {**self._settings, "client_id": name}
                self._workers[name] = Worker(
                    self._link,
                    name,
                    self.topic,
                    settings=settings,
                    records_per_s=self._records_per_s,
                    handled=self.handled,
                )
        self._say(f"{', '.join(added)} {'joins' if count == 1 else 'join'}.")
        return added

    @plainly
    def leave(self, name: str | None = None) -> str:
        """Send one home: it closes its consumer, which tells the group. The youngest if no name is given.

        Raises:
            WorkersError: there is none of that name.
            ClusterClosedError: the cluster is closed, or no broker answers: all of them ended with it.
        """
        return self._end(name, LEFT, "has left and told its group")

    @plainly
    def crash(self, name: str | None = None) -> str:
        """Let one die without a word, as ``kill -9`` or a power cut would. The youngest if no name is given.

        Raises:
            WorkersError: there is none of that name.
            ClusterClosedError: the cluster is closed, or no broker answers: all of them ended with it.
        """
        return self._end(
            name,
            CRASHED,
            f"has crashed without a word; its group gives it up after {self._session_timeout_ms / 1000:g} s of silence",
        )

    @plainly
    def scale(self, count: int) -> dict[str, list[int]]:
        """Let workers join, or the youngest leave, until there are ``count``, and wait as `settle` does.

        Raises:
            WorkersError: that many are not possible.
            WorkersTimeoutError: it takes too long.
            ClusterClosedError: the cluster is closed, or no broker answers.
        """
        if not _is_number(count) or not 0 <= count <= MOST_WORKERS:
            raise WorkersError(f"{count!r} workers are not possible: 0 to {MOST_WORKERS} are.")
        self._check_open()
        for name in reversed(self.names[count:]):
            self.leave(name)
        if len(self.names) < count:
            self.add(count - len(self.names))
        return self.settle() if count else {}

    def settle(self, timeout_s: float = _PATIENCE_S) -> dict[str, list[int]]:
        """Wait until all of them are members and every partition is held by one of them; gives who holds what.

        Raises:
            WorkersTimeoutError: it takes too long, or one of them stopped by itself.
            ClusterClosedError: the cluster is closed, or no broker answers.
        """
        self.wait(self._is_settled, timeout_s)
        return self.shares

    @plainly
    def wait(self, reached: Callable[[], Any], timeout_s: float = _PATIENCE_S) -> None:
        """Wait until ``reached()`` is true.

        Raises:
            WorkersTimeoutError: it takes too long, or one of them stopped by itself.
            ClusterClosedError: the cluster is closed, or no broker answers.
        """
        give_up_s = time.monotonic() + timeout_s
        while not reached():
            self._check_open()
            if self._trouble or time.monotonic() > give_up_s:
                reason = self._trouble or f"It takes more than {timeout_s:.0f} s."
                raise WorkersTimeoutError(f"What is waited for does not happen. {reason}\n{self}")
            time.sleep(0.02)

    def look(self, name: str) -> WorkerLook:
        """One worker as it is now, or was when it ended.

        Raises:
            WorkersError: there was none of that name.
        """
        looks = {look.name: look for look in self._looks()}
        if name not in looks:
            raise WorkersError(f"No worker {name!r} was there: choose from {', '.join(looks) or 'nobody'}.")
        return looks[name]

    def counts(self) -> dict[str, int]:
        """How many records each of them has worked on, those included that are gone."""
        with self._lock:
            return {name: worker.look.num_handled for name, worker in self._workers.items()}

    def doubled(self) -> dict[tuple[int, int], int]:
        """Partition and offset of the records that were worked on more than once, and how often."""
        counted = Counter((each.partition, each.offset) for each in list(self.handled))
        return {place: times for place, times in sorted(counted.items()) if times > 1}

    def close(self) -> None:
        """Send all home and remove the buttons."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.end(LEFT)
        self._background.stop()
        super().close()

    def __str__(self) -> str:
        self._show()
        lines = [f"Workers of group {self.group_id} on {self.topic}. {self.picture['said']}".rstrip()]
        lines += [
            f"  {each['name']}: {each['state']}, partitions {each['holds'] or 'none'}, {each['handled']:,} records"
            for each in self.picture["workers"]
        ]
        return "\n".join(lines)

    # -- from the browser ------------------------------------------------------------------------------------------

    def _received(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if not isinstance(message, Mapping):
            return
        actions: dict[str, Callable[[], object]] = {
            "add": self.add,
            "leave": lambda: self.leave(str(message.get("name"))),
            "crash": lambda: self.crash(str(message.get("name"))),
        }
        action = actions.get(str(message.get("type")))
        if action is None:
            return
        try:
            action()
        except (WorkersError, ClusterClosedError) as error:
            self._say(str(error))

    @property
    def _trouble(self) -> str:
        """Why one of them stopped by itself, in one sentence; empty when none did."""
        looks = self._looks()
        return next((look.trouble for look in looks if look.state == STOPPED), "")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _is_settled(self) -> bool:
        looks = [look for look in self._looks() if look.state not in ENDED]
        held = sorted(number for look in looks for number in look.partitions)
        generations = {look.generation for look in looks}
        return bool(looks) and 0 not in generations and len(generations) == 1 and held == self._all_partitions()

    def _all_partitions(self) -> list[int]:
        cluster = self._link.cluster
        topics = {} if cluster is None else cluster.topics([self.topic], wait=False)
        return [each.partition for each in topics[self.topic].partitions] if self.topic in topics else []

    def _looks(self) -> list[WorkerLook]:
        """All of them, the oldest first. Without a cluster none of them runs, whatever its thread still waits for."""
        with self._lock:
            looks = [worker.look for worker in self._workers.values()]
        if not self._is_over:
            return looks
        return [look if look.state in ENDED else replace(look, state=STOPPED) for look in looks]

    def _check_open(self) -> None:
        if self._is_over or self._link.is_gone:
            raise ClusterClosedError(_GONE)

    def _end(self, name: str | None, how: str, words: str) -> str:
        self._check_open()
        with self._lock:
            name = name or (self.names or [""])[-1]
            worker = self._workers.get(name)
            if worker is None or name not in self.names:
                raise WorkersError(
                    f"No worker {name!r} runs: choose from {', '.join(self.names) or 'none, add one first'}."
                )
        worker.end(how)
        self._say(f"{name} {words}.")
        return name

    def _forget(self) -> None:
        """Those that ended long ago make room."""
        over = [name for name, worker in self._workers.items() if worker.look.state in ENDED]
        for name in over[: max(0, len(self._workers) - _MOST_KEPT + 1)]:
            del self._workers[name]

    def _say(self, sentence: str) -> None:
        self._said = sentence
        self._show()

    def _run(self, background: Background) -> None:
        while background.goes_on(_REDRAW_S):
            self._show()

    def _failed(self, reason: str) -> None:
        self._is_over = True
        self._say(_GONE if self._link.is_gone else f"The workers have stopped. {reason}")

    def _show(self) -> None:
        with self._lock:
            if self._link.is_gone and not self._is_over:  # whoever notices it first, one of the workers or this
                self._is_over, self._said = True, _GONE
            looks = self._looks()
            ended = [look for look in looks if look.state in ENDED]
            shown = [look for look in looks if look not in ended[:-_MOST_ENDED_SHOWN]]
            picture = {
                "title": f"Workers of group {self.group_id} on {self.topic}",
                "said": self._said if self._is_over else self._trouble or self._said,
                "over": self._is_over,
                "ended_before": len(looks) - len(shown),
                "full": len(self.names) >= MOST_WORKERS,
                "workers": [
                    {
                        "name": look.name,
                        "state": look.state,
                        "generation": look.generation,
                        "holds": ", ".join(map(str, look.partitions)),
                        "handled": look.num_handled,
                        "runs": look.state not in ENDED,
                    }
                    for look in shown
                ],
            }
            if picture != self.picture:
                self.picture = picture


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
