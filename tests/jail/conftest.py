"""Graders on each rung, kept for all tests: what one submission does must not matter to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autograder.jail import bubblewrap, landlock
from tests.support.jailed import Grader
from tests.support.requirements import missing, need

STRONG = ("namespaces", "landlock")


@pytest.fixture(scope="session")
def grader_on() -> Iterator[Callable[[str], Grader]]:
    """A grader on a rung, which lives until the last test."""
    graders: dict[str, Grader] = {}

    def on(rung: str) -> Grader:
        if rung == "bubblewrap" and bubblewrap.program() is None:
            need("bubblewrap")
        if rung == "landlock" and landlock.version() < landlock.SCOPES_SINCE:
            missing("landlock", "run on Linux 6.12 or newer")
        if rung not in graders or graders[rung].process.poll() is not None:
            graders[rung] = Grader(rung)
        return graders[rung]

    yield on
    for grader in graders.values():
        grader.__exit__()


@pytest.fixture(params=STRONG)
def grader(request: pytest.FixtureRequest, grader_on: Callable[[str], Grader]) -> Grader:
    """A grader on each of the rungs that are good enough by default."""
    return grader_on(request.param)
