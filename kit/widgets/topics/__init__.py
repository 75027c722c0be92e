"""Topics in a notebook: look at them and their records, make and delete them, and judge their names."""

from kit.widgets.topics.browser import TopicBrowser

__all__ = ["TopicBrowser"]
