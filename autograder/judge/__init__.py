"""Judging, always outside the student's process: what was seen or answered becomes points with reasons.

For a course's ``judge.py``: `same`, `share`, `Score`, `Probe`, `Outcome`, `Look` (all re-exported here).
"""

from autograder.job import Answer, Outcome, Probe, Score
from autograder.judge.answers import same, share
from autograder.judge.script import JudgeError, Look, Script

__all__ = ["Answer", "JudgeError", "Look", "Outcome", "Probe", "Score", "Script", "same", "share"]
