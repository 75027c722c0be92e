"""The team and its buttons."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import traitlets

from kit import cells
from kit.widgets._assets import script, style
from kit.widgets._background import Background, ClusterLike, Link
from kit.widgets._text_twin import TextTwin
from kit.widgets.workers.worker import CRASHED, ENDED, LEFT, STOPPED, Handled, Worker, WorkerLook

_HERE = Path(__file__).parent
MOST_WORKERS = 8
_MOST_SHOWN = 16
_MOST_HANDLED = 20_000
_REDRAW_S = 0.4
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
            return [name for name, worker in self._workers.items() if worker.look.state not in ENDED]

    @property
    def shares(self) -> dict[str, list[int]]:
        """Of those that run, which partitions each believes to hold."""
        with self._lock:
            return {name: list(self._workers[name].look.partitions) for name in self.names}

    def add(self, count: int = 1) -> list[str]:
        """Let more of them join; gives their names.

        Raises:
            ValueError: there would be more than `MOST_WORKERS`.
        """
        with self._lock:
            if count < 1 or len(self.names) + count > MOST_WORKERS:
                raise ValueError(f"{count} more is not possible: there are {len(self.names)}, {MOST_WORKERS} at most.")
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

    def leave(self, name: str | None = None) -> str:
        """Send one home: it closes its consumer, which tells the group. The youngest if no name is given.

        Raises:
            ValueError: there is none of that name.
        """
        return self._end(name, LEFT, "has left and told its group")

    def crash(self, name: str | None = None) -> str:
        """Let one die without a word, as ``kill -9`` or a power cut would. The youngest if no name is given.

        Raises:
            ValueError: there is none of that name.
        """
        return self._end(
            name,
            CRASHED,
            f"has crashed without a word; its group gives it up after {self._session_timeout_ms / 1000:g} s of silence",
        )

    def scale(self, count: int) -> dict[str, list[int]]:
        """Let workers join, or the youngest leave, until there are ``count``, and wait as `settle` does.

        Raises:
            ValueError: that many are not possible.
            TimeoutError: it takes too long.
        """
        if not 0 <= count <= MOST_WORKERS:
            raise ValueError(f"{count} workers are not possible: 0 to {MOST_WORKERS} are.")
        while len(self.names) > count:
            self.leave()
        if len(self.names) < count:
            self.add(count - len(self.names))
        return self.settle() if count else {}

    def settle(self, timeout_s: float = _PATIENCE_S) -> dict[str, list[int]]:
        """Wait until all of them are members and every partition is held by one of them; gives who holds what.

        Raises:
            TimeoutError: it takes too long.
        """
        self.wait(self._is_settled, timeout_s)
        return self.shares

    def wait(self, reached: Callable[[], Any], timeout_s: float = _PATIENCE_S) -> None:
        """Wait until ``reached()`` is true.

        Raises:
            TimeoutError: it takes too long, or the cluster is gone.
        """
        give_up_s = time.monotonic() + timeout_s
        while not reached():
            if time.monotonic() > give_up_s or not self._background.alive or self._trouble:
                raise TimeoutError(f"It does not happen, or takes more than {timeout_s:.0f} s.\n{self}")
            time.sleep(0.02)

    def look(self, name: str) -> WorkerLook:
        """One worker as it is now, or was when it ended.

        Raises:
            KeyError: there was none of that name.
        """
        with self._lock:
            return self._workers[name].look

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
        except ValueError as error:
            self._say(str(error))

    @property
    def _trouble(self) -> str:
        """Why one of them stopped by itself, in one sentence; empty when none did."""
        with self._lock:
            looks = [worker.look for worker in self._workers.values()]
        return next((look.trouble for look in looks if look.state == STOPPED), "")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _is_settled(self) -> bool:
        with self._lock:
            looks = [self._workers[name].look for name in self.names]
        held = sorted(number for look in looks for number in look.partitions)
        generations = {look.generation for look in looks}
        return bool(looks) and 0 not in generations and len(generations) == 1 and held == self._all_partitions()

    def _all_partitions(self) -> list[int]:
        cluster = self._link.cluster
        topics = {} if cluster is None else cluster.topics([self.topic], wait=False)
        return [each.partition for each in topics[self.topic].partitions] if self.topic in topics else []

    def _end(self, name: str | None, how: str, words: str) -> str:
        with self._lock:
            name = name or (self.names or [""])[-1]
            worker = self._workers.get(name)
            if worker is None or name not in self.names:
                raise ValueError(
                    f"No worker {name!r} runs: choose from {', '.join(self.names) or 'none, add one first'}."
                )
        worker.end(how)
        self._say(f"{name} {words}.")
        return name

    def _forget(self) -> None:
        """Those that ended long ago make room."""
        over = [name for name, worker in self._workers.items() if worker.look.state in ENDED]
        for name in over[: max(0, len(self._workers) - _MOST_SHOWN + 1)]:
            del self._workers[name]

    def _say(self, sentence: str) -> None:
        self._said = sentence
        self._show()

    def _run(self, background: Background) -> None:
        while background.goes_on(_REDRAW_S):
            self._show()

    def _failed(self, reason: str) -> None:
        self._say(f"The workers have stopped. {reason}")

    def _show(self) -> None:
        with self._lock:
            looks = [worker.look for worker in self._workers.values()]
            picture = {
                "title": f"Workers of group {self.group_id} on {self.topic}",
                "said": self._trouble or self._said,
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
                    for look in looks
                ],
            }
            if picture != self.picture:
                self.picture = picture
