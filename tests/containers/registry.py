"""A registry of images on this computer with one image that is no Kafka, and one name whose every pull is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
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


def _error(status: int, code: str, message: str) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps({"errors": [{"code": code, "message": message}]}).encode()


class Registry:
    """Serves until it is closed.

    Attributes:
        host: what stands before an image's name.
    """

    def __init__(self) -> None:
        plain = _layer()
        layer = gzip.compress(plain, compresslevel=0, mtime=0)
        config = json.dumps({
            "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/no-such-program"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(plain)]},
        }).encode()  # fmt: skip
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": _MANIFEST,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config),
                "digest": _digest(config),
            },
            "layers": [{
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": len(layer),
                "digest": _digest(layer),
            }],
        }).encode()  # fmt: skip
        blobs = {_digest(each): each for each in (layer, config)}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(with_body=True)

            def do_HEAD(self) -> None:
                self._answer(with_body=False)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def _answer(self, *, with_body: bool) -> None:
                status, kind, body = self._found()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Docker-Content-Digest", _digest(body))
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

            def _found(self) -> tuple[int, str, bytes]:
                _, _, rest = self.path.partition("/v2/")
                if not rest:
                    return 200, "application/json", b"{}"
                if rest.startswith("too/many/"):
                    return _error(429, "TOOMANYREQUESTS", "You have reached your pull rate limit")
                if rest.startswith("no/kafka/manifests/"):
                    return 200, _MANIFEST, manifest
                body = blobs.get(rest.rpartition("/")[2])
                if body is None:
                    return _error(404, "MANIFEST_UNKNOWN", "manifest unknown")
                return 200, "application/octet-stream", body

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
