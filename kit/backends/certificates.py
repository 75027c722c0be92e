"""The certificates that the kit makes for its own clusters, in a folder of the cluster's.

``ca.pem`` is what clients trust, ``server.pem`` and ``server-key.pem`` are the brokers'. The authority's own key is
thrown away at once, so nobody can make another certificate that those clients would trust. A later start on the same
folder finds them again: a class that has copied ``ca.pem`` can go on with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from kit.backends.x509 import Authority, Validity
from kit.errors import StartError

FOLDER = "tls"
_CA_NAME, _SERVER_NAME = "Kafka teaching kit", "Kafka broker"
_LIFE = timedelta(days=397)  # more is refused by some systems
_SLACK = timedelta(days=1)  # clocks differ
_MUST_LAST = timedelta(days=30)
_NOTE = "Made by the kit for"


class Certificates(NamedTuple):
    """Paths of PEM files."""

    ca: str
    certificate: str
    key: str


def made_certificates(data_dir: Path, names: Iterable[str]) -> Certificates:
    """Certificates for brokers that are called by these host names and addresses, made now or found in the folder.

    Raises:
        StartError: the folder cannot be written to.
    """
    folder = data_dir / FOLDER
    paths = Certificates(*(str(folder / name) for name in ("ca.pem", "server.pem", "server-key.pem")))
    wanted = sorted(set(names))
    try:
        if not _are_usable(paths, wanted):
            _make(folder, paths, wanted)
    except OSError as error:
        raise StartError(
            f"No certificate can be written to {folder} ({error.strerror}): choose another data_dir."
        ) from error
    except UnicodeError as error:
        raise StartError(f"A certificate cannot be made for {', '.join(wanted)}: {error}.") from error
    return paths


def _are_usable(paths: Certificates, wanted: list[str]) -> bool:
    if not all(Path(path).exists() for path in paths):
        return False
    note = Path(paths.certificate).read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    made_for, _, until = note.removeprefix(_NOTE).rpartition(" until ")
    try:
        lasts = datetime.fromisoformat(until) - datetime.now(UTC)
    except (ValueError, TypeError):
        return False
    return made_for.split() == wanted and lasts > _MUST_LAST


def _make(folder: Path, paths: Certificates, names: list[str]) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    validity = Validity(now - _SLACK, now + _LIFE)
    authority = Authority(_CA_NAME, validity)
    certificate, key = authority.issue(_SERVER_NAME, names, validity)
    folder.mkdir(parents=True, exist_ok=True)
    note = f"{_NOTE} {' '.join(names)} until {validity.not_after.isoformat()}\n"  # PEM lets text stand before
    _write(paths.key, key, mode=0o600)
    _write(paths.ca, authority.certificate, mode=0o644)
    _write(paths.certificate, note + certificate, mode=0o644)  # last: without it nothing is usable


def _write(path: str, text: str, *, mode: int) -> None:
    Path(path).unlink(missing_ok=True)  # another's file would keep its mode
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
