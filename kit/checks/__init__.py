"""`check`: feedback on lab tasks from evidence in the cluster."""

import importlib
import pkgutil

from kit.checks.evidence import ClusterEvidence, Evidence, SeenEvent, SeenMember, SeenPartition, SeenRecord
from kit.checks.progress_view import Progress, progress
from kit.checks.registry import UnknownCheckError, check, names, verdict
from kit.checks.result import CheckResult

__all__ = [
    "CheckResult",
    "ClusterEvidence",
    "Evidence",
    "Progress",
    "SeenEvent",
    "SeenMember",
    "SeenPartition",
    "SeenRecord",
    "UnknownCheckError",
    "check",
    "names",
    "progress",
    "verdict",
]

# Importing the file of a lab or an assignment registers its checks.
for _module in pkgutil.iter_modules(__path__):
    if _module.name.startswith(("lab_", "assignment_")):
        importlib.import_module(f"{__name__}.{_module.name}")
