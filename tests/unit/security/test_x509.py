"""Certificates that Python alone has made, judged by OpenSSL; and which of them a cluster's folder keeps."""

from __future__ import annotations

import ssl
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kit.backends import certificates
from kit.backends.certificates import made_certificates
from kit.backends.x509 import Authority, Key, Validity
from kit.errors import StartError

NOW = datetime.now(UTC).replace(microsecond=0)
A_MONTH = Validity(NOW - timedelta(days=1), NOW + timedelta(days=30))
NAMES = ["localhost", "broker.example", "127.0.0.1", "::1"]


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> None:
    """One TLS handshake in memory.

    Raises:
        ssl.SSLError: one of the two refused.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = set(range(2))
    while waiting:
        for number in sorted(waiting):
            try:
                ends[number].do_handshake()
                waiting.discard(number)
            except ssl.SSLWantReadError:
                pass


def _server(folder: Path, names: list[str], validity: Validity = A_MONTH) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server with a new certificate, and of a client that trusts its authority."""
    authority = Authority("an authority", A_MONTH)
    for name, text in zip(("cert.pem", "key.pem"), authority.issue("a server", names, validity), strict=True):
        (folder / name).write_text(text, encoding="ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    client = ssl.create_default_context(cadata=authority.certificate)
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # what newer Pythons do by themselves
    return context, client


@pytest.mark.parametrize("host", NAMES)
def test_openssl_accepts_every_name(tmp_path: Path, host: str) -> None:
    """With the strictest checks, by name and by address."""
    _handshake(*_server(tmp_path, NAMES), host)


@pytest.mark.parametrize(
    ("host", "validity", "reason"),
    [
        ("other.example", A_MONTH, "Hostname mismatch"),
        ("192.0.2.1", A_MONTH, "IP address mismatch"),
        ("localhost", Validity(NOW - timedelta(days=9), NOW - timedelta(days=2)), "expired"),
        ("localhost", Validity(NOW + timedelta(days=2), NOW + timedelta(days=9)), "not yet valid"),
    ],
)
def test_openssl_sees_what_is_wrong(tmp_path: Path, host: str, validity: Validity, reason: str) -> None:
    """A certificate says for whom and for when it is, and nothing more."""
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        _handshake(*_server(tmp_path, ["localhost"], validity), host)


def test_other_authority_is_not_trusted(tmp_path: Path) -> None:
    """Having the same name makes no authority."""
    server, _ = _server(tmp_path, NAMES)
    client = ssl.create_default_context(cadata=Authority("an authority", A_MONTH).certificate)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(server, client, "localhost")


def test_key_shows_nothing() -> None:
    """A key's number is in its PEM text alone, and no two keys are the same."""
    key = Key()
    assert repr(key) == "Key()"
    assert key.point != Key().point
    assert len(key.point) == 65


def test_folder_keeps_its_certificates(tmp_path: Path) -> None:
    """A class that copied ca.pem goes on with it; other names, or one of the files gone, need new ones."""
    first = made_certificates(tmp_path, NAMES)
    texts = [Path(path).read_bytes() for path in first]
    assert made_certificates(tmp_path, reversed(NAMES)) == first
    assert [Path(path).read_bytes() for path in first] == texts
    made_certificates(tmp_path, [*NAMES, "another.example"])
    assert [Path(path).read_bytes() for path in first] != texts
    Path(first.key).unlink()
    made_certificates(tmp_path, [*NAMES, "another.example"])
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(first.certificate, first.key)


def test_certificate_that_ends_soon_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lesson shall not find out that its certificate ended in the night."""
    monkeypatch.setattr(certificates, "_LIFE", timedelta(days=29))
    first = Path(made_certificates(tmp_path, NAMES).certificate).read_bytes()
    monkeypatch.undo()
    assert Path(made_certificates(tmp_path, NAMES).certificate).read_bytes() != first


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes of files")
def test_only_the_owner_reads_the_key(tmp_path: Path) -> None:
    """The key is nobody else's from its first moment, also where a file of that name was open to all."""
    path = tmp_path / "tls" / "server-key.pem"
    path.parent.mkdir()
    path.write_text("something", encoding="ascii")
    path.chmod(0o666)
    made = made_certificates(tmp_path, NAMES)
    assert Path(made.key).stat().st_mode & 0o077 == 0


def test_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    """One sentence, with the folder."""
    (tmp_path / "tls").write_text("a file where the folder should be", encoding="ascii")
    with pytest.raises(StartError, match="No certificate can be written to"):
        made_certificates(tmp_path, NAMES)


def test_name_that_no_certificate_can_have(tmp_path: Path) -> None:
    """A host name with a label that is too long is refused in one sentence."""
    with pytest.raises(StartError, match="cannot be made for"):
        made_certificates(tmp_path, ["a" * 70 + ".example"])
