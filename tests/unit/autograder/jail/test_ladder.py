"""The ladder without a machine: which rung is chosen, and what is said when none is good enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.jail import JailError, Network, RungReport, ladder
from autograder.jail.cage import Cage
from autograder.jail.seccomp import _program  # what the system would run
from autograder.job import Budget


def holding(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let these rungs hold, and no other."""
    monkeypatch.setattr(ladder, "try_rung", lambda name: RungReport(name, name in names, f"{name} was tried"))


def test_strongest_that_holds_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stronger ones that fail are passed over."""
    holding(monkeypatch, "none", "rlimits", "landlock", "bubblewrap")
    assert ladder.strongest() == "bubblewrap"


def test_weaker_than_asked_is_an_error_that_says_what_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing weaker is used in silence."""
    holding(monkeypatch, "none", "rlimits")
    with pytest.raises(
        JailError, match=r"as strong as 'landlock'.*namespaces: namespaces was tried.*landlock was tried"
    ):
        ladder.strongest("landlock")
    assert ladder.strongest("none") == "rlimits"


def test_container_is_good_enough_where_there_is_no_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """For an assignment that asks for nothing special; where Landlock holds, it is preferred, for it is quick."""
    holding(monkeypatch, "none", "docker")
    assert ladder.strongest() == ladder.strongest("bubblewrap") == "docker"
    with pytest.raises(JailError, match="as strong as 'namespaces'"):
        ladder.strongest("namespaces")
    holding(monkeypatch, "none", "docker", "landlock")
    assert ladder.strongest() == "landlock"
    assert ladder.strongest("bubblewrap") == "docker"


def test_unknown_rung_is_an_error() -> None:
    """A slip in an assignment's manifest is no open door."""
    with pytest.raises(JailError, match="no jail called 'landlok'"):
        ladder.strongest("landlok")


@pytest.mark.parametrize("network", [None, Network(7, (9092, 9093))])
def test_cage_crosses_as_json(network: Network | None) -> None:
    """The keeper builds what the grader asked for."""
    cage = Cage("namespaces", Budget(cell_s=1.5), Path("/a b/c"), (Path("/x"),), network)
    assert Cage.from_json(cage.to_json()) == cage
    assert "\n" not in cage.to_json()


@pytest.mark.parametrize("processor", ["x86_64", "aarch64"])
@pytest.mark.parametrize("shares_system", [False, True])
def test_filter_of_system_calls_never_jumps_out_of_itself(processor: str, shares_system: bool) -> None:
    """Every path through it ends at a return."""
    program = _program(processor, shares_system=shares_system)
    assert len(program) < 4096
    for place, (code, if_true, if_false, _) in enumerate(program):
        if code & 7 == 5:
            assert place + 1 + max(if_true, if_false) < len(program)
    assert program[-1][0] == 6
