"""Labs run from top to bottom without a hand on them: as handed out, and with every task solved.

A lab's test module sets ``LAB`` and, if the lab has tasks, ``SOLUTIONS`` and ``CHECKS``, and inherits `EveryLab`.
"""

from __future__ import annotations

import asyncio
import html
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
LABS = ROOT / "labs"
CELL_TIMEOUT_S = 100

Cells = dict[str, NotebookNode]
Solution = tuple[str, str, str]
"""A cell's id, what the lab ships in it, and what solves the task."""


def cells_of(lab: str) -> Cells:
    """The cells of a lab, by id, as it is handed out."""
    return {cell.id: cell for cell in nbformat.read(LABS / lab, as_version=4).cells}


async def run(
    lab: str, folder: Path, solutions: Iterable[Solution] = (), environment: Mapping[str, str] | None = None
) -> Cells:
    """Run all cells of a lab in a fresh kernel, as "Restart and run all" does; gives the cells by id.

    Args:
        folder: where the kernel works, and leaves its files.
        solutions: what a student changes before.
        environment: variables of the kernel, besides our own.

    Raises:
        CellExecutionError: a cell raised.
    """
    notebook = nbformat.read(LABS / lab, as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    for cell_id, old, new in solutions:
        assert old in cells[cell_id].source, f"the lab's cell {cell_id} has changed: adapt SOLUTIONS"
        cells[cell_id].source = cells[cell_id].source.replace(old, new, 1)
    # A saved notebook holds what JupyterLab saves by default: outputs, and no widget state.
    client = NotebookClient(
        notebook, timeout=CELL_TIMEOUT_S, store_widget_state=False, resources={"metadata": {"path": str(folder)}}
    )
    await client.async_execute(env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})})
    return cells


def printed(cell: NotebookNode, stream: str = "stdout") -> str:
    """What a cell wrote to a stream."""
    return "".join(output.text for output in cell.outputs if output.get("name") == stream)


def feedback(cell: NotebookNode) -> str:
    """The text of the check results that a cell shows, without tables of the practice CLI."""
    shown = [output.data for output in cell.outputs if "text/html" in output.get("data", {})]
    return "".join(data["text/plain"] for data in shown if not data["text/html"].startswith("<pre"))


def shown(cell: NotebookNode) -> str:
    """The words of the tables and texts that a cell shows as HTML, with their tags."""
    return html.unescape(
        "".join(output.data["text/html"] for output in cell.outputs if "text/html" in output.get("data", {}))
    )


class EveryLab:
    """What holds for every lab; a subclass named ``Test...`` in the lab's module plays it."""

    LAB: str
    SOLUTIONS: tuple[Solution, ...] = ()
    CHECKS: tuple[tuple[str, str], ...] = ()
    """A cell's id, and the check that it runs."""
    PASSES_AS_SHIPPED: frozenset[str] = frozenset()
    """The cells of `CHECKS` that need nothing from the student."""

    @pytest.fixture(scope="class")
    @classmethod
    def runs(cls, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cells]:
        """Give the lab's cells after both runs, which wait more than they compute and so go side by side."""
        wanted: dict[str, tuple[Solution, ...]] = {"shipped": (), "solved": cls.SOLUTIONS}

        async def run_all() -> dict[str, Cells]:
            runs = [
                run(cls.LAB, tmp_path_factory.mktemp(name), solutions)
                for name, solutions in wanted.items()
                if name == "shipped" or solutions
            ]
            return dict(zip(wanted, await asyncio.gather(*runs), strict=False))

        return asyncio.run(run_all())

    @pytest.fixture
    def shipped(self, runs: dict[str, Cells]) -> Cells:
        """Give the cells of the lab as it is handed out, after a run."""
        return runs["shipped"]

    @pytest.fixture
    def solved(self, runs: dict[str, Cells]) -> Cells:
        """Give the cells of the lab with every task solved, after a run."""
        return runs["solved"]

    def test_every_cell_runs(self, runs: dict[str, Cells]) -> None:
        """No cell raises (the run would have stopped), each has run, and nothing complains on stderr."""
        for cells in runs.values():
            code = [cell for cell in cells.values() if cell.cell_type == "code"]
            assert code
            assert all(cell.execution_count for cell in code)
            assert [printed(cell, "stderr") for cell in code] == [""] * len(code)

    def test_open_tasks_get_feedback(self, shipped: Cells) -> None:
        """A task that is not solved yet says so, and what to try next."""
        for cell_id, check in self.CHECKS:
            said = feedback(shipped[cell_id])
            if cell_id not in self.PASSES_AS_SHIPPED:
                assert said.startswith(f"✘ {check}: not yet"), said
                assert "Try next" in said

    def test_solved_lab_passes_each_check(self, runs: dict[str, Cells]) -> None:
        """Every task can be solved by what the lab teaches, and its check sees it."""
        cells = runs["solved" if self.SOLUTIONS else "shipped"]
        for cell_id, check in self.CHECKS:
            assert feedback(cells[cell_id]).startswith(f"✔ {check}: passed"), feedback(cells[cell_id])

    def test_every_check_of_the_lab_is_in_the_notebook(self) -> None:
        """The checks that kit.progress counts for this lab are those that a student can run here."""
        from kit.checks.registry import labs

        (known,) = [lab for lab in labs() if lab.number == self.LAB[:2]] or [None]
        assert (set() if known is None else {step.name for step in known.steps}) == {check for _, check in self.CHECKS}

    def test_saved_lab_is_small(self, runs: dict[str, Cells]) -> None:
        """After a run the notebook takes less than 300 KB, as JupyterLab saves it by default."""
        for cells in runs.values():
            notebook: Any = nbformat.v4.new_notebook(cells=list(cells.values()))
            assert len(nbformat.writes(notebook).encode()) < 300_000

    def test_cells_have_speaking_ids(self) -> None:
        """Tests and graders find cells by id, so each has a name and not a random number."""
        ids = [cell.id for cell in nbformat.read(LABS / self.LAB, as_version=4).cells]

        assert len(set(ids)) == len(ids)
        assert all(name.replace("-", "").isalpha() for name in ids)

    def test_lab_states_time_outcomes_and_needs(self) -> None:
        """The first cell says how long it takes, what can be learnt, and what is needed."""
        first = nbformat.read(LABS / self.LAB, as_version=4).cells[0].source.lower()

        assert all(word in first for word in ("minutes", "you can", "you need"))
