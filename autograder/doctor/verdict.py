"""`examine`: every group of the hostile set, one verdict for each case."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

GROUPS = {
    "reaching": "reach out of the jail",
    "spending": "take more than is given",
    "forging": "earn points without an answer",
    "handing_in": "hand in something else",
    "showing": "do harm where it is shown",
    "clusters": "tamper with the cluster",
}
"""Module -> what its cases try."""
_RUN_NOTHING = {"handing_in", "showing"}


@dataclass(frozen=True)
class Verdict:
    """What became of one case.

    Attributes:
        group: a key of `GROUPS`.
        name: what was tried.
        wrong: what did not hold, in one line; empty when all of it did.
        line: what the instructor reads about it: of the intake, a stop, a score, or the student's own error.
    """

    group: str
    name: str
    wrong: str
    line: str

    @property
    def held(self) -> bool:
        """Whether everything that must hold did."""
        return not self.wrong


def examine(groups: Iterable[str] = GROUPS, rung: str | None = None) -> Iterator[Verdict]:
    """Try every case of some groups, in turn; a group that cannot be tried is one verdict.

    Args:
        rung: of the jail ladder, for the groups that run notebooks; None for the strongest that holds here.
    """
    from autograder import jail

    for group in groups:
        module = importlib.import_module(f"autograder.doctor.{group}")
        try:
            yield from module.verdicts("" if group in _RUN_NOTHING else rung or jail.strongest("rlimits"))
        except (jail.JailError, OSError) as error:
            yield Verdict(group, GROUPS[group], f"it could not be tried: {' '.join(str(error).split())}", "")
