"""What an instructor sees in formgrader and a student as feedback, without a server and a gradebook."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbconvert.exporters import HTMLExporter

from autograder.pipeline.page_templates import folders


def page(notebook: nbformat.NotebookNode, template: str = "formgrade") -> str:
    """A notebook as nbgrader's own template ("formgrade" or "feedback") shows it, with this course's configuration."""
    styles = Path(folders()[-1]).parent / "static" / "node_modules" / "bootstrap" / "dist" / "css"
    exporter = HTMLExporter(
        template_name=template,
        extra_template_basedirs=folders(),
        extra_template_paths=[str(styles)],
        exclude_anchor_links=True,
    )
    names = dict.fromkeys(("base_url", "notebook_id", "submission_id", "assignment_id"), "x")
    marks = {"notebook": "streams", "score": 7, "max_score": 13, "late_penalty": 0}
    made, _ = exporter.from_notebook_node(notebook, resources={"index": 0, "total": 1, "nbgrader": marks, **names})
    return str(made)
