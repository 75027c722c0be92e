"""Lab 01 from top to bottom without a hand on it: as shipped, and as solved."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "labs" / "01-first-records.ipynb"

# What a student has to find out: cell id, what the lab ships, what solves it.
SOLUTIONS = [
    ("guess-kept", '"gone"', '"kept"'),
    (
        "record-send",
        'value=b"Paper Lanterns")',
        'key=b"zoe", value=value, headers=[("source", b"lab")])',
    ),
    ("offsets-answer", '["offset"]', '["topic", "partition", "offset"]'),
    ("royalties", '"latest"', '"earliest"'),
    ("royalties", "# TODO: one call is missing here", "royalties.commit()"),
]
CHECKS = {
    "check-kept": "01.retained",
    "record-send": "01.record",
    "offsets-answer": "01.offsets",
    "offline-commit": "01.catch-up",
    "royalties": "01.royalties",
}


def run(notebook: NotebookNode, folder: Path) -> dict[str, NotebookNode]:
    """Run all cells in a fresh kernel, as "Restart and run all" does; gives the cells by id."""
    # Widget state would be 5 MB for the chart alone.
    client = NotebookClient(
        notebook, timeout=100, store_widget_state=False, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    return {cell.id: cell for cell in notebook.cells}


def printed(cell: NotebookNode, stream: str = "stdout") -> str:
    """What a cell wrote to a stream."""
    return "".join(output.text for output in cell.outputs if output.get("name") == stream)


def feedback(cell: NotebookNode) -> str:
    """The text of the check result that a cell shows."""
    return "".join(output.data["text/plain"] for output in cell.outputs if "text/html" in output.get("data", {}))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NotebookNode]:
    """Give the cells of the lab as it is handed out, after a run."""
    return run(nbformat.read(LAB, as_version=4), tmp_path_factory.mktemp("shipped"))


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NotebookNode]:
    """Give the cells of the lab with every task solved, after a run."""
    notebook = nbformat.read(LAB, as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    for cell_id, old, new in SOLUTIONS:
        assert old in cells[cell_id].source, f"the lab's cell {cell_id} has changed: adapt SOLUTIONS"
        cells[cell_id].source = cells[cell_id].source.replace(old, new, 1)
    return run(notebook, tmp_path_factory.mktemp("solved"))


@pytest.mark.labs
@pytest.mark.slow
class TestShipped:
    """The lab as handed out: it runs, and its open tasks get feedback."""

    def test_every_cell_runs(self, shipped: dict[str, NotebookNode]) -> None:
        """No cell raises (the run would have stopped), each has run, and nothing complains on stderr."""
        code = [cell for cell in shipped.values() if cell.cell_type == "code"]

        assert all(cell.execution_count for cell in code)
        assert [printed(cell, "stderr") for cell in code] == [""] * len(code)

    def test_failures_on_purpose_happen(self, shipped: dict[str, NotebookNode]) -> None:
        """The surprises that the text promises: nothing read at first, a TypeError, everything read again."""
        assert printed(shipped["consume-latest"]) == "records read: 0\n"
        assert printed(shipped["consume-earliest"]).count("the first of 1 is") == 2
        assert "TypeError" in printed(shipped["record-bytes"])
        evening, morning = (int(printed(shipped[cell]).split()[-2]) for cell in ("offline-tools", "offline-run"))
        assert morning == evening + 12

    def test_offline_consumer_catches_up(self, shipped: dict[str, NotebookNode]) -> None:
        """With a commit the group reads the twelve records that it had missed, and the check agrees."""
        assert "morning: read 12 records" in printed(shipped["offline-commit"])
        assert feedback(shipped["offline-commit"]).startswith("✔ 01.catch-up: passed")

    def test_chart_story_reaches_its_end(self, shipped: dict[str, NotebookNode]) -> None:
        """The switches, the lag and the chart play together without anybody pressing anything."""
        story = printed(shipped["live-play"])

        assert "The consumer is offline" in story
        assert "The consumer has caught up" in story
        assert "too long" not in story

    @pytest.mark.parametrize("cell_id", sorted(set(CHECKS) - {"offline-commit"}))
    def test_open_task_gets_feedback(self, shipped: dict[str, NotebookNode], cell_id: str) -> None:
        """A task that is not solved yet says so, and what to try next."""
        said = feedback(shipped[cell_id])

        assert said.startswith(f"✘ {CHECKS[cell_id]}: not yet")
        assert "Try next" in said


@pytest.mark.labs
@pytest.mark.slow
@pytest.mark.parametrize("cell_id", sorted(CHECKS))
def test_solved_lab_passes_each_check(solved: dict[str, NotebookNode], cell_id: str) -> None:
    """Every task can be solved by what the lab teaches, and its check sees it."""
    assert feedback(solved[cell_id]).startswith(f"✔ {CHECKS[cell_id]}: passed")


def test_lab_cells_have_speaking_ids() -> None:
    """Tests and graders find cells by id, so each has a name and not a random number."""
    ids = [cell.id for cell in nbformat.read(LAB, as_version=4).cells]

    assert len(set(ids)) == len(ids)
    assert all(name.replace("-", "").isalpha() for name in ids)
