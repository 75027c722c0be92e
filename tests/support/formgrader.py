"""What an instructor sees in formgrader, without its server."""

from __future__ import annotations

from pathlib import Path

import nbformat
import nbgrader
from nbconvert.exporters import HTMLExporter


def page(notebook: nbformat.NotebookNode) -> str:
    """A notebook as formgrader's own template shows it."""
    templates = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"
    exporter = HTMLExporter(template_name="formgrade", extra_template_basedirs=[str(templates)])
    names = dict.fromkeys(("base_url", "notebook_id", "submission_id", "assignment_id"), "x")
    made, _ = exporter.from_notebook_node(notebook, resources={"index": 0, "total": 1, **names})
    return str(made)
