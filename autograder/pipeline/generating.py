"""nbgrader's ``generate_assignment`` beside the release that is there, with its own error in one sentence.

Source: nbgrader 0.9, converters/base.py (which removes what is there when it begins and again when it fails, and tells
why only in its log) and converters/generate_assignment.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autograder.pipeline.course import STATE, Course, GradingError, converter_config, quiet_log
from autograder.quick_imports import quick_imports

with quick_imports():
    from nbgrader.converters import GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.preprocessors import SaveCells

_BESIDE = f"{STATE}/release"  # nbgrader works here; what is in release/ stays until this is complete
_SEES_LOG = "the above failures"  # in nbgrader's words where its log has the reason


class _Generate(GenerateAssignment):  # type: ignore[misc] # nbgrader has no type information
    """It remembers what went wrong, and where."""

    trouble = ""

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Files beside the notebooks, and the gradebook's rows."""
        with self._remembered(""):
            super().init_assignment(assignment_id, student_id)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """One notebook through all of nbgrader's steps."""
        with self._remembered(Path(notebook_filename).name):
            super().convert_single_notebook(notebook_filename)

    @contextmanager
    def _remembered(self, file: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            where = ", ".join(filter(None, (file, _cell_of(error))))
            self.trouble = ": ".join(filter(None, (where, _words(error) + _changed(error))))
            raise

    def run_post_convert_hook(self) -> None:
        """Not yet: see `after`."""

    def after(self) -> None:
        """The course's own hook, which looks for the release where students get it from."""
        super().run_post_convert_hook()


def generate(course: Course, assignment: str, finish: Callable[[Path], object]) -> None:
    """Let nbgrader make a release, which takes the place of the one that is there when it is complete.

    Args:
        finish: does to the new one's folder what nbgrader does not.

    Raises:
        GradingError: nbgrader could not. The release is as it was; the gradebook, too, unless it was what refused.
    """
    place = course.folder("release", assignment)
    made = Path(os.path.normpath(course.directory().format_path(_BESIDE, ".", assignment)))
    try:
        # Once without the gradebook, which would keep what one step has written when a later one fails.
        for rehearses in (True, False):
            shutil.rmtree(made, ignore_errors=True)
            converter = _run(course, assignment, rehearses=rehearses)
        finish(made)
        _put_in_place(course, made, place)
    finally:
        shutil.rmtree(course.root / _BESIDE, ignore_errors=True)
    with contextlib.chdir(course.root):
        converter.after()


def _put_in_place(course: Course, made: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if course.directory().groupshared and (mode := place.parent.stat().st_mode) & 0o2770 != 0o2770:
        with contextlib.suppress(PermissionError):  # it is another instructor's
            place.parent.chmod(mode & 0o7777 | 0o2770)
    new, old = (place.with_name(f".{place.name}.{age}") for age in ("new", "old"))
    for each in (new, old):
        shutil.rmtree(each, ignore_errors=True)
    try:
        shutil.copytree(made, new)  # so it is of the group that release/ is of, and on the same disk
        if place.exists():
            place.rename(old)
        new.rename(place)
    except BaseException:
        if old.exists() and not place.exists():
            old.rename(place)
        raise
    finally:
        for each in (new, old):
            shutil.rmtree(each, ignore_errors=True)


def _run(course: Course, assignment: str, *, rehearses: bool) -> _Generate:
    config = converter_config(course)
    if rehearses:
        config.GenerateAssignment.no_database, config.SaveCells.enabled = True, False
    directory = course.directory(assignment_id=assignment, release_directory=_BESIDE)
    converter = _Generate(coursedir=directory, config=config, log=quiet_log(), force=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of SQLAlchemy about nbgrader's own use of its database
            converter.start()
    except (NbGraderException, OSError, ValueError) as error:
        why = converter.trouble if converter.trouble and _SEES_LOG in str(error) else _words(error)
        stays = " The release that was there is as it was." if course.folder("release", assignment).is_dir() else ""
        raise GradingError(f"nbgrader could not make the release of {assignment}: {why.rstrip('.')}.{stays}") from error
    return converter


def _words(error: BaseException) -> str:
    # Of an error in the gradebook, what the database said; the rest is SQL.
    return " ".join(str(getattr(error, "orig", None) or error).split()) or type(error).__name__


def _cell_of(error: BaseException) -> str:
    """The cell that a step of nbgrader's was at work on: its name, or its number, counted from 1."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        values = frame.f_locals
        if frame.f_code.co_name == "preprocess_cell" and "cell" in values:
            name = values["cell"]["metadata"].get("nbgrader", {}).get("grade_id")
            index = values["cell_index" if "cell_index" in values else "index"]
            return f"cell {name!r}" if name else f"cell number {index + 1}"
    return ""


def _changed(error: BaseException) -> str:
    """Which cells are not those that submissions were graded with, where nbgrader refuses to forget them."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        step = frame.f_locals.get("self")
        if isinstance(step, SaveCells) and frame.f_code.co_name == "_create_notebook":
            old, new = (
                {
                    name
                    for kind in ("grade", "solution", "task", "source")
                    for name in getattr(step, f"{age}_{kind}_cells", ())
                }
                for age in ("old", "new")
            )
            kinds = {"new": new - old, "gone": old - new}
            told = "; ".join(f"{kind}: {', '.join(sorted(names))}" for kind, names in kinds.items() if names)
            return f" ({told}). Give cells the names and kinds they had, or make this another assignment"
    return ""
