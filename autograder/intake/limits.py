"""How much a submission may bring."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What is more than this is left out, and said so. Honest work stays far below.

    Attributes:
        file_bytes, notebook_bytes: of one file, of one notebook; looked at before anything is read.
        total_bytes: of all files together. The release's notebooks come first.
        entries: files and folders.
        depth: folders within folders.
        name_bytes, path_bytes: of one name, of a path within the submission, in UTF-8.
        json_depth: brackets within brackets. Plotly's figures have 15.
        json_values: elements and members of the whole notebook; bounds the memory of parsing (250 bytes each).
        cells: of one notebook.
        source_bytes: of the text of all cells of one notebook.
        attachment_bytes: of the pictures pasted into all text cells of one notebook.
    """

    file_bytes: int = 20_000_000
    notebook_bytes: int = 40_000_000
    total_bytes: int = 100_000_000
    entries: int = 1_000
    depth: int = 8
    name_bytes: int = 200
    path_bytes: int = 500
    json_depth: int = 100
    json_values: int = 1_000_000
    cells: int = 1_000
    source_bytes: int = 2_000_000
    attachment_bytes: int = 10_000_000
