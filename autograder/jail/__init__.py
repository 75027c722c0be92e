"""The jail: what holds a student's process, from strongest to weakest, and what it says when nothing does.

A `Cage` says what one jail is to be. `autograder.kernel` starts a kernel in it; `probe` tries each rung of the ladder
on this machine, `strongest` picks one. docs/reference/jail.md says what each rung holds.
"""

from autograder.jail.cage import Cage
from autograder.jail.errors import JailError
from autograder.jail.ladder import RUNGS, RungReport, described, is_as_strong, probe, strongest
from autograder.jail.network import Network

__all__ = ["RUNGS", "Cage", "JailError", "Network", "RungReport", "described", "is_as_strong", "probe", "strongest"]
