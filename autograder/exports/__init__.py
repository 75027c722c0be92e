"""Marks for an LMS: nbgrader's export plugins for Canvas and Moodle, and nbgrader's own CSV made safe."""

from autograder.exports.plugins import CanvasExport, MoodleExport, SafeCsvExport

__all__ = ["CanvasExport", "MoodleExport", "SafeCsvExport"]
