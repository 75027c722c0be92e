"""The process of a service: ``python -m kit.service``, with one JSON line on stdin.

``{"name": "lab", "kind": "practice", "settings": {"backend": "embedded", "brokers": 3}}``: what `kit.service.start`
was called with, on stdin because nobody else can read it there. When the cluster answers, one JSON line on stdout says
so; when it cannot start, ``{"error": "..."}``. The process ends when it is told to (`kit.service.Service.close`), on
SIGTERM, and when its cluster has ended.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from typing import Any

from kit.broker.process.child_process import log_to, report
from kit.errors import KitError
from kit.service import folder
from kit.service.host import END_SIGNALS, EndRequest, Host, end_on, ignore

log = logging.getLogger(__name__)


def main() -> int:
    """Be a service until told to end; returns the exit status."""
    ignore("SIGINT", "SIGHUP")  # they are meant for those at a terminal
    end_on("SIGTERM")
    request = json.loads(sys.stdin.buffer.readline())
    try:
        host = Host(request["name"], request["settings"], kind=request["kind"])
    except KitError as error:
        return _tell({"error": str(error)}, status=1)
    except EndRequest:
        return _tell({"error": "The cluster was told to end while it was starting."}, status=1)
    try:
        log_to(folder.path_of(host.name, "log"))
        log.info("%s, process %d, brokers at %s", host.name, host.record.pid, host.record.bootstrap_servers)
        _tell({"ready": host.name})
        host.run()
    except EndRequest:
        log.info("told to end")
    except KitError as error:
        log.warning("%s", error)
    finally:
        ignore(*END_SIGNALS)
        host.close()
        logging.shutdown()
    return 0


def _tell(answer: dict[str, Any], *, status: int = 0) -> int:
    with contextlib.suppress(OSError):  # whoever asked may be gone
        report(answer, status=status)
    return status


if __name__ == "__main__":
    sys.exit(main())
