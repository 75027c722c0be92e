"""What a course remembers of its releases, in ``.autograder/released/<assignment>.json``.

`release` and `grade` write it. Whoever works with a release that was corrected later did nothing wrong: see
`autograder.intake.earlier`.
"""

from __future__ import annotations

from pathlib import Path

from autograder.intake import earlier
from autograder.intake.limits import Limits
from autograder.intake.release import ReleaseError, read_release
from autograder.pipeline.course import STATE, Course


def earlier_releases(course: Course, assignment: str) -> earlier.Earlier:
    """What releases of an assignment had that are remembered; nothing is written."""
    return earlier.read(_file(course.root / STATE, assignment))


def remember_release(course: Course, assignment: str) -> earlier.Earlier:
    """Remember the release that is there, if one is; what is known of all of them.

    Raises:
        OSError: it cannot be written.
    """
    try:
        there = read_release(course.folder("release", assignment), Limits())
    except ReleaseError:  # whoever compares with it says so
        return earlier_releases(course, assignment)
    return earlier.remember(_file(course.state, assignment), there)


def _file(state: Path, assignment: str) -> Path:
    return state / "released" / f"{assignment}.json"
