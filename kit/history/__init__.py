"""What clients did against Kafka, recorded and judged in Jepsen's vocabulary.

`History` records operations, `check` finds the anomalies in them. Pure: no clock, no threads, no sockets; the same on a
laptop, under simulated time and in a grader. docs/reference/history.md defines every name.
"""

from kit.history.findings import NAMES, Finding, Report
from kit.history.judge import check
from kit.history.operation import HistoryError, Operation
from kit.history.recorder import History

__all__ = ["NAMES", "Finding", "History", "HistoryError", "Operation", "Report", "check"]
