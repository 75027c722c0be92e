"""nbgrader's own steps, several times faster: what it does anew for each step of each notebook is done once.

Nothing of what it decides is changed. Its preprocessors open a gradebook each, which connects, looks for thirteen
tables, and forgets how its statements read; they commit after every cell; and each cell's metadata is compared with a
schema that is itself compared with the schema of schemas before.

Source: nbgrader 0.9, api.py, nbgraderformat/common.py; jsonschema 4, `validate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace, TracebackType
from typing import Any

from autograder.pipeline import gradebook_file
from autograder.quick_imports import quick_imports

with quick_imports():
    from nbgrader.api import Gradebook
    from nbgrader.converters import autograde
    from nbgrader.nbgraderformat import common
    from nbgrader.preprocessors import latesubmissions, overwritecells, overwritekernelspec, saveautogrades
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session, scoped_session, sessionmaker
    from sqlalchemy.pool import NullPool

_OPENERS = (autograde, overwritecells, overwritekernelspec, saveautogrades, latesubmissions)
_JSONSCHEMA: Any = common.jsonschema


class QuickNbgrader:
    """What nbgrader's converters share, for as long as one batch takes."""

    def __init__(self) -> None:
        self._gradebooks: dict[tuple[Any, ...], _Held] = {}
        self._validators: list[tuple[Any, Any]] = []

    @contextmanager
    def steps(self) -> Iterator[None]:
        """Inside, nbgrader's steps use what is here."""
        before = [(module, module.Gradebook) for module in _OPENERS]
        for module, _ in before:
            module.Gradebook = self.gradebook
        common.jsonschema = SimpleNamespace(validate=self._validate)
        try:
            yield
        finally:
            common.jsonschema = _JSONSCHEMA
            for module, gradebook in before:
                module.Gradebook = gradebook

    def gradebook(self, db_url: str, course_id: str = "default_course") -> Any:
        """As `nbgrader.api.Gradebook`; a context that commits at its end."""
        key = (db_url, course_id)
        if key not in self._gradebooks:
            gradebook_file.wait(db_url)
            self._gradebooks[key] = _Held(db_url, course_id)
        return self._gradebooks[key]

    def _validate(self, instance: Any, schema: Any) -> None:
        """As `jsonschema.validate`, which would look at the schema each time."""
        validator = next((each for known, each in self._validators if known == schema), None)
        if validator is None:
            kind = _JSONSCHEMA.validators.validator_for(schema)
            kind.check_schema(schema)
            validator = kind(schema)
            self._validators.append((schema, validator))
        error = _JSONSCHEMA.exceptions.best_match(validator.iter_errors(instance))
        if error is not None:
            raise error


class _Lasting(Session):
    """A session whose commits wait for the end of the step; until then its reader sees what a commit would show."""

    def commit(self) -> None:
        """Write, but let it be undone still."""
        self.flush()
        self.expire_all()

    def end(self) -> None:
        """Commit."""
        super().commit()


class _Held(Gradebook):  # type: ignore[misc] # nbgrader has no type information
    """A gradebook that is ready for the next step when it is closed. No connection stays open between steps."""

    def __init__(self, db_url: str, course_id: str) -> None:
        super().__init__(db_url, course_id)  # makes what is missing
        super().close()
        self.engine = create_engine(db_url, poolclass=NullPool, **gradebook_file.patience(db_url))
        self.db = scoped_session(sessionmaker(self.engine, class_=_Lasting))
        self._released: dict[tuple[str, ...], Any] = {}

    def find_source_cell(self, *names: str) -> Any:
        """A cell as it was released; it stays so while a batch is graded."""
        return self._found("source", super().find_source_cell, names)

    def find_graded_cell(self, *names: str) -> Any:
        """A cell that has points, as it was released."""
        return self._found("graded", super().find_graded_cell, names)

    def _found(self, kind: str, find: Callable[..., Any], names: tuple[str, ...]) -> Any:
        if (kind, *names) not in self._released:
            found = self._released[kind, *names] = find(*names)
            self.db.expunge(found)
        return self._released[kind, *names]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Commit what the step did; what an error broke off leaves nothing behind."""
        try:
            if kind is None:
                self.db().end()
        finally:
            self.db.remove()
