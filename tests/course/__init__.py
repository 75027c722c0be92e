"""The course's own assignments: solutions, empty work, planted mistakes."""
