"""``kit lab``: JupyterLab on the labs, as ``make lab`` opens it (`tools/lab.py` of the project's folder)."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from kit.console.words import CommandLineError, Parser, fail

_TEXT = """\
Open the labs in JupyterLab. Your own copies of them are in the folder work/ of the project; they are never
written over. Options that are not known here go to JupyterLab."""

_EXAMPLES = (
    ("kit lab", "opens the first lab in your browser"),
    ("kit lab --no-browser --port=9000", "only prints the address; the options are JupyterLab's"),
)
_LAST_PORT = 65_535
_MARKS = ("tools/lab.py", "labs")


def parser() -> Parser:
    """What ``kit lab`` itself understands."""
    made = Parser("kit lab", _TEXT, _EXAMPLES)
    made.add_argument("--port", metavar="PORT", help="where JupyterLab listens; the next free port when it is taken")
    return made


def _check_port(text: str | None) -> None:
    """Refuse in our words what JupyterLab would refuse in its own.

    Raises:
        CommandLineError: it is no port.
    """
    if text is not None and not (text.isascii() and text.isdigit() and 0 < int(text) <= _LAST_PORT):
        raise CommandLineError(f"--port {text} cannot be a port: choose a number from 1024 to {_LAST_PORT}.")


def run(argv: list[str]) -> int:
    """Serve the labs until JupyterLab is stopped; returns the exit status."""
    options, _ = parser().parse_known_args(argv)  # shows the help
    _check_port(options.port)
    root = project_folder()
    if root is None:
        return fail(
            "The labs are not here: they come with the project's source folder, not with the installed package. Clone "
            "or download the project, and run `kit lab` (or `make lab`) inside its folder."
        )
    sys.path.insert(0, str(root))
    importlib.import_module("tools.lab").main(argv)
    return 0


def project_folder() -> Path | None:
    """The folder of the project: the one that this package is used from, or the one we are in."""
    here = Path.cwd()
    candidates = [Path(__file__).resolve().parents[2], here, *here.parents]
    return next((each for each in candidates if all((each / mark).exists() for mark in _MARKS)), None)
