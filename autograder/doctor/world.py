"""What an instructor has beside a submission, all of it open to the grader's user, none of it for students."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOLUTION = "the-solution"


@dataclass(frozen=True)
class World:
    """Where things are.

    Attributes:
        course: a folder with source/, submitted/ and gradebook.db.
        port: of a TCP service that gives out the solution.
        datagrams: a bound UDP socket.
        spoken: the name of an abstract socket that listens.
        named: the path of a socket that listens.
        bystander: the pid of a process of the same user; its command line has the solution's name.
    """

    course: Path
    port: int
    datagrams: socket.socket
    spoken: str
    named: Path
    bystander: int


@contextlib.contextmanager
def build(user: int | None = None, group: int | None = None) -> Iterator[World]:
    """Make it, and take it away.

    Args:
        user, group: whose it is to be, where root makes it for somebody else.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield from _fill(Path(folder), user, group)


def _fill(folder: Path, user: int | None, group: int | None) -> Iterator[World]:
    course = folder / "course"
    for name in ("source", "submitted/classmate"):
        (course / name).mkdir(parents=True)
    (course / "source" / "solution.ipynb").write_text(SOLUTION)
    (course / "submitted" / "classmate" / "work.ipynb").write_text(SOLUTION)
    with sqlite3.connect(course / "gradebook.db") as gradebook:
        gradebook.execute("create table score (student, points)")
        gradebook.execute("insert into score values ('student', 0)")
    gradebook.close()
    with contextlib.ExitStack() as opened:
        served = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        datagrams = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(("127.0.0.1", 0))
        spoken, named = f"autograder-world-{os.getpid()}", course / "engine.sock"
        listening = [opened.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2)]
        for each, address in zip(listening, ("\0" + spoken, str(named)), strict=True):
            each.bind(address)
            each.listen()
        _open_to_all(folder, course, user, group)
        stopped = threading.Event()
        giving = threading.Thread(target=_give_out, args=(served, stopped))
        giving.start()
        bystander = subprocess.Popen(["sleep", "3600.25"], env={"ANSWER": SOLUTION}, user=user, group=group)
        try:
            yield World(course, served.getsockname()[1], datagrams, spoken, named, bystander.pid)
        finally:
            stopped.set()
            giving.join()
            bystander.kill()
            bystander.wait()


def _open_to_all(folder: Path, course: Path, user: int | None, group: int | None) -> None:
    """As if it were the grader's own."""
    folder.chmod(0o755)
    for path in (course, *course.rglob("*")):
        path.chmod(0o777)
        if user is not None and group is not None:
            os.chown(path, user, group)


def _give_out(served: socket.socket, stopped: threading.Event) -> None:
    served.settimeout(0.1)
    while not stopped.is_set():
        with contextlib.suppress(TimeoutError):
            client, _ = served.accept()
            with client:
                client.sendall(SOLUTION.encode())
