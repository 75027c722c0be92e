"""Quizzes that count: handed out without keys, marked from students' answer files, looked at as a class.

The quizzes are the kit's (`kit.quizzes`); what is here reads files of strangers, chooses among attempts, and counts.
"""

from autograder.quizzes.finding import Found, find
from autograder.quizzes.graded import GradedQuiz
from autograder.quizzes.handing_out import leaks, without_keys
from autograder.quizzes.marking import POLICIES, Attempt, Marked, Policy, counted, marked, scores
from autograder.quizzes.sheets import SheetError, read_answers
from autograder.quizzes.statistics import Item, items

__all__ = [
    "POLICIES",
    "Attempt",
    "Found",
    "GradedQuiz",
    "Item",
    "Marked",
    "Policy",
    "SheetError",
    "counted",
    "find",
    "items",
    "leaks",
    "marked",
    "read_answers",
    "scores",
    "without_keys",
]
