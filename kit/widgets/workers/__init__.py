"""Consumers of one group, run in the background: added, sent home and crashed by a click or a call.

``worker`` is one consumer and its thread; ``widget`` is the team and its buttons.
"""

from kit.widgets.workers.widget import Workers
from kit.widgets.workers.worker import Handled, Worker

__all__ = ["Handled", "Worker", "Workers"]
