"""``kit lab``: JupyterLab on the labs, as ``make lab`` opens it (`tools/lab.py` of the project's folder)."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from kit.console.words import Parser, fail

_TEXT = """\
Open the labs in JupyterLab. Your own copies of them are in the folder work/ of the project; they are never
written over. Options that are not known here go to JupyterLab."""

_EXAMPLES = (
    ("kit lab", "opens the first lab in your browser"),
    ("kit lab --no-browser --port=9000", "only prints the address; the options are JupyterLab's"),
)
_MARKS = ("tools/lab.py", "labs")


def parser() -> Parser:
    """What ``kit lab`` itself understands."""
    return Parser("kit lab", _TEXT, _EXAMPLES)


def run(argv: list[str]) -> int:
    """Serve the labs until JupyterLab is stopped; returns the exit status."""
    parser().parse_known_args(argv)  # shows the help
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
