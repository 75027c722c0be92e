"""The arena: a student's producer and consumer at work on a cluster that fails on purpose, and what was seen of it."""

from autograder.arena.host_link import ArenaError
from autograder.arena.plan import Plan, PlanError
from autograder.arena.playing import Session, play

__all__ = ["ArenaError", "Plan", "PlanError", "Session", "play"]
