"""The hostile set: what submissions have tried elsewhere, tried on this machine, and whether each of it was held.

Each group is a module with its cases as data and ``verdicts() -> Iterator[Verdict]``.
"""

from autograder.doctor.verdict import GROUPS, Verdict, examine

__all__ = ["GROUPS", "Verdict", "examine"]
