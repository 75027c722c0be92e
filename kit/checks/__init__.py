"""`check`: feedback on lab tasks from evidence in the cluster."""

from kit.checks import lab_01 as _lab_01  # noqa: F401  (importing a lab's file registers its checks)
from kit.checks.evidence import ClusterEvidence, Evidence, SeenRecord
from kit.checks.registry import UnknownCheckError, check, names, verdict
from kit.checks.result import CheckResult

__all__ = [
    "CheckResult",
    "ClusterEvidence",
    "Evidence",
    "SeenRecord",
    "UnknownCheckError",
    "check",
    "names",
    "verdict",
]
