"""What `kit.connect` was called with: put together from arguments, properties and environment, and checked."""

from __future__ import annotations

import difflib
import os
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.client_properties import name_in_files, read_environment, read_properties, translate
from kit.client_settings import HIDDEN, ClientSettings, Secret
from kit.errors import ConnectError
from kit.listeners import SASL_MECHANISMS, SECURITY_PROTOCOLS

_FILES = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_crlfile")
_SASL = ("sasl_mechanism", "sasl_plain_username", "sasl_plain_password")
_TLS = (*_FILES, "ssl_password", "ssl_check_hostname", "ssl_context")
# Settings of connections that kafka-python's producer, consumer and admin client all take.
_NAMES = ("bootstrap_servers", "security_protocol", *_SASL, *_TLS, "client_dns_lookup")
_OFTEN_MEANT = {
    "username": "sasl_plain_username",
    "sasl_username": "sasl_plain_username",
    "user": "sasl_plain_username",
    "api_key": "sasl_plain_username",
    "password": "sasl_plain_password",
    "sasl_password": "sasl_plain_password",
    "api_secret": "sasl_plain_password",
    "protocol": "security_protocol",
    "mechanism": "sasl_mechanism",
    "sasl_mechanisms": "sasl_mechanism",
    "cafile": "ssl_cafile",
    "ssl_ca_location": "ssl_cafile",
    "bootstrap_server": "bootstrap_servers",
}
_EXAMPLES = {"sasl_mechanism": "PLAIN"}
_LAST_PORT = 65_535
_CERTIFICATE, _KEY = "-----BEGIN CERTIFICATE-----", "PRIVATE KEY-----"
_QUOTES = ("'", '"', "`")
_LONGEST_TIMEOUT_S = 600


def merged_settings(bootstrap_servers: object, properties: object, settings: Mapping[str, object]) -> ClientSettings:
    """All settings of a connection, checked.

    What an argument says goes before what the properties say. The environment is only looked at where neither of them
    has an address, so that its password goes to no other address than the one it was set for.

    Raises:
        ConnectError: one of them cannot be.
    """
    for name in settings:
        _check_name(name)
    given: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
    in_properties = _from(properties)
    found = {**in_properties, **given}
    if bootstrap_servers is not None:
        found["bootstrap_servers"] = bootstrap_servers
    if "bootstrap_servers" not in found:
        found = {**read_environment(), **found}
    if "bootstrap_servers" not in found and properties is not None:
        raise ConnectError(
            f"{_source(properties)} has no bootstrap.servers: add bootstrap.servers=host:9092 to it, or write "
            'kit.connect("host:9092", properties=...).'
        )
    if "bootstrap_servers" not in found:
        raise ConnectError(
            'No address is known: write kit.connect("host:9092"), or properties="client.properties", or set '
            "KAFKA_BOOTSTRAP_SERVERS in the environment (and KAFKA_API_KEY and KAFKA_API_SECRET for Confluent Cloud)."
        )
    addresses, protocol = _addresses(found["bootstrap_servers"])
    found["bootstrap_servers"] = ",".join(addresses)
    if protocol is not None:
        found.setdefault("security_protocol", protocol)
    written = _Written(
        "" if properties is None else _source(properties), frozenset(in_properties.keys() - given.keys())
    )
    return _checked(found, written)


def addresses_of(settings: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Host and port of each bootstrap address."""
    return [
        (host.strip("[]"), int(port))
        for address in settings["bootstrap_servers"].split(",")
        for host, _, port in [address.rpartition(":")]
    ]


def tls_context(settings: Mapping[str, Any]) -> ssl.SSLContext:
    """What kafka-python makes of the settings of TLS.

    Raises:
        ConnectError: a file does not hold what it should.
    """
    context: ssl.SSLContext | None = settings.get("ssl_context")
    if context is not None:
        return context
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = settings.get("ssl_check_hostname", True)
    cafile, certfile, crlfile = (settings.get(name) for name in ("ssl_cafile", "ssl_certfile", "ssl_crlfile"))
    try:
        if cafile is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cafile)
    except ssl.SSLError:
        raise ConnectError(
            f"ssl_cafile={cafile!r} holds no certificate: it must be a PEM file with -----BEGIN CERTIFICATE-----."
        ) from None
    try:
        if certfile is not None:
            # Without a password Python would ask for one at the terminal, where nobody may sit.
            context.load_cert_chain(certfile, settings.get("ssl_keyfile"), settings.get("ssl_password", ""))
        if crlfile is not None:
            context.load_verify_locations(crlfile)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    except (ssl.SSLError, ValueError) as error:
        trouble = _key_trouble(str(certfile), settings)
        if certfile is not None and trouble:
            raise ConnectError(trouble) from None
        raise ConnectError(
            f"ssl_certfile={certfile!r} cannot be used with its key or revocation list "
            f"({getattr(error, 'reason', None) or 'wrong password'}): they must be PEM files that belong "
            "together, and ssl_password must be the key's."
        ) from None
    return context


def _key_trouble(certfile: str, settings: Mapping[str, Any]) -> str | None:
    """What is wrong with the files of the client's certificate, if that can be seen from outside."""
    keyfile = settings.get("ssl_keyfile")
    certificate, key = _pem(certfile), _pem(keyfile or certfile)
    if _CERTIFICATE not in certificate:
        if _KEY in certificate and _CERTIFICATE in key:
            return f"ssl_certfile={certfile!r} holds a key, and ssl_keyfile={keyfile!r} a certificate: change places."
        return (
            f"ssl_certfile={certfile!r} holds no certificate in PEM form. "
            f'If it is a PKCS#12 key store, this makes one: openssl pkcs12 -in "{certfile}" -nodes -out client.pem'
        )
    if _KEY not in key:
        if keyfile is None:
            return f"ssl_keyfile is missing: ssl_certfile={certfile!r} holds a certificate without its key."
        return f"ssl_keyfile={keyfile!r} holds no key in PEM form."
    if "ENCRYPTED" in key and not settings.get("ssl_password"):
        return f"The key in {keyfile or certfile} is encrypted: give its password as ssl_password."
    return None


def _pem(path: str) -> str:
    return Path(path).read_bytes().decode("ascii", "replace")


def checked_timeout_s(value: object) -> float:
    """A time to wait, in seconds.

    Raises:
        ConnectError: nobody could wait for that.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= _LONGEST_TIMEOUT_S:
        raise ConnectError(f"timeout_s={value!r} is not possible: give seconds, such as 10, and not more than 600.")
    return float(value)


# -- pieces ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Written:
    """Where settings were written, so that an error has the names that are found there.

    Attributes:
        source: the properties file; empty when there is none.
        names: of the settings that come from it.
    """

    source: str
    names: frozenset[str]

    def name(self, setting: str) -> str:
        """As it is written."""
        return f"{self.source}: {name_in_files(setting)}" if setting in self.names else setting

    def line(self, setting: str, *values: str) -> str:
        """How to write it."""
        if self.source:
            return f"{' or '.join(f'{name_in_files(setting)}={value}' for value in values)} in {self.source}"
        return f"{setting}={' or '.join(repr(value) for value in values)}"


def _source(properties: object) -> str:
    return "properties=" if isinstance(properties, Mapping) else str(properties)


def _from(properties: object) -> dict[str, object]:
    if properties is None:
        return {}
    if isinstance(properties, Mapping):
        return translate(properties)
    if isinstance(properties, str | os.PathLike):
        return read_properties(properties)
    raise ConnectError(
        "properties= takes the name of a file, or a dictionary like {'bootstrap.servers': 'host:9092'}, "
        f"not {type(properties).__name__}."
    )


def _check_name(name: str) -> None:
    if name in _NAMES:
        return
    if "." in name:
        raise ConnectError(f"{name!r} is a name for properties files: write properties={{{name!r}: ...}}.")
    near = [_OFTEN_MEANT[name]] if name in _OFTEN_MEANT else difflib.get_close_matches(name, _NAMES, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"They are {', '.join(_NAMES)}."
    raise ConnectError(f"kit.connect has no setting {name!r}. {hint}")


def _addresses(value: object) -> tuple[list[str], str | None]:
    """Each address as host:port, and the security protocol that one of them names, as SASL_SSL://host:9092 does."""
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(parts, bytes) or not isinstance(parts, Iterable):
        raise ConnectError(f'bootstrap_servers={value!r} is no address: write "host:9092".')
    found, protocol = list[str](), None
    for part in parts:
        text = part.strip() if isinstance(part, str) else ""
        scheme, _, rest = text.rpartition("://")
        if scheme.upper() in SECURITY_PROTOCOLS:
            protocol, text = scheme.upper(), rest
        elif scheme:
            raise ConnectError(f'"{text}" is a web address: Kafka\'s clients take host:port, such as "host:9092".')
        found.append(_address(text, part))
    if not found:
        raise ConnectError('bootstrap_servers is empty: write "host:9092".')
    return found, protocol


def _address(text: str, part: object) -> str:
    if "@" in text:  # what is before it may be a password
        raise ConnectError(
            "An address has an @ in it: user name and password have settings of their own, sasl_plain_username and "
            "sasl_plain_password."
        )
    if text[:1] in _QUOTES or text[-1:] in _QUOTES:
        raise ConnectError(f"The address {part!r} is in quotation marks: leave them out.")
    host, colon, port = text.rpartition(":")
    if text.isascii() and text.isdigit():
        raise ConnectError(
            f'The address {part!r} is a port only: write "127.0.0.1:{text}" if that is on this computer.'
        )
    if not colon or ("." in text and text.endswith("]")):
        raise ConnectError(
            f'The address {part!r} has no port: write "{text or "host"}:9092" if the broker listens there.'
        )
    if port.isascii() and port.isdigit() and not 0 < int(port) <= _LAST_PORT:
        raise ConnectError(
            f'The address {part!r} has a port that there is not: they go from 1 to {_LAST_PORT}, write "{host}:9092".'
        )
    if not port.isascii() or not port.isdigit():
        begun = re.match(r"[0-9]{1,5}", port)
        raise ConnectError(
            f'The address {part!r} has no port after its colon: write "{host or "host"}:{begun[0] if begun else 9092}".'
        )
    if not re.fullmatch(r"\[[0-9A-Fa-f:.%\w]+\]|[^\s:/@\[\]]+", host):
        raise ConnectError(f'The address {part!r} has no computer before its colon: write "host:{port}".')
    return text


def _checked(found: dict[str, Any], written: _Written) -> ClientSettings:
    protocol = found["security_protocol"] = str(found.get("security_protocol", "PLAINTEXT")).upper()
    if protocol not in SECURITY_PROTOCOLS:
        raise ConnectError(
            f"{written.name('security_protocol')}={protocol!r} is not possible: "
            f"it is one of {', '.join(SECURITY_PROTOCOLS)}."
        )
    if protocol.startswith("SASL"):
        _check_login(found, protocol, written)
    _check_fits(found, protocol, written)
    for name in _FILES:
        if name in found:
            found[name] = _file(written.name(name), found[name])
    if "ssl_keyfile" in found and "ssl_certfile" not in found:
        raise ConnectError(
            "ssl_keyfile is given without ssl_certfile: a client shows both, the key and its certificate."
        )
    if not isinstance(found.get("ssl_check_hostname", True), bool):
        raise ConnectError(f"ssl_check_hostname={found['ssl_check_hostname']!r} is not possible: True or False.")
    if not isinstance(found.get("ssl_context"), ssl.SSLContext | None):
        raise ConnectError("ssl_context is no ssl.SSLContext: leave it out, and ssl_cafile says whom to trust.")
    return ClientSettings(found)


def _check_login(found: dict[str, Any], protocol: str, written: _Written) -> None:
    missing = [name for name in _SASL if not found.get(name)]
    if missing and written.source:
        lines = " and ".join(f"{name_in_files(name)}={_EXAMPLES.get(name, '...')}" for name in missing)
        raise ConnectError(
            f"{written.source} has no {' and no '.join(map(name_in_files, missing))}, which {protocol} needs: add "
            f"{lines} to it, or give {' and '.join(missing)} to kit.connect."
        )
    if missing:
        raise ConnectError(
            f"security_protocol={protocol!r} also needs {' and '.join(missing)}: "
            'kit.connect(..., sasl_mechanism="PLAIN", sasl_plain_username=..., sasl_plain_password=getpass()).'
        )
    mechanism = found["sasl_mechanism"] = str(found["sasl_mechanism"]).upper()
    if mechanism not in SASL_MECHANISMS:
        raise ConnectError(
            f"{written.name('sasl_mechanism')}={mechanism!r} is not possible here: "
            f"it is one of {', '.join(SASL_MECHANISMS)}."
        )
    for name in ("sasl_plain_username", "sasl_plain_password"):
        if not isinstance(found[name], str):
            raise ConnectError(f"{name} is a {type(found[name]).__name__}: it must be text.")
        if found[name] != found[name].strip():
            raise ConnectError(
                f"{written.name(name)} begins or ends with a space or a line break: was it pasted with one?"
            )
    if found["sasl_plain_password"] == HIDDEN and isinstance(found["sasl_plain_password"], Secret):
        raise ConnectError(
            "The password of these settings was hidden when they were saved: give sasl_plain_password again."
        )


def _check_fits(found: Mapping[str, Any], protocol: str, written: _Written) -> None:
    """Settings that the protocol would not use are a sign that another was meant."""
    has_tls = "SSL" in protocol or any(name in found for name in _TLS)
    for names, is_used, meant in [
        (_SASL, protocol.startswith("SASL"), ["SASL_SSL"] if has_tls else ["SASL_PLAINTEXT", "SASL_SSL"]),
        (_TLS, "SSL" in protocol, ["SASL_SSL" if protocol.startswith("SASL") else "SSL"]),
    ]:
        given = [name for name in names if name in found]
        if given and not is_used:
            raise ConnectError(
                f"{written.name(given[0])} is given, but security_protocol is {protocol}, which does not use it: "
                f"write {written.line('security_protocol', *meant)}."
            )


def _file(name: str, path: object) -> str:
    try:
        full = Path(path).expanduser()  # type: ignore[arg-type]  # whatever it is, the error says so
        with full.open("rb"):
            return str(full)
    except FileNotFoundError:
        raise ConnectError(f"{name}={str(path)!r}: there is no such file here ({Path.cwd()}).") from None
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        raise ConnectError(f"{name}={path!r} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
