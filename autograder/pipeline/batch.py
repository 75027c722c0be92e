"""Many submissions through a pool: each is graded once, and none can harm another or end the batch."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any

from autograder.intake import ReleaseError
from autograder.job import seed_of
from autograder.judge.script import JudgeError
from autograder.pipeline import keys
from autograder.pipeline.course import Course, GradingError, stop_if_unusable
from autograder.pipeline.doubts import Doubts
from autograder.pipeline.ledger import Entry, Ledger
from autograder.pipeline.pool import BrokenExecutor, Pool
from autograder.pipeline.submission import FORGEABLE, Desk, LinkError, Prepared, Recorded
from autograder.pipeline.work import Execute, Performed, perform
from autograder.quizzes.marking import WITHHELD

_ARENA_TIMES = 5  # its budget: a run that hangs is played up to four times, and clusters need time of their own
_PATIENCE_S = 120.0  # beyond a submission's own budget: starting workers, judging


@dataclass
class Progress:
    """What happens, for whoever shows it.

    Attributes:
        total: submissions that are to be graded.
        unchanged: submissions that were graded before and are as they were.
        reasons: why the others are to be graded, and how many for each.
        statuses: how many results there are of each; the results themselves are in the ledger.
        for_people: the students whose results, new or unchanged, a person should look at.
        until_marked: those of them for whom that ends when nothing is open in formgrader.
    """

    total: int = 0
    unchanged: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    for_people: set[str] = field(default_factory=set)
    until_marked: set[str] = field(default_factory=set)

    def add(self, entry: Entry) -> None:
        """Count a result."""
        self.statuses[entry.status] += 1
        self.look(entry)

    def look(self, entry: Entry) -> None:
        """Note whether a person should look at it."""
        if entry.needs_human:
            self.for_people.add(entry.student)
        if entry.until_marked:
            self.until_marked.add(entry.student)


@dataclass
class _Try:
    """A submission on its way, and how often it has been begun."""

    student: str
    key: str
    count: int = 0
    prepared: Prepared | None = None


class Batch:
    """The submissions of one assignment.

    Args:
        desk: where they are prepared and recorded.
        pool: where they run.
        ledger: where results are kept.
        execute: a stand-in for `autograder.execute.execute`, in tests.
    """

    def __init__(self, desk: Desk, pool: Pool, ledger: Ledger, execute: Execute | None = None) -> None:
        self._desk = desk
        self._pool = pool
        self._ledger = ledger
        self._execute = execute
        self._waiting: deque[_Try] = deque()
        self._suspects: deque[_Try] = deque()
        self._running: dict[Future[Performed], _Try] = {}
        self._tell: Callable[[Entry], object] = lambda _: None
        self._doubts: Doubts[tuple[_Try, Performed]] = Doubts(is_sound=False)

    def choose(self, students: Iterable[str], *, since: float = 0.0, again: bool = True) -> Progress:
        """Find what is to be graded: all that the ledger does not have as it is now.

        Args:
            since: older results do not count, in seconds since 1970.
            again: grade once more what failed.
        """
        latest = self._ledger.latest(self._desk.assignment.name)
        recorded = self._recorded()
        parts = self._assignment_keys()
        progress = Progress()
        for student in students:
            key, entry = keys.joined(self._work_key(student), *parts), latest.get(student)
            why = keys.difference(None if entry is None else entry.key, key)
            if entry is not None and not why:
                why = self._why_again(entry, student in recorded, since, again=again)
            if entry is None or why:
                self._waiting.append(_Try(student, key))
                progress.reasons[why] += 1
            else:
                progress.unchanged += 1
                progress.look(entry)
        progress.total = len(self._waiting)
        judged = [each.key for each in latest.values() if each.status == "graded"]
        is_sound = any(keys.is_judged_by(key, *parts) for key in judged)
        self._doubts = Doubts(is_sound=is_sound, was_sound=bool(judged))
        return progress

    def run(self, tell: Callable[[Entry], object]) -> None:
        """Grade what was chosen; ``tell`` hears of each result when it is on the disk.

        Raises:
            GradingError: no submission can be run at all, or the judge can judge none.
            KeyboardInterrupt: somebody stopped it. What is done is done; the rest is for the next time.
        """
        self._tell = tell
        try:
            while self._waiting or self._suspects or self._running:
                self._fill()
                self._collect()
            self._fail_judged(self._doubts.end())
        finally:
            self._pool.close()

    def _fill(self) -> None:
        # One more than there are workers, so that none waits while this process records.
        while self._waiting and not self._suspects and len(self._running) < self._pool.workers + 1:
            self._begin(self._waiting.popleft())
        if self._suspects and not self._running:  # alone, so that it is known whose fault it is
            self._begin(self._suspects.popleft())

    def _begin(self, one: _Try) -> None:
        try:
            if one.prepared is None:
                one.prepared = self._desk.prepare(one.student)
        except (ReleaseError, JudgeError) as error:  # of the assignment, so the same for every submission
            raise GradingError(str(error)) from error
        except Exception as error:  # noqa: BLE001 - whatever a submission does here, the others go on
            stop_if_unusable(error)
            self._fail(one, f"it could not be prepared: {_told(error)}")
            return
        if one.prepared.job is None:
            self._finish_nothing(one)
            return
        try:
            future = self._pool.submit(perform, one.prepared.job, self._desk.script, self._execute)
        except BrokenExecutor:  # by one of those that run; this one has not begun
            self._waiting.appendleft(one)
            self._after_break(list(self._running.values()))
            return
        one.count += 1
        self._running[future] = one

    def _collect(self) -> None:
        if not self._running:
            return
        assignment = self._desk.assignment
        patience_s = assignment.budget.total_s * (1 if assignment.arena is None else _ARENA_TIMES) + _PATIENCE_S
        done, _ = wait(self._running, timeout=patience_s, return_when=FIRST_COMPLETED)
        if not done:
            self._after_break(list(self._running.values()))
            return
        broken = []
        for future in done:
            one = self._running.pop(future)
            try:
                performed = future.result()
            except BrokenExecutor:
                broken.append(one)
            except Exception as error:  # noqa: BLE001 - what a worker raises is told, and the others go on
                self._after_error(one, error)
            else:
                self._record(one, performed)
        if broken:
            self._after_break([*broken, *self._running.values()])

    def _after_break(self, lost: list[_Try]) -> None:
        """A worker died: nobody knows whose fault it was, so each that was running is tried once more, alone."""
        self._running.clear()
        self._pool.renew()
        for one in lost:
            if one.count > 1:
                self._fail(one, "its worker ended twice, or did not answer in time; it was not graded.")
            else:
                self._suspects.append(one)

    def _after_error(self, one: _Try, error: Exception) -> None:
        if one.count > 1:
            self._fail(one, f"it could not be run: {_told(error)}")
        else:
            self._suspects.append(one)

    def _record(self, one: _Try, performed: Performed) -> None:
        prepared = one.prepared
        assert prepared is not None  # it ran
        if performed.outcome.rung is None:
            why = performed.outcome.stops[0].sentence if performed.outcome.stops else "Nobody knows why."
            self._fail(one, f"it was not run. {why}", performed)
            return
        if performed.trouble:
            self._fail_judged(self._doubts.add(one.student, performed.trouble, (one, performed)))
            return
        self._fail_judged(self._doubts.judged())
        if one.count == 1 and _arena_failed(performed):
            self._suspects.append(one)
            return
        try:
            recorded = self._desk.record(prepared, performed)
        except Exception as error:  # noqa: BLE001 - whatever a submission does here, the others go on
            stop_if_unusable(error)
            self._fail(one, f"it could not be recorded: {_told(error)}", performed)
            return
        self._finish(self._entry(one, "graded", performed, recorded))

    def _finish_nothing(self, one: _Try) -> None:
        try:
            recorded = self._desk.record_nothing(one.student, is_gone=True)
        except Exception as error:  # noqa: BLE001 - whatever a submission does here, the others go on
            stop_if_unusable(error)
            self._fail(one, f"it could not be recorded: {_told(error)}")
            return
        self._finish(self._entry(one, "nothing", recorded=recorded))

    def _fail(self, one: _Try, trouble: str, performed: Performed | None = None) -> None:
        try:
            self._desk.record_nothing(one.student, is_gone=False)
        except Exception as error:  # noqa: BLE001 - it has failed already; this is only added to what is said
            stop_if_unusable(error)
            trouble = f"{trouble} Its older marks, if any, are still there: {_told(error)}"
        self._finish(self._entry(one, "failed", performed, trouble=trouble))

    def _fail_judged(self, stopped: list[tuple[_Try, Performed]]) -> None:
        for one, performed in stopped:
            self._fail(one, performed.trouble, performed)

    def _finish(self, entry: Entry) -> None:
        self._ledger.append(entry)
        self._tell(entry)

    def _entry(
        self,
        one: _Try,
        status: str,
        performed: Performed | None = None,
        recorded: Recorded | None = None,
        trouble: str = "",
    ) -> Entry:
        assignment = self._desk.assignment
        intake = one.prepared.intake if one.prepared else None
        found = (*intake.refused, *intake.flags) if intake else ()
        details: dict[str, Any] = {}
        if performed is not None:
            outcome = performed.outcome
            details = {"rung": outcome.rung, "usage": outcome.usage, "stops": outcome.stops}
        lines = [str(flag) for flag in found] + list(recorded.lines if recorded else ())
        is_strange = (
            status != "graded"
            or any(flag.needs_human for flag in found)
            or (recorded is not None and recorded.needs_human)
            or (performed is not None and _arena_failed(performed))
        )
        is_asked = recorded is not None and (
            recorded.asks_for_marks or any(score.needs_human for score in recorded.scores)
        )
        return Entry(
            key=one.key,
            student=one.student,
            assignment=assignment.name,
            status=status,
            judging=assignment.judging,
            seed=seed_of(one.student, assignment.name),
            scores=recorded.scores if recorded else (),
            flags=tuple(lines),
            needs_human=is_strange or is_asked,
            until_marked=is_asked and not is_strange,
            trouble=trouble,
            at=round(time.time(), 3),
            **details,
        )

    def _recorded(self) -> set[str]:
        with self._desk.course.gradebook() as gradebook:
            return {each.student_id for each in gradebook.assignment_submissions(self._desk.assignment.name)}

    def _why_again(self, entry: Entry, is_recorded: bool, since: float, *, again: bool) -> str:
        """Why a result does not do although nothing has changed; empty when it does."""
        if entry.at < since:
            return "--force"
        if again and entry.status == "failed":
            return "failed before"
        place = self._desk.course.folder("autograded", entry.assignment, entry.student)
        if not is_recorded or not (entry.status == "nothing" or entry.trouble or place.is_dir()):
            return "not in the gradebook or in autograded/ any more"
        if self._desk.attempts_are_over and any(WITHHELD in score.reason for score in entry.scores):
            return "the attempts are over"
        return ""

    def _assignment_keys(self) -> tuple[str, str]:
        course, assignment = self._desk.course, self._desk.assignment
        folders = (self._desk.release, course.folder("source", assignment.name), assignment.folder)
        cluster = (assignment.arena or {}).get("cluster")
        return keys.of_assignment(folders, self._desk.weakest_rung, cluster), keys.of_autograder(assignment)

    def _work_key(self, student: str) -> str:
        name = self._desk.assignment.name
        try:
            submission = self._desk.course.folder("submitted", name, student)
            earlier = self._desk.earlier_answers(student)
            return keys.of_submission(submission, self._desk.release, seed_of(student, name), earlier)
        except ReleaseError as error:
            raise GradingError(str(error)) from error


def open_ledger(course: Course) -> Ledger:
    """The ledger of a course."""
    return Ledger(course.state / "ledger.jsonl")


def note_of(entry: Entry) -> str:
    """What every report of this result must say about how far it can be trusted; empty where there is nothing."""
    return FORGEABLE if entry.judging == "asserts" else ""


def _arena_failed(performed: Performed) -> bool:
    """Whether a run with a cluster did not come to its end through no fault of the student's."""
    return any(each.get("problem") or not each.get("is_complete", True) for each in performed.outcome.evidence)


def _told(error: BaseException) -> str:
    if isinstance(error, LinkError):
        return f"{error}."
    words = " ".join(str(error).split())[:300] or "no message"
    return f"{type(error).__name__}: {words}".rstrip(".") + "."
