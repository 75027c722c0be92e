"""Topics in a notebook: look at them and their records, make and delete them, and judge their names."""

from kit.widgets.topics.browser import TopicBrowser
from kit.widgets.topics.forms import TopicForms
from kit.widgets.topics.linter import NameLinter

__all__ = ["NameLinter", "TopicBrowser", "TopicForms"]
