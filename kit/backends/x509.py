"""Certificates for clusters on this computer, made by Python alone: an authority, and what it vouches for.

The keys are of the curve P-256, which every TLS library knows. TLS itself is OpenSSL's; here is only what has to be
written down once, before a cluster starts: a point on a curve, a signature, a few nested structures. Python's library
reads certificates and makes none, and many a laptop has no ``openssl`` command.
Source: SEC 1 (curves, ECDSA), FIPS 186-4 (the curve's numbers), X.690 (DER), RFC 5280 (certificates), RFC 5958 (keys).
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

# -- the curve y^2 = x^3 - 3x + b modulo _P; adding _G to itself _N times is the point at infinity, here None ----

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_KEY_BYTES = 32

_Point = tuple[int, int]


def _sum(a: _Point | None, b: _Point | None) -> _Point | None:
    if a is None or b is None:
        return b if a is None else a
    if a[0] != b[0]:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, _P)
    elif a[1] == b[1] != 0:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, _P)
    else:
        return None
    x = (slope * slope - a[0] - b[0]) % _P
    return x, (slope * (a[0] - x) - a[1]) % _P


def _multiple(factor: int) -> _Point:
    """``factor`` times the base point, for 0 < factor < _N."""
    total: _Point | None = None
    doubled: _Point | None = _G
    while factor:
        if factor & 1:
            total = _sum(total, doubled)
        doubled = _sum(doubled, doubled)
        factor >>= 1
    if total is None:
        raise ValueError("a multiple of the order of the curve is no key")
    return total


def _chance() -> int:
    return secrets.randbelow(_N - 1) + 1


@dataclass(frozen=True, slots=True)
class Key:
    """A private key; nothing shows it but `pem`."""

    _secret: int = field(default_factory=_chance, repr=False)

    @property
    def point(self) -> bytes:
        """The public key, as certificates have it."""
        x, y = _multiple(self._secret)
        return b"\4" + x.to_bytes(_KEY_BYTES) + y.to_bytes(_KEY_BYTES)

    def sign(self, message: bytes) -> bytes:
        """An ECDSA signature with SHA-256."""
        digest = int.from_bytes(hashlib.sha256(message).digest())
        while True:
            nonce = _chance()
            r = _multiple(nonce)[0] % _N
            s = pow(nonce, -1, _N) * (digest + r * self._secret) % _N
            if r and s:
                return _sequence(_integer(r), _integer(s))

    def pem(self) -> str:
        """The private key as a PEM text, not encrypted."""
        secret = _tagged(0x04, self._secret.to_bytes(_KEY_BYTES))
        own = _sequence(_integer(1), secret, _tagged(0xA1, _bits(self.point)))
        return _pem("PRIVATE KEY", _sequence(_integer(0), _P256, _tagged(0x04, own)))


# -- DER: a tag, a length, the content ---------------------------------------------------------------------------


def _tagged(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def _sequence(*parts: bytes) -> bytes:
    return _tagged(0x30, *parts)


def _integer(value: int) -> bytes:
    return _tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1))  # a leading zero bit: it is not negative


def _bits(content: bytes, unused: int = 0) -> bytes:
    return _tagged(0x03, bytes([unused]), content)


def _object_id(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray([40 * first + second])
    for number in rest:
        septets = [number & 0x7F]
        while number := number >> 7:
            septets.append(0x80 | number & 0x7F)
        content += bytes(reversed(septets))
    return _tagged(0x06, bytes(content))


def _time(when: datetime) -> bytes:
    return _tagged(0x17, when.strftime("%y%m%d%H%M%SZ").encode())  # until 2049


def _name(common_name: str) -> bytes:
    return _sequence(_tagged(0x31, _sequence(_object_id("2.5.4.3"), _tagged(0x0C, common_name.encode()))))


def _extension(object_id: str, *content: bytes, critical: bool = False) -> bytes:
    flag = _tagged(0x01, b"\xff") if critical else b""
    return _sequence(_object_id(object_id), flag, _tagged(0x04, *content))


def _pem(label: str, der: bytes) -> str:
    text = base64.b64encode(der).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


_P256 = _sequence(_object_id("1.2.840.10045.2.1"), _object_id("1.2.840.10045.3.1.7"))
_ECDSA_SHA256 = _sequence(_object_id("1.2.840.10045.4.3.2"))
_BASIC_CONSTRAINTS, _KEY_USAGE, _EXTENDED_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
_ALTERNATIVE_NAMES, _SUBJECT_KEY_ID, _AUTHORITY_KEY_ID = "2.5.29.17", "2.5.29.14", "2.5.29.35"
_SERVER, _CLIENT = _object_id("1.3.6.1.5.5.7.3.1"), _object_id("1.3.6.1.5.5.7.3.2")
_SIGNS_CERTIFICATES, _SIGNS_DATA = _bits(b"\x04", 2), _bits(b"\x80", 7)


# -- certificates ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate holds, in UTC."""

    not_before: datetime
    not_after: datetime


class Authority:
    """A certificate that vouches for others. Its key is nowhere but in this object.

    Args:
        name: its common name.
    """

    def __init__(self, name: str, validity: Validity) -> None:
        self._key = Key()
        self._name = name
        self.certificate = self._vouch(
            name,
            validity,
            self._key.point,
            _extension(_BASIC_CONSTRAINTS, _sequence(_tagged(0x01, b"\xff"), _integer(0)), critical=True),
            _extension(_KEY_USAGE, _SIGNS_CERTIFICATES, critical=True),
        )
        """The PEM text that clients trust."""

    def issue(self, name: str, alternative_names: Iterable[str], validity: Validity) -> tuple[str, str]:
        """The PEM texts of a certificate, for servers and clients, and of its key.

        Args:
            name: the common name.
            alternative_names: host names and IP addresses that a server may be called by.
        """
        key = Key()
        names = [_alternative_name(each) for each in alternative_names]
        certificate = self._vouch(
            name,
            validity,
            key.point,
            _extension(_BASIC_CONSTRAINTS, _sequence(), critical=True),
            _extension(_KEY_USAGE, _SIGNS_DATA, critical=True),
            _extension(_EXTENDED_KEY_USAGE, _sequence(_SERVER, _CLIENT)),
            *([_extension(_ALTERNATIVE_NAMES, _sequence(*names))] if names else []),
        )
        return certificate, key.pem()

    def _vouch(self, name: str, validity: Validity, point: bytes, *extensions: bytes) -> str:
        key_ids = [
            _extension(_SUBJECT_KEY_ID, _tagged(0x04, _key_id(point))),
            _extension(_AUTHORITY_KEY_ID, _sequence(_tagged(0x80, _key_id(self._key.point)))),
        ]
        body = _sequence(
            _tagged(0xA0, _integer(2)),  # version 3
            _integer(secrets.randbits(120) + 1),
            _ECDSA_SHA256,
            _name(self._name),
            _sequence(_time(validity.not_before), _time(validity.not_after)),
            _name(name),
            _sequence(_P256, _bits(point)),
            _tagged(0xA3, _sequence(*extensions, *key_ids)),
        )
        return _pem("CERTIFICATE", _sequence(body, _ECDSA_SHA256, _bits(self._key.sign(body))))


def _key_id(point: bytes) -> bytes:
    return hashlib.sha256(point).digest()[:20]


def _alternative_name(name: str) -> bytes:
    try:
        return _tagged(0x87, ipaddress.ip_address(name).packed)
    except ValueError:
        return _tagged(0x82, name.encode("idna"))
