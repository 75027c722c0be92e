"""A registry of images on this computer with one image that is no Kafka, and one name whose every pull is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_JSON = "application/json"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
NOT_KAFKA, TOO_MANY = "no/kafka:1", "too/many:1"


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _layer() -> bytes:
    """One file of a megabyte: long enough to be told about while it is pulled."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        entry = tarfile.TarInfo("file")
        entry.size = 1_000_000
        archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return written.getvalue()


def _error(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


def _image() -> tuple[bytes, dict[str, bytes]]:
    """A manifest, and what it names, by digest."""
    plain = _layer()
    layer = gzip.compress(plain, compresslevel=0, mtime=0)
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/no-such-program"]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(plain)]},
    }).encode()  # fmt: skip
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": _MANIFEST,
        "config": {"mediaType": _CONFIG, "size": len(config), "digest": _digest(config)},
        "layers": [{"mediaType": _LAYER, "size": len(layer), "digest": _digest(layer)}],
    }).encode()  # fmt: skip
    return manifest, {_digest(each): each for each in (layer, config)}


class _Handler(BaseHTTPRequestHandler):
    manifest, blobs = _image()

    def do_GET(self) -> None:
        """Answer."""
        self.wfile.write(self._head())

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self._head()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _head(self) -> bytes:
        status, kind, body = self._found(self.path.removeprefix("/v2/"))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Content-Digest", _digest(body))
        self.end_headers()
        return body

    def _found(self, path: str) -> tuple[int, str, bytes]:
        if not path:
            return 200, _JSON, b"{}"
        if path.startswith("too/many/"):
            return 429, _JSON, _error("TOOMANYREQUESTS", "You have reached your pull rate limit")
        if path.startswith("no/kafka/manifests/"):
            return 200, _MANIFEST, self.manifest
        blob = self.blobs.get(path.rpartition("/")[2])
        if blob is None:
            return 404, _JSON, _error("MANIFEST_UNKNOWN", "manifest unknown")
        return 200, "application/octet-stream", blob


class Registry:
    """Serves until it is closed.

    Attributes:
        host: what stands before an image's name.
    """

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
