"""Running a cell again replaces what it started; everything else is left alone. IPython is played."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from kit import cells


class Thing:
    """Something that a cell starts."""

    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        """Note it."""
        self.is_closed = True


@pytest.fixture
def run_cell(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Thing]]:
    """Play one run of a cell that starts things, as `kit.start` does."""
    parent: dict[str, Any] = {}
    shell = types.SimpleNamespace(get_parent=lambda: parent)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(cells, "_started", {})

    def run(code: str, message_id: str, *, cell_id: str | None = None, count: int = 1) -> list[Thing]:
        parent.clear()
        parent["header"] = {"msg_id": message_id}
        parent["metadata"] = {"cellId": cell_id} if cell_id else {}
        parent["content"] = {"code": code}
        made = []
        for _ in range(count):
            cells.close_earlier()
            made.append(Thing())
            cells.remember(made[-1])
        return made

    return run


def test_rerun_closes_what_the_cell_started_before(run_cell: Callable[..., list[Thing]]) -> None:
    """The same cell id is the same cell, however its text was edited."""
    (first,) = run_cell("kit.start()", "1", cell_id="a")
    (second,) = run_cell("kit.start(brokers=1)", "2", cell_id="a")

    assert (first.is_closed, second.is_closed) == (True, False)


def test_two_things_of_one_run_live_side_by_side(run_cell: Callable[..., list[Thing]]) -> None:
    """A cell may start several clusters; its next run closes them all."""
    first, second = run_cell("two of them", "1", cell_id="a", count=2)
    assert not first.is_closed
    assert not second.is_closed

    run_cell("two of them", "2", cell_id="a")
    assert first.is_closed
    assert second.is_closed


def test_other_cells_are_left_alone(run_cell: Callable[..., list[Thing]]) -> None:
    """Two cells with the same text are two cells when they have ids."""
    (first,) = run_cell("kit.start()", "1", cell_id="a")
    (second,) = run_cell("kit.start()", "2", cell_id="b")

    assert not first.is_closed
    assert not second.is_closed


def test_cell_without_an_id_is_known_by_its_text(run_cell: Callable[..., list[Thing]]) -> None:
    """Not every front end sends ids."""
    (first,) = run_cell("kit.start()", "1")
    (other,) = run_cell("kit.start(brokers=1)", "2")
    run_cell("kit.start()", "3")

    assert (first.is_closed, other.is_closed) == (True, False)


@pytest.mark.parametrize("shell", [None, types.SimpleNamespace()])
def test_outside_of_notebooks_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch, shell: Any) -> None:
    """A script, a test and a terminal have no cells to run again."""
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    thing = Thing()
    cells.remember(thing)
    cells.close_earlier()

    assert cells.current_run() is None
    assert not thing.is_closed
