"""The process that reads a deck is walled in, whatever its parser can be brought to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

_TRIES = """\
import os, socket, sys
from pathlib import Path
from autograder.deck.child import wall_in
print("walls" if wall_in(sys.argv[1]) else "none")
def attempt(name, deed):
    try:
        deed()
    except OSError:
        return
    print(name)
attempt("reads", lambda: Path(sys.argv[2]).read_text())
attempt("writes", lambda: Path(sys.argv[2] + ".new").write_text("x"))
attempt("connects", lambda: socket.create_connection(("127.0.0.1", int(sys.argv[3])), 2))
attempt("sends", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
attempt("draws", lambda: Path(sys.argv[1], "page-1.png").write_bytes(b"x"))
attempt("imports", lambda: __import__("pypdfium2"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="walls are Linux's")
def test_walls_leave_only_the_folder_for_pages(tmp_path: Path) -> None:
    """No other file, no network; what it needs to draw is there."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "secret").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = subprocess.run(
            [sys.executable, "-c", _TRIES, str(tmp_path / "pages"), str(tmp_path / "secret"),
             str(server.getsockname()[1])],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])},
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
    said = done.stdout.split()
    if said[0] == "none":
        pytest.skip("this system has no Landlock, or no filter of system calls")
    assert said[1:] == ["draws", "imports"]
