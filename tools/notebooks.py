"""Notebooks are committed without outputs: ``python -m tools.notebooks`` lists what is stored, ``--clean`` removes it.

Outputs make diffs unreadable, and one stored plotly widget weighs 5 MB.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.environment import ROOT

Notebook = dict[str, Any]
WORK = "work"  # where `make lab` puts what a student changes


def find(root: Path) -> Iterator[Path]:
    """The notebooks below ``root``, leaving out students' copies and folders whose name starts with a dot."""
    for path in sorted(root.rglob("*.ipynb")):
        parts = path.relative_to(root).parts
        if parts[0] != WORK and not any(part.startswith(".") for part in parts):
            yield path


def stored_results(notebook: Notebook) -> list[str]:
    """What running the notebook has left in it, one sentence fragment per place; empty when it is clean."""
    found = ["widget state"] if "widgets" in notebook["metadata"] else []
    for number, cell in enumerate(notebook["cells"], start=1):
        if cell.get("outputs"):
            found.append(f"outputs in cell {number}")
        if cell.get("execution_count") is not None:
            found.append(f"an execution count in cell {number}")
    return found


def clean(notebook: Notebook) -> None:
    """Remove in place what `stored_results` finds."""
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None


def main(arguments: list[str]) -> int:
    """List notebooks with stored results, or clean them. Returns 1 when some are left, else 0."""
    cleaning = arguments == ["--clean"]
    status = 0
    for path in find(ROOT):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        found = stored_results(notebook)
        if found and cleaning:
            clean(notebook)
            text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
            path.write_text(text, encoding="utf-8", newline="\n")
        elif found:
            print(f"{path.relative_to(ROOT)}: {', '.join(found)}; remove with `python -m tools.notebooks --clean`")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
