"""The class page: one HTML file about one assignment, with everything inside it, to be opened without a network."""

from autograder.report.facts import ClassFacts, PropertyFacts, StudentResult, class_facts
from autograder.report.page import page

__all__ = ["ClassFacts", "PropertyFacts", "StudentResult", "class_facts", "page"]
