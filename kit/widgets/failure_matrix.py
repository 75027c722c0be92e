"""The failure matrix: predict for each row what becomes of a record, then really run it."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import traitlets

from kit import cells
from kit.cluster import Cluster, start
from kit.errors import ArgumentError, KitError
from kit.lessons import failure_matrix as lesson
from kit.lessons.failure_matrix import FAILURES, ROWS, Seen
from kit.plain_errors import plainly
from kit.scenarios.failure_runs import BROKERS, CONTROLLERS, run_failure
from kit.widgets._assets import script, style
from kit.widgets._background import Background, ClusterGoneError, Link
from kit.widgets._text_twin import TextTwin

_NAMES = tuple(failure.name for failure in FAILURES)
_ALL = "all"
_LOOK_S = 0.05
_HINT = "Predict the rows of a failure, then press its Run button."


@dataclass
class _Memory:
    """What is known of one cluster's matrix; it outlives a widget, so that a cell may be run again."""

    predictions: dict[int, str] = field(default_factory=dict)
    first: dict[int, str] = field(default_factory=dict)
    """What was predicted when a row was run for the first time."""
    seen: dict[int, Seen] = field(default_factory=dict)


_memories: weakref.WeakKeyDictionary[Cluster, _Memory] = weakref.WeakKeyDictionary()


class FailureMatrix(TextTwin):
    """Twelve rows of replication factor, acks, `min.insync.replicas` and a failure: predict each, then run it.

    A run makes topics of its own, kills real brokers and mends everything. What it shows is what the producers were
    told and what the logs hold afterwards.

    Args:
        cluster: where; three brokers and a controller of its own. None starts one, which ends with the widget.
        predictions: to begin with, by row; those made before on the same cluster are kept otherwise.
    """

    _esm = script("failure_matrix")
    _css = style("failure_matrix")

    matrix = traitlets.Dict().tag(sync=True)  # what does not change
    chosen = traitlets.Dict().tag(sync=True)  # by row as text, for JSON has no other keys
    feed = traitlets.Dict().tag(sync=True)

    def __init__(self, cluster: Cluster | None = None, predictions: Mapping[int, str] | None = None) -> None:
        cells.close_earlier()
        self._own = start(brokers=BROKERS, controllers=CONTROLLERS) if cluster is None else None
        known: Cluster = cluster if cluster is not None else self._own  # type: ignore[assignment]
        self._link = _Link(known)
        self._memory = _memories.setdefault(known, _Memory())
        self._memory.predictions |= lesson.cleaned(predictions)
        self._states: dict[str, str] = dict.fromkeys(_NAMES, "open")
        self._steps: dict[str, list[str]] = {name: [] for name in _NAMES}
        self._status = _HINT
        self._lock = threading.RLock()
        self._running: Background | None = None
        self._is_closed = False
        super().__init__(matrix=_matrix(), chosen=_as_text(self._memory.predictions))
        self._states = {name: self._at_rest(name) for name in _NAMES}
        if self._memory.seen:
            self._status = self._summary()
        self._show()
        self.observe(self._predicted, "chosen")
        self.on_msg(self.receive)
        cells.remember(self)

    # -- for a notebook ------------------------------------------------------------------------------------------------

    @property
    def cluster(self) -> Cluster | None:
        """Where the rows are run; None when it is gone."""
        return self._link.cluster

    @property
    def predictions(self) -> dict[int, str]:
        """What you said, by row."""
        return dict(self._memory.predictions)

    @property
    def outcomes(self) -> dict[int, str]:
        """What came out, by row; rows that were not run are left out."""
        return {number: lesson.outcome(seen) for number, seen in sorted(self._memory.seen.items())}

    @property
    def alive(self) -> bool:
        """Whether something is being run."""
        running = self._running
        return running is not None and running.alive

    @property
    def text(self) -> str:
        """The matrix in words."""
        return "\n".join([*map(self._line, ROWS), self.feed["status"]])

    def __str__(self) -> str:
        return self.text

    def predict(self, row: int, word: str) -> None:
        """Set or change the prediction of a row: "taken and kept", "refused" or "may be lost".

        Raises:
            ArgumentError: there is no such row, or no such word.
        """
        found = lesson.cleaned({row: word})
        if not found:
            words = ", ".join(f'"{each}"' for each in lesson.WORDS)
            raise ArgumentError(
                f"Row {row!r}, {word!r}: rows are 1 to {len(ROWS)}, and a prediction is one of {words}."
            )
        self.chosen = _as_text(self._memory.predictions | found)

    @plainly
    def run(self, failure: str | None = None) -> None:
        """Run the rows of a failure ("A" to "D") and wait for it; None for all rows that were not run yet.

        Raises:
            ArgumentError: there is no such failure.
        """
        if failure is not None and failure not in _NAMES:
            raise ArgumentError(f"There is no failure {failure!r}: they are called {', '.join(_NAMES)}.")
        self._wait()
        waiting = [name for name in _NAMES if self._states[name] != "done"]
        self._begin(waiting if failure is None else [failure])
        self._wait()

    def close(self) -> None:
        """Remove the matrix. What is being run is mended first."""
        self._is_closed = True
        if self._running is not None:
            self._running.stop()
        if self._own is not None:
            self._own.close()
        super().close()

    # -- from the browser ----------------------------------------------------------------------------------------------

    def _predicted(self, change: Any) -> None:
        found = lesson.cleaned(change["new"])
        with self._lock:
            self._memory.predictions.clear()
            self._memory.predictions.update(found)
            if self._memory.seen and not self.alive:
                self._status = self._summary()
        if _as_text(found) != change["new"]:
            self.chosen = _as_text(found)
        self._show()

    def receive(self, _widget: Any, message: Any, _buffers: Any) -> None:
        """A message from the browser: a Run button was pressed."""
        if not isinstance(message, Mapping) or message.get("type") != "run":
            return
        name = message.get("failure")
        if name == _ALL:
            self._begin([each for each in _NAMES if self._is_predicted(each)])
        elif name in _NAMES:
            self._begin([name])

    def _is_predicted(self, name: str) -> bool:
        return all(row.number in self._memory.predictions for row in lesson.rows_of(name))

    # -- running -------------------------------------------------------------------------------------------------------

    def _begin(self, names: Sequence[str]) -> None:
        with self._lock:
            if not names or self.alive or self._is_closed:
                return
            for name in names:
                self._states[name], self._steps[name] = "waiting", []
            self._running = Background(
                lambda running: self._run(running, names), self._failed, self._link, name="failure matrix"
            )
        self._show()

    def _run(self, running: Background, names: Sequence[str]) -> None:
        for name in names:
            if not running.goes_on(0):
                return
            cluster = self._link.cluster
            if cluster is None:
                raise ClusterGoneError
            self._states[name] = "running"
            self._tell(name, "Making sure that every broker runs.")
            try:
                found = run_failure(cluster, name, self._teller(name))
            except KitError as error:
                self._failed(str(error).splitlines()[0])
                return
            with self._lock:
                for seen in found:
                    self._memory.first.setdefault(seen.row, self._memory.predictions.get(seen.row, ""))
                    self._memory.seen[seen.row] = seen
                self._states[name] = "done"
                self._status = self._summary()
            self._show()

    def _wait(self) -> None:
        """Until nothing is being run. May be interrupted; the run then goes on to its end."""
        while self.alive:
            time.sleep(_LOOK_S)

    def _teller(self, name: str) -> Callable[[str], None]:
        return lambda sentence: self._tell(name, sentence)

    def _tell(self, name: str, sentence: str) -> None:
        with self._lock:
            self._steps[name].append(sentence)
            self._status = f"Failure {name}: {sentence}"
        self._show()

    def _failed(self, reason: str) -> None:
        with self._lock:
            for name, state in self._states.items():
                if state in {"running", "waiting"}:
                    self._states[name] = self._at_rest(name)
            self._status = f"The run has stopped. {reason}"
        self._show()

    def _at_rest(self, name: str) -> str:
        return "done" if all(row.number in self._memory.seen for row in lesson.rows_of(name)) else "open"

    # -- showing -------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        with self._lock:
            if self._is_closed:
                return
            rows = {
                str(number): {
                    "outcome": lesson.outcome(seen),
                    "why": lesson.why(seen),
                    "right": self._memory.predictions.get(number) == lesson.outcome(seen),
                    "topic": seen.topic,
                }
                for number, seen in self._memory.seen.items()
            }
            self.feed = {
                "rows": rows,
                "failures": {name: {"state": self._states[name], "steps": list(self._steps[name])} for name in _NAMES},
                "status": self._status,
                "score": self._score(),
                "python": lesson.as_python(self._memory.predictions),
            }

    def _summary(self) -> str:
        wrong = lesson.wrong(self._memory.predictions, self._memory.seen)
        if len(self._memory.seen) < len(ROWS):
            return f"{len(self._memory.seen)} of {len(ROWS)} rows were run."
        if lesson.missing(self._memory.predictions):
            return "All rows were run. Predict those that are open, and you see what came out."
        if wrong:
            return f"All rows were run. Not as you said: {lesson.in_words(wrong)}. Read why, and change what you think."
        return "All rows were run, and each came out as you said."

    def _score(self) -> str:
        ran = {number: word for number, word in self._memory.first.items() if word}
        if not ran:
            return f"{len(self._memory.predictions)} of {len(ROWS)} predicted"
        first = sum(word == lesson.outcome(self._memory.seen[number]) for number, word in ran.items())
        return f"at first {first} of {len(ran)} right"

    def _line(self, row: lesson.Row) -> str:
        said = self._memory.predictions.get(row.number, "nothing")
        seen = self._memory.seen.get(row.number)
        came = "not run yet" if seen is None else "run; predict it, and you see what came out"
        if seen is not None and row.number in self._memory.predictions:
            came = f"{lesson.outcome(seen)}. {lesson.why(seen)}"
        unclean = ", unclean election allowed" if row.unclean else ""
        return (
            f"{row.number}. {row.failure}, replication factor {row.replication_factor}, acks={row.acks}, "
            f"min.insync.replicas={row.min_insync_replicas}{unclean}: you said {said}; {came}"
        )


class _Link(Link):
    """Gone when the cluster is closed, and not when the matrix has killed all of its brokers."""

    @property
    def cluster(self) -> Cluster | None:
        """The cluster; None when nobody has it any more."""
        return cast("Cluster | None", self._cluster())

    @property
    def is_gone(self) -> bool:
        """Whether nobody has the cluster any more."""
        return self._cluster() is None


def _matrix() -> dict[str, Any]:
    return {
        "words": list(lesson.WORDS),
        "failures": [
            {
                "name": failure.name,
                "title": failure.title,
                "text": failure.text,
                "rows": [
                    {
                        "number": row.number,
                        "rf": row.replication_factor,
                        "acks": row.acks,
                        "min": row.min_insync_replicas,
                        "unclean": row.unclean,
                    }
                    for row in lesson.rows_of(failure.name)
                ],
            }
            for failure in FAILURES
        ],
    }


def _as_text(predictions: Mapping[int, str]) -> dict[str, str]:
    return {str(number): word for number, word in sorted(predictions.items())}
