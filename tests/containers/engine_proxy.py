"""A way to the Docker engine that can be closed: stands in for an engine that stops while a cluster runs on it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit


class EngineProxy:
    """Hands everything through from a socket of its own to the engine's.

    Args:
        path: of its socket; a short one.
        engine: of the real one.
    """

    def __init__(self, path: Path, engine: str) -> None:
        self.address = f"unix://{path}"
        self._engine = engine
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """From now on nobody answers; what is on its way breaks off."""
        for sock in [self._listener, *(sock for pair in self._pairs for sock in pair)]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                engine = socket.socket(socket.AF_UNIX)
                self._pairs.append((client, engine))
                engine.connect(self._engine)
                for pair in ((client, engine), (engine, client)):
                    threading.Thread(target=_pass_on, args=pair, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def engine_path() -> str:
    """The socket of the engine that tests use."""
    return urlsplit(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")).path
