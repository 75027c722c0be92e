"""An nbgrader course: its folder, its configuration, its converters' class, loaded without a 1.5 s detour."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.pipeline import gradebook_file
from autograder.quick_imports import quick_imports

STATE = ".autograder"  # the folder of a course that has what this package remembers
_CONFIG = "nbgrader_config"
_ANY = "any student"  # in the place of a name, to see where it stands in a path


class CourseError(Exception):
    """The course cannot be worked with. The text says why and what to do, in one line."""


class GradingError(Exception):
    """Nothing can be graded. The text says why and what to do, in one line."""


@dataclass(frozen=True)
class Course:
    """A course.

    Attributes:
        root: its folder, absolute.
        config: nbgrader's configuration (traitlets), from nbgrader_config.py.
        opener: opens the gradebook for an address and a course's name; nbgrader's own way when None.
        home: the folder of nbgrader_config.py, where that names another one for the course.
    """

    root: Path
    config: Any
    opener: Callable[[str, str], Any] | None = None
    home: Path | None = None

    @property
    def state(self) -> Path:
        """Where this package keeps its ledger; only the instructor may look."""
        folder = self.root / STATE
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    @property
    def db_url(self) -> str:
        """Where the gradebook is."""
        return str(self.directory().db_url)

    def directory(self, **traits: Any) -> Any:
        """Nbgrader's CourseDirectory, with some of its traits set."""
        with quick_imports():
            from nbgrader.coursedir import CourseDirectory
        return CourseDirectory(config=self.config, root=str(self.root), **traits)

    def folder(self, step: str, assignment: str, student: str = ".") -> Path:
        """The folder of one step ("source", "release", "submitted", "autograded", "feedback"), by nbgrader's rules."""
        directory = self.directory()
        name = getattr(directory, f"{step}_directory")
        return Path(os.path.normpath(directory.format_path(name, student, assignment)))

    def students(self, assignment: str) -> list[str]:
        """Who handed something in."""
        place = parent = self.folder("submitted", assignment, _ANY)  # whose folder is the last, or one above it
        while parent.name != _ANY and parent not in {self.root, parent.parent}:
            parent = parent.parent
        if parent.name != _ANY:
            raise CourseError("nbgrader's directory_structure must have a folder for each student.")
        home = parent.parent
        if not home.is_dir():
            return []
        names = sorted(entry.name for entry in os.scandir(home) if entry.is_dir() and not entry.name.startswith("."))
        below = str(place.relative_to(parent))
        return [name for name in names if os.path.lexists(home / name / below.replace(_ANY, name))]

    @contextmanager
    def gradebook(self) -> Iterator[Any]:
        """Nbgrader's Gradebook, made if there is none yet."""
        with quick_imports():
            from nbgrader.api import Gradebook
        directory = self.directory()
        if self.opener is None:  # others wait themselves
            gradebook_file.wait(directory.db_url)
        with (self.opener or Gradebook)(directory.db_url, directory.course_id) as gradebook:
            yield gradebook


def open_course(folder: Path) -> Course:
    """The course in ``folder``, with the configuration that nbgrader would use.

    Raises:
        CourseError: there is none, or its configuration cannot be loaded.
    """
    root = folder.resolve()
    if not (root / f"{_CONFIG}.py").is_file() and not (root / "source").is_dir():
        raise CourseError(
            f"{root} is no nbgrader course: it has neither nbgrader_config.py nor source/. "
            "Go there, or say --course FOLDER."
        )
    _put_tools_on_path()
    # nbgrader's gradebook shows a traceback there before it raises the same error, which is then told in a sentence.
    logging.getLogger("tornado.application").addFilter(_is_not_of_gradebook)
    config = _load_config(root)
    course = config.CourseDirectory.root if "root" in config.CourseDirectory else root
    return Course(Path(course).resolve(), config, home=root)


def converter_config(course: Course, assignment: Assignment | None = None) -> Any:
    """A copy of the configuration for converters: files that can be written again, the assignment's late policy.

    Raises:
        CourseError: the assignment has no policy of its own, and the course's plugin for late work cannot be had.
    """
    from traitlets.config import Config

    config = Config(course.config)
    if assignment is not None and assignment.late is None:
        _import_late_plugin(course)
    if assignment is not None and assignment.late is not None:
        late = assignment.late
        config.AssignLatePenalties.plugin_class = "autograder.late.LinearLatePenalty"
        config.LinearLatePenalty.grace_hours = late.grace_s / 3600
        config.LinearLatePenalty.percent_per_day = late.share_per_day * 100
        config.LinearLatePenalty.by_whole_days = late.by_whole_days
        config.LinearLatePenalty.most_percent = late.most_share * 100
    return config


def _import_late_plugin(course: Course) -> None:
    """Import the plugin that nbgrader will look for by its name: it may lie in the course's folder, as with nbgrader.

    Nothing else is looked for there, so that no process of a submission learns of that folder.

    Source: nbgrader 0.9, apps/baseapp.py, where the current folder comes first on the path.
    """
    name = course.config.AssignLatePenalties.get("plugin_class")
    if not isinstance(name, str):
        return
    with quick_imports():
        from nbgrader.plugins import BasePlugin
    before = list(sys.path)
    sys.path[:0] = [str(folder) for folder in (course.home, course.root) if folder is not None]
    module, _, cls = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), cls)
        if not (isinstance(found, type) and issubclass(found, BasePlugin)):
            raise TypeError("it is no class that inherits from nbgrader's LateSubmissionPlugin")
    except Exception as error:  # the instructor's own code can fail in any way
        words = " ".join(str(error).split()).rstrip(".") or "no message"
        raise CourseError(
            f"nbgrader_config.py names {name!r} as plugin_class of AssignLatePenalties, and that cannot be used: "
            f"{type(error).__name__}: {words}. Put its module beside nbgrader_config.py, or name one that is installed."
        ) from error
    finally:
        sys.path[:] = before


def quiet_log() -> logging.Logger:
    """A logger for nbgrader's converters that nobody hears: they warn about each hidden test of each student."""
    log = logging.getLogger("autograder.nbgrader")
    log.propagate = False
    log.setLevel(logging.CRITICAL)
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    return log


def stop_if_unusable(error: BaseException | None) -> None:
    """End what is done when the disk is full or the gradebook locked: no submission's fault, and must cost none marks.

    Raises:
        GradingError: one of them is so.
    """
    if why := gradebook_file.trouble(error):
        raise GradingError(f"{why}, and `autograder resume` goes on.") from error


def _is_not_of_gradebook(record: logging.LogRecord) -> bool:
    return record.module != "api"


def _load_config(root: Path) -> Any:
    from jupyter_core.paths import jupyter_config_path
    from traitlets.config.loader import Config, ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

    config = Config()
    for folder in (*reversed(jupyter_config_path()), str(root)):
        for loader in (PyFileConfigLoader(f"{_CONFIG}.py", folder), JSONFileConfigLoader(f"{_CONFIG}.json", folder)):
            try:
                config.merge(loader.load_config())
            except ConfigFileNotFound:
                continue
            except Exception as error:  # the instructor's own code can fail in any way
                words = " ".join(str(error).split()) or type(error).__name__
                raise CourseError(f"{loader.full_filename} cannot be loaded: {words}.") from error
    return config


def _put_tools_on_path() -> None:
    """Let nbgrader find ``alembic``, which it runs when it makes the gradebook, also where no environment is active."""
    tools = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if tools not in path.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([tools, path])
