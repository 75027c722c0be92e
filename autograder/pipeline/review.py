"""What can be said about a class only when all of its work is there: who is like whom, and how its quizzes went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autograder.assignment import Assignment
from autograder.intake.flags import Flags
from autograder.intake.limits import Limits
from autograder.intake.release import read_release
from autograder.intake.taking import take
from autograder.pipeline.course import Course
from autograder.pipeline.history import earlier_answers
from autograder.quizzes import Item, Marked, items
from autograder.similarity import Comparison, examine


def alike(course: Course, assignment: Assignment, students: Sequence[str]) -> Comparison:
    """The code of these students compared; what was released does not count."""
    name = assignment.name
    folders = {student: course.folder("submitted", name, student) for student in students}
    there = {student: folder for student, folder in folders.items() if folder.is_dir()}
    return examine(there, course.folder("release", name))


def flags_of(comparison: Comparison) -> dict[str, list[str]]:
    """A line for each student that somebody else's code is like, by student."""
    lines: dict[str, list[str]] = {}
    for pair in comparison.pairs:
        for own, share, other in ((pair.a, pair.share_a, pair.b), (pair.b, pair.share_b, pair.a)):
            lines.setdefault(own, []).append(f"{share:.0%} of its code is like that of {other}: see 'Alike'.")
    return lines


def quiz_items(course: Course, assignment: Assignment, students: Sequence[str]) -> list[Item]:
    """What the attempts that count say about each question; of several that count, the last."""
    if not assignment.quizzes:
        return []
    taken: dict[str, list[Marked]] = {each.quiz.id: [] for each in assignment.quizzes}
    limits = Limits()
    released = read_release(course.folder("release", assignment.name), limits)
    for student in students:
        folder = course.folder("submitted", assignment.name, student)
        files = take(folder, released, limits, Flags())
        for quiz in assignment.quizzes:
            earlier = earlier_answers(course, assignment.name, student, quiz)
            found = quiz.found(files)
            taken[quiz.quiz.id].append(quiz.counted(quiz.sat(earlier, found.content if found else None))[-1])
    made = [(each.quiz, items(each.quiz, taken[each.quiz.id])) for each in assignment.quizzes]
    if len(made) == 1:
        return made[0][1]
    return [replace(item, question=f"{quiz.id}/{item.question}") for quiz, found in made for item in found]
