"""A journal of what clients asked and were answered, and faults that happen on counts of it: for those who judge work.

Off unless the parent of the cluster asks for it over its own channel (`kit.broker.process.control`), which no client
reaches. While it is off a request costs one comparison.
"""

from kit.broker.witness.journal import Journal
from kit.broker.witness.rules import RuleError, Rules
from kit.broker.witness.witness import Witness

__all__ = ["Journal", "RuleError", "Rules", "Witness"]
