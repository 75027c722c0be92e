"""Makes the pages of many students at once, each within its time; a page that is not done by then is made plainly."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from autograder.assignment import read_assignment
from autograder.pipeline.bounded import Bounded, SpentError
from autograder.pipeline.course import open_course
from autograder.pipeline.feedback import Feedback

LIMIT_S = 20.0
"""Processor time for a page."""
Made = tuple[str, list[str], Exception | None]
_WORTH_IT = 4  # pages for which one more process, which takes two seconds to begin, is worth it


class PageMakers:
    """Processes that make pages.

    Args:
        root: the course's folder.
        workers: how many at a time, at most.
        limit_s: processor time for a page.
        make: a function of a module, called in each with the course's folder and the assignment: makes a `Feedback`,
            or a stand-in for it in tests.
    """

    def __init__(
        self,
        root: Path,
        assignment: str,
        workers: int,
        *,
        limit_s: float = LIMIT_S,
        make: Callable[..., Any] | None = None,
    ) -> None:
        self._workers = workers
        self._limit_s = limit_s
        self._make = make or feedback_of
        self._arguments = (str(root), assignment)
        self._idle: queue.SimpleQueue[Bounded] = queue.SimpleQueue()

    def make(self, students: list[str]) -> Generator[Made, None, None]:
        """Make the pages of all of them.

        Yields:
            For each, as soon as it has them: the student, which were made plainly, and why there are none.
        """
        num = min(self._workers, -(-len(students) // _WORTH_IT))
        if not num:
            return
        makers = [Bounded(self._limit_s, self._make, *self._arguments) for _ in range(num)]
        for maker in makers:
            self._idle.put(maker)
        threads = ThreadPoolExecutor(num)
        try:
            names = {threads.submit(self._pages, student): student for student in students}
            for done in as_completed(names):
                yield names[done], *_result(done)
        finally:
            for maker in makers:
                maker.close()
            threads.shutdown(cancel_futures=True)

    def _pages(self, student: str) -> list[str]:
        maker = self._idle.get()
        try:
            plain = []
            for notebook in maker.call("notebooks", student):
                try:
                    maker.call("write", student, notebook, False)
                except SpentError:
                    maker.call("write", student, notebook, True)
                    plain.append(notebook)
            return plain
        finally:
            self._idle.put(maker)


def feedback_of(root: str, assignment: str) -> Feedback:
    """Nbgrader's pages, in a process that knows nothing yet."""
    return Feedback(open_course(Path(root)), read_assignment(Path(root), assignment))


def _result(done: Future[list[str]]) -> tuple[list[str], Exception | None]:
    try:
        return done.result(), None
    except Exception as error:  # noqa: BLE001 - one page that cannot be written is not the others' fault
        return [], error
