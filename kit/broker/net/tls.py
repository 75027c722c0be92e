"""TLS on one connection, behind the few calls of a socket that a connection makes.

OpenSSL does the work, on a non-blocking socket: the handshake happens a piece at a time, whenever bytes arrive, and
never holds up the loop. Log segments cannot go from file to socket by themselves here (``sendfile``): they are read and
encrypted.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kit.broker.net.framing import InvalidFrame
from kit.broker.net.outbox import Buffer, Outbox, StreamSocket

_RECORD_BYTES = 16_384  # the most that one TLS record holds
_SHORT = {
    "commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C",
    "localityName": "L", "stateOrProvinceName": "ST",
}  # fmt: skip


class TlsError(Exception):
    """A certificate or a key cannot be used; the text says which, and what is wrong with it."""


def server_context(certificate: str, key: str, client_ca: str | None) -> ssl.SSLContext:
    """What all TLS connections of a listener share.

    Args:
        certificate, key: PEM files.
        client_ca: a PEM file: clients need a certificate that this one vouches for. None asks them for none.

    Raises:
        TlsError: a file cannot be read, or the files do not fit together.
    """
    _read("ssl_certificate", certificate)
    if b"ENCRYPTED" in _read("ssl_key", key):
        raise TlsError(
            f"ssl_key={key!r} is encrypted: `openssl pkey -in {Path(key).name} -out plain-key.pem` writes it without "
            "a password."
        )
    if client_ca is not None:
        _read("ssl_client_ca", client_ca)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")  # else OpenSSL may ask at the terminal
    except ssl.SSLError as error:
        raise TlsError(_why_unusable(certificate, key, error)) from error
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except ssl.SSLError as error:
            raise TlsError(f"ssl_client_ca={client_ca!r} holds no certificate in PEM form.") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _read(name: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise TlsError(f"{name}={path!r} cannot be read ({reason}): give the path of a PEM file.") from error


def _why_unusable(certificate: str, key: str, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return (
            f"ssl_key={key!r} is not the key of ssl_certificate={certificate!r}: take the two that were made together."
        )
    if "TOO_SMALL" in (error.reason or ""):
        return (
            f"ssl_certificate={certificate!r} has a key that is too short to be safe: make one with at least 2048 bits."
        )
    return (
        f"ssl_certificate={certificate!r} and ssl_key={key!r} are no certificate and key in PEM form, which begins "
        f'with "-----BEGIN" ({error.reason or "they hold nothing"}).'
    )


class TlsSocket:
    """A socket whose other end speaks TLS.

    Args:
        on_established: called when the handshake is done, before the first bytes of the client are handed out.

    Attributes:
        wants_write: whether the handshake cannot go on before the socket takes more.
    """

    def __init__(self, sock: ssl.SSLSocket, on_established: Callable[[], None]) -> None:
        self._sock = sock
        self._on_established = on_established
        self._is_established = False
        self.wants_write = False

    def fileno(self) -> int:
        """The descriptor, to wait for."""
        return self._sock.fileno()

    @property
    def has_pending(self) -> bool:
        """Whether bytes of the client are here that the descriptor no longer announces."""
        return self._is_established and self._sock.pending() > 0

    @property
    def client_name(self) -> str | None:
        """The subject of the client's certificate as Kafka writes it ("CN=ann,O=school"); None if it has none."""
        certificate = self._sock.getpeercert()
        return _subject(certificate) if certificate else None

    def recv_into(self, buffer: memoryview, /) -> int:
        """Fill some of ``buffer``; how many bytes, 0 at the end. ``BlockingIOError`` when nothing is there.

        Raises:
            InvalidFrame: the client does not speak TLS as it should.
        """
        if not self._is_established:
            self._shake_hands()
        try:
            return self._sock.recv_into(buffer)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        except ssl.SSLEOFError:
            return 0
        except ssl.SSLError as error:
            raise InvalidFrame(_why_failed(error)) from error

    def _shake_hands(self) -> None:
        self.wants_write = False
        try:
            self._sock.do_handshake()
        except ssl.SSLWantReadError:
            raise BlockingIOError from None
        except ssl.SSLWantWriteError:
            self.wants_write = True
            raise BlockingIOError from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise ConnectionResetError("it hung up during the TLS handshake") from None
        except ssl.SSLError as error:
            raise InvalidFrame(_why_failed(error)) from error
        self._is_established = True
        self._on_established()

    def send(self, data: Buffer, /) -> int:
        """Take some of ``data``; how many bytes. ``BlockingIOError`` when full: then the same bytes must come again."""
        try:
            return self._sock.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def close(self) -> None:
        """Say goodbye as far as the socket takes it at once, and give the descriptor back."""
        if self._is_established:
            with contextlib.suppress(OSError, ValueError):  # the client has gone, or has not said goodbye yet
                self._sock.unwrap()
        self._sock.close()


class TlsOutbox(Outbox):
    """An outbox that fills TLS records: each costs a header, a checksum and a system call."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(portable=True)

    def _send_buffers(self, sock: StreamSocket) -> None:
        joined = bytearray()
        for chunk in self._chunks:
            if not isinstance(chunk, Buffer):
                break
            if not joined and len(chunk) >= _RECORD_BYTES:
                self._drop(sock.send(chunk))
                return
            joined += chunk[: _RECORD_BYTES - len(joined)]
            if len(joined) == _RECORD_BYTES:
                break
        self._drop(sock.send(joined))


def _why_failed(error: ssl.SSLError) -> str:
    reason = error.reason or "no reason given"
    if "ALERT" in reason:
        said = reason.split("ALERT_")[-1].replace("_", " ").lower()
        return f"the client ended the TLS handshake: {said} (it may not trust this certificate)"
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return "the client showed no certificate, which this listener asks for (ssl.client.auth=required)"
    if reason == "CERTIFICATE_VERIFY_FAILED":
        why = getattr(error, "verify_message", "nobody vouches for it")
        return f"the client's certificate is refused: {why}"
    if reason == "UNEXPECTED_MESSAGE":  # such as an alert in place of the first message: librdkafka when it gives up
        return "the client broke off the TLS handshake, or garbled it (unexpected message)"
    if reason in ("NO_SHARED_CIPHER", "UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW"):
        return f"the client speaks a TLS that is too old ({reason.replace('_', ' ').lower()})"
    return "the client does not speak TLS, as this listener does (set its security.protocol to SSL or SASL_SSL)"


def _subject(certificate: Mapping[str, Any]) -> str:
    return ",".join(
        f"{_SHORT.get(key, key)}=" + value.replace("\\", "\\\\").replace(",", "\\,")
        for relative_name in reversed(certificate.get("subject", ()))
        for key, value in relative_name
    )
