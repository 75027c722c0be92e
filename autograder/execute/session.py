"""A submission being run: its notebooks' cells in a kernel, then questions to it."""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from autograder import jail, kernel
from autograder.deadline import Deadline
from autograder.execute import words
from autograder.execute.outputs import Outputs, TooLargeError, cleaned
from autograder.jail import root_folder
from autograder.job import Answer, Job, Stop, Usage

Json = dict[str, Any]

_GRACE_S = 2.0  # for a cell that was interrupted to end
_LOOK_S = 0.25  # the longest wait in which nobody looks at the clock


class Session:
    """A submission in its jail. Made by `open_session`.

    Attributes:
        rung: of the jail.
        notebooks: file name -> notebook as JSON text, executed as far as it came.
        ran: the names of those that were run.
        stops: what was cut short, so far.
    """

    def __init__(
        self, job: Job, rung: str, scratch: Path, network: jail.Network | None, deadline: Deadline | None = None
    ) -> None:
        self.rung = rung
        self.notebooks: dict[str, str] = dict(job.notebooks)
        self.ran: set[str] = set()
        self.stops: list[Stop] = []
        self._budget = job.budget
        self._cage = jail.Cage(rung, job.budget, scratch, tuple(root_folder.python_places()), network)
        self._kernel: kernel.Kernel | None = None
        self._began_s = time.monotonic()
        self._deadline = deadline or Deadline(job.budget.total_s)
        self._requests = 0
        self._cpu_s = 0.0
        self._memory_bytes = 0
        self._where = ""
        self._killed = False
        self._using = threading.RLock()

    def run_notebook(self, name: str) -> str:
        """Run the cells of one notebook in a fresh kernel, which then waits for `call`.

        Returns:
            The notebook as JSON text. Cells that were not reached have no outputs; `stops` says why.
        """
        with self._using:
            return self._run_notebook(name)

    def _run_notebook(self, name: str) -> str:
        self.kill()
        self._killed = False
        self.ran.add(name)
        notebook: Json = json.loads(self.notebooks[name])
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        for cell in cells:
            cell["outputs"], cell["execution_count"] = [], None
        self._where = name
        try:
            self._kernel = kernel.start(self._cage)
        except jail.JailError as error:
            self._stop("start", str(error))
        outputs = Outputs(self._budget.output_bytes)
        for number, cell in enumerate(cells, 1):
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            if self._kernel is None:
                break
            if source.strip():
                self._where = words.place(name, number, cell)
                self._run_cell(source, cell, outputs)
        self.notebooks[name] = json.dumps(notebook, ensure_ascii=False, indent=1)
        return self.notebooks[name]

    def call(self, function: str, arguments: Sequence[Any] = (), timeout_s: float | None = None) -> Answer:
        """Ask the kernel of the notebook that was run last for ``function(*arguments)``.

        Args:
            timeout_s: how long it may take; the budget of a cell when None.

        Returns:
            The answer, whose ``probe`` is the function's name.
        """
        with self._using:
            return self._call(function, arguments, self._budget.cell_s if timeout_s is None else timeout_s)

    def _call(self, function: str, arguments: Sequence[Any], limit_s: float) -> Answer:
        if self._kernel is None:
            return Answer(function, error=words.NO_KERNEL)
        said: list[Json] = []

        def listen(message: Json) -> None:
            if message.get("type") in {"call_reply", "cut"}:
                said[:] = [message]  # the last one counts

        self._where = f"probe {function}"
        request = {"do": "call", "function": function, "arguments": list(arguments)}
        kind = self._ask(request, limit_s, listen)
        if kind is not None:
            return Answer(function, error=words.no_answer(kind, limit_s))
        return _answer(function, said, self._budget.output_bytes)

    def kill(self) -> None:
        """End the kernel, and everything that it started; another thread's `call` then has an error as its answer."""
        running = self._kernel
        if running is None:
            return
        self._killed = True
        running.stop()
        with self._using:
            if self._kernel is running:
                ended, self._kernel = running.kill(), None
                self._cpu_s += ended.cpu_s or 0.0
                self._memory_bytes = max(self._memory_bytes, ended.memory_bytes or 0)

    def usage(self) -> Usage:
        """What it cost so far; processor time and memory of kernels that have ended."""
        wall_s = round(time.monotonic() - self._began_s, 3)
        return Usage(wall_s, round(self._cpu_s, 3), self._memory_bytes or None)

    def _run_cell(self, source: str, cell: Json, outputs: Outputs) -> None:
        outputs.begin(cell)
        self._ask({"do": "execute", "code": source}, self._budget.cell_s, outputs.take)
        if outputs.was_cut and not any(stop.kind == "output" for stop in self.stops):
            self._stop("output", words.output(self._budget.output_bytes))

    def _ask(self, request: Json, limit_s: float, listen: Callable[[Json], None]) -> str | None:
        """Have the kernel do something; None when it came to its end, otherwise the kind of stop."""
        asked = self._kernel
        assert asked is not None
        self._requests += 1
        asked.send(request | {"request": self._requests})
        end_s = self._deadline.end_s
        until_s, interrupted = min(time.monotonic() + limit_s, end_s), False
        while True:
            now = time.monotonic()
            if now >= until_s:
                if interrupted or now >= end_s:
                    return self._end("total_time" if now >= end_s else "stubborn", limit_s)
                asked.interrupt()
                interrupted, until_s = True, now + _GRACE_S
            try:
                message = asked.receive(min(_LOOK_S, until_s - now) if now < until_s else 0)
            except kernel.FrameError as error:
                return self._end("output", limit_s, str(error))
            if message is None:
                if asked.ended is not None:
                    return self._end("died", limit_s)
            elif message.get("request") == self._requests and isinstance(message.get("type"), str):
                if message.get("type") == "idle_reply":
                    break
                listen(message)
        if interrupted:
            self._stop("cell_time", words.cell_time(limit_s))
            return "cell_time"
        return None

    def _end(self, kind: str, limit_s: float, detail: str = "") -> str:
        """Kill the kernel, and say why."""
        asked = self._kernel
        assert asked is not None
        on_purpose = self._killed
        self.kill()
        if on_purpose:
            return "killed"
        ended = asked.ended or kernel.Ended()
        if kind == "died" and ended.refused:
            kind, sentence = "start", f"No jail could be made: {ended.refused}."
        elif kind == "died":
            kind, sentence = words.death(ended, self._budget)
        elif kind == "output":
            sentence = words.flood(detail)
        elif kind == "total_time":
            sentence = words.total_time(self._deadline.total_s)
        else:
            kind, sentence = "cell_time", words.stubborn(limit_s)
        self._stop(kind, sentence)
        return kind

    def _stop(self, kind: str, sentence: str) -> None:
        self.stops.append(Stop(kind, self._where, sentence))


@contextlib.contextmanager
def open_session(
    job: Job, network: jail.Network | None = None, *, rung: str | None = None, deadline: Deadline | None = None
) -> Iterator[Session]:
    """Open a submission in the strongest jail that holds here; everything of it is gone afterwards.

    Args:
        job: the submission.
        network: of the cluster that its notebooks work with; None for no network at all.
        rung: the one to use, for whoever tries rungs that are not the strongest.
        deadline: of the whole submission, where it has more sessions than this one.

    Raises:
        JailError: nothing as strong as ``job.weakest_rung`` holds here.
    """
    rung = rung or jail.strongest(job.weakest_rung)
    with tempfile.TemporaryDirectory(prefix="autograder-", ignore_cleanup_errors=True) as folder:
        scratch = Path(folder) / "work"
        scratch.mkdir()
        for name, content in job.files.items():
            path = scratch / _inside(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        session = Session(job, rung, scratch, network, deadline)
        try:
            yield session
        finally:
            session.kill()


def _inside(name: str) -> PurePosixPath:
    """A relative path that stays in its folder; intake has seen to it, and this is the last place to look."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise jail.JailError(f"the file name {name!r} does not stay in the submission's folder")
    return path


def _answer(function: str, said: list[Json], most_bytes: int) -> Answer:
    """What a reply says, of which nothing is believed."""
    if said and said[0].get("type") == "cut":
        return Answer(function, error=words.too_long(most_bytes))
    content = said[0].get("content") if said else None
    if not isinstance(content, dict):
        return Answer(function, error=words.NO_REPLY)
    text, error = content.get("json"), content.get("error")
    if isinstance(error, str):
        return Answer(function, error=words.line(error))
    if not isinstance(text, str):
        return Answer(function, error=words.NO_REPLY)
    if len(text) > most_bytes:
        return Answer(function, error=words.too_long(most_bytes))
    try:
        value = kernel.decode(('{"value":' + text + "}").encode())
        if set(value) != {"value"}:
            return Answer(function, error=words.NO_REPLY)
        return Answer(function, value=cleaned(value["value"]))
    except TooLargeError as error:
        return Answer(function, error=words.no_number(error))
    except (ValueError, kernel.FrameError):
        return Answer(function, error=words.NO_JSON)
