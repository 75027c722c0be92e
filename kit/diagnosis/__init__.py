"""`kit.doctor`: what works on this computer, what does not, and the exact command to get it.

Every part is really tried: the embedded cluster is started and a record sent through it, Docker's engine is asked.
Each module here looks at one thing and returns `Finding` objects; `Report` shows them.
"""

from __future__ import annotations

from kit.diagnosis.report import Finding, Report

__all__ = ["Finding", "Report", "doctor"]


def doctor(*, clean: bool = False) -> Report:
    """Look at what the kit needs on this computer; takes some seconds.

    Args:
        clean: remove what crashed clusters left in files, processes and Docker.
    """
    from kit.diagnosis import clusters, computer, left, python

    return Report(
        [
            *python.look(),
            *clusters.look(),
            *clusters.look_at_running(),
            *left.look(clean=clean),
            *computer.look_at_tools(),
            *computer.look(),
        ]
    )
