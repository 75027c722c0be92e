"""A whole submission: files taken, notebooks repaired, and what is to be said about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.intake import json_text, notebook
from autograder.intake.choosing import Choosing
from autograder.intake.earlier import Earlier
from autograder.intake.flags import Flag, Flags, Kind, shown
from autograder.intake.limits import Limits
from autograder.intake.release import Release, ReleasedNotebook, read_release
from autograder.intake.repair import repaired
from autograder.intake.taking import take
from autograder.intake.times import TIMESTAMP, read_time, text_of, written


@dataclass(frozen=True)
class Intake:
    """A submission that can be graded.

    Attributes:
        files: everything but the release's notebooks: path with slashes -> content.
        notebooks: the release's notebooks, repaired: file name -> nbformat 4.5, only what JSON can hold.
        flags: what was repaired, and what a human should look at.
        refused: what was left out. A notebook of the release that is here, or missing, is not in ``notebooks``;
            nbgrader gives 0 points for it.
    """

    files: Mapping[str, bytes]
    notebooks: Mapping[str, Mapping[str, Any]]
    flags: tuple[Flag, ...]
    refused: tuple[Flag, ...]

    def lines(self) -> list[str]:
        """Everything for the instructor, a plain line each; empty for honest work."""
        return [str(flag) for flag in (*self.refused, *self.flags)]

    def write(self, folder: Path) -> None:
        """Write the clean copy into ``folder``, which must not exist yet: what can be in it already is not ours.

        Raises:
            OSError: it exists, or cannot be written.
        """
        folder.mkdir(mode=0o700, parents=True)
        for path, content in self.files.items():
            _write(folder, path, content)
        for name, made in self.notebooks.items():
            text = json.dumps(made, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
            _write(folder, name, text.encode("utf-8"))


def examine(submission: Path, release: Path, limits: Limits | None = None, *, earlier: Earlier | None = None) -> Intake:
    """Read ``submission``, compare it with what was released, and repair a copy in memory.

    Args:
        submission: one student's folder for one assignment. It is only read from.
        release: the folder that ``nbgrader generate_assignment`` wrote for it.
        limits: how much is taken; None for the usual ones.
        earlier: what earlier releases had, where that is known: nobody is blamed for having one of those.

    Raises:
        ReleaseError: there is nothing to compare with. Whatever a submission holds, it raises nothing.
    """
    limits = limits or Limits()
    flags, refused = Flags(), Flags()
    released = read_release(release, limits)
    files = take(submission, released, limits, refused)
    examination = _Examination(released, limits, files, flags, refused, earlier or {})
    notebooks = examination.notebooks()
    examination.check_timestamp()
    return Intake(files, notebooks, flags.all(), refused.all())


@dataclass
class _Examination:
    release: Release
    limits: Limits
    files: dict[str, bytes]
    flags: Flags
    refused: Flags
    earlier: Earlier

    def notebooks(self) -> dict[str, Mapping[str, Any]]:
        made: dict[str, Mapping[str, Any]] = {}
        choosing = Choosing(self.release, self.limits, self.files, self.flags, self.refused)
        for name, released in self.release.notebooks.items():
            path = choosing.path_of(name, released)
            if path != name:
                self.files.pop(name, None)  # the other one is written in its place
            if path:
                self._add(made, name, path, released)
        return made

    def check_timestamp(self) -> None:
        """Nbgrader stops at a time of submission that it cannot read, and misreads some."""
        content = self.files.get(TIMESTAMP)
        if content is None:
            return
        if (at := read_time(content)) is not None:
            self.files[TIMESTAMP] = f"{written(at)}\n".encode()
        elif text_of(content):
            del self.files[TIMESTAMP]
            self.refused.add(
                Kind.TIMESTAMP,
                TIMESTAMP,
                "it is no time of submission, so nobody knows whether this came late; it was left out. Write one such "
                "as 2026-11-26 09:00:00 UTC.",
            )
        else:
            self.files[TIMESTAMP] = b""

    def _add(self, made: dict[str, Mapping[str, Any]], name: str, path: str, released: ReleasedNotebook) -> None:
        content = self.files.pop(path)
        try:
            parsed = json_text.parse(content, self.limits)
            submitted = notebook.read(parsed.value, self.limits)
            for sentence in parsed.repairs:
                self.flags.add(Kind.JSON, shown(path), sentence)
            copy = repaired(shown(path), submitted, released, self.flags, self.earlier.get(name))
            _validate(copy)
        except (json_text.NotJsonError, notebook.NotANotebookError) as error:
            self.refused.add(Kind.NOT_A_NOTEBOOK, shown(path), f"it {error}; it cannot be graded.")
            return
        made[name] = copy


def _validate(made: Mapping[str, Any]) -> None:
    """By nbformat's schema: a safety net, for what is made here has that shape."""
    import nbformat

    try:
        nbformat.validate(dict(made))
    except nbformat.ValidationError:
        raise notebook.NotANotebookError("does not have the shape of a notebook") from None


def _write(folder: Path, path: str, content: bytes) -> None:
    target = folder.joinpath(*PurePosixPath(path).parts)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with target.open("xb") as file:
        file.write(content)
