"""The warm process: it has imported what notebooks import, and forks a keeper for each kernel that is asked for.

It runs as ``python -m autograder.kernel.zygote DESCRIPTOR``, with an empty environment. A request is one byte with two
descriptors, for a keeper's orders and for a kernel's frames: nothing that is secret ever passes through this process,
since every kernel starts with a copy of its memory.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from autograder.kernel import inside, keeper

# Those that are installed. The last ones are what showing a first plot would load.
_ALREADY = ("kafka", "numpy", "pandas", "kit", "ipywidgets", "nbformat", "plotly.graph_objects", "plotly.io._renderers")
_FIRST_PLOT = (
    "plotly.graph_objs._figure",
    "plotly.graph_objs._bar",
    "plotly.graph_objs._scatter",
    "_plotly_utils.data_utils",
)


def main() -> int:
    """Fork on request until the grader is gone; 2 when this process is not fit to be forked."""
    asked = socket.socket(fileno=int(sys.argv[1]))
    with inside.without("rfc3987_syntax"):  # jsonschema would build 35 grammars, in seconds, that nbformat never uses
        kernel = inside.warm()
        _import()  # after it, for plotly looks where it is
    if _tasks() != 1:
        return 2  # a fork copies one thread only, with the locks of all
    keeper.hide()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()  # what is here stays shared with the children
    asked.sendall(b"R")
    while True:
        request, fds, _, _ = socket.recv_fds(asked, 1, 2)
        if not request:
            return 0
        if os.fork() == 0:
            asked.close()
            orders, frames = (socket.socket(fileno=fd) for fd in fds)
            keeper.keep(orders, frames, lambda end, most: inside.run(kernel, end, most))
        for fd in fds:
            os.close(fd)


def _import() -> None:
    for name in (*_ALREADY, *_FIRST_PLOT):
        if importlib.util.find_spec(name.partition(".")[0]) is not None:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


def _tasks() -> int:
    """How many threads this process has."""
    folder = Path("/proc/self/task")
    return sum(1 for _ in folder.iterdir()) if folder.is_dir() else threading.active_count()


if __name__ == "__main__":
    sys.exit(main())
