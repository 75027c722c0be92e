"""Marks that can be trusted: what students hand in is examined, run where it can harm nobody, and judged from outside.

Grades, feedback and export stay nbgrader's; this package uses its public hooks and knows `kit`, never the other way.
"""
