"""`start`: a service that lives on when this process ends."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from kit.backends.child import spawn
from kit.errors import StartError
from kit.service import folder
from kit.service.service import Service, find

_START_TIMEOUT_S = 60.0
_DOCKER_TIMEOUT_S = 900.0  # an image may have to be fetched first
_END_TIMEOUT_S = 15.0


def start(name: str, settings: Mapping[str, Any], *, kind: str) -> Service:
    """Start a cluster in a process of its own, and wait until it answers.

    Args:
        name: what it is found as; no other one of that name may run.
        settings: the keywords of `kit.start`, and "backend"; listeners as dictionaries of `kit.Listener`'s keywords.
            Passwords in them reach the process over a pipe, and no disk.
        kind: what it is for, see `kit.service.running`.

    Raises:
        StartError: one of that name runs already, or it cannot start.
    """
    folder.check_name(name)
    folder.made_clusters()
    request = {"name": name, "kind": kind, "settings": _told(settings)}
    try:
        line = json.dumps(request).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise StartError(f"The settings of the cluster {name!r} have a value that is no plain one: {error}.") from error
    is_docker = settings.get("backend") == "docker"
    answer = _answer_to(line, name, _DOCKER_TIMEOUT_S if is_docker else _START_TIMEOUT_S)
    if "error" in answer:
        raise StartError(answer["error"])
    service = find(name)
    if service is None:
        raise StartError(f"The cluster {name!r} started and ended at once: try again.")
    return service


def _told(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they mean the same in a process that works in another folder."""
    told = dict(settings)
    if told.get("data_dir"):
        told["data_dir"] = str(Path(os.fspath(told["data_dir"])).expanduser().absolute())
    return told


def _answer_to(line: bytes, name: str, timeout_s: float) -> dict[str, Any]:
    """Start the process, and return the first thing it says."""
    with tempfile.TemporaryFile() as stderr:
        try:
            process = spawn("kit.service.__main__", stderr, is_detached=True)
        except OSError as error:
            raise StartError(
                f"No process for the cluster {name!r} can be started: {error}. Close some programs, then try again."
            ) from error
        first: Future[bytes] = Future()
        # It reads to the end and then waits, so that no zombie is left while this process lives.
        threading.Thread(target=_read, args=(process, first), name=f"service {name}", daemon=True).start()
        try:
            _write(process, line)
            said = first.result(timeout_s)
        except BaseException as error:  # an interrupt too must not leave it behind
            _end(process)
            if isinstance(error, TimeoutError):
                raise StartError(
                    f"The cluster {name!r} did not start within {timeout_s:.0f} seconds: "
                    "the computer may be very busy, so try again."
                ) from None
            raise
        if not said:
            stderr.seek(0)
            raise StartError(
                f"The process of the cluster {name!r} ended while starting; its last words:\n"
                + stderr.read()[-2_000:].decode("utf-8", "replace")
            )
        answer: dict[str, Any] = json.loads(said)
        return answer


def _write(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(line)
        process.stdin.close()
    except OSError:  # it ended at once: what it said tells why
        pass


def _read(process: subprocess.Popen[bytes], first: Future[bytes]) -> None:
    assert process.stdout is not None
    with process.stdout as stdout:
        first.set_result(stdout.readline())
        stdout.read()
    process.wait()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
