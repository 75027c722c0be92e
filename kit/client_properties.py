"""How clients reach a cluster, read from a properties file as Java and librdkafka take it, or from the environment.

Most of what such a file holds is for producers and consumers and says nothing about how the cluster is reached; that is
left out. But a setting whose name only looks like one of the others is refused, and so is one that would make
the connection less safe than its author believes. No text of an error holds a value that may be a secret.

Source: Java's ``Properties.load``; "Kafka configuration" of Apache Kafka and of librdkafka.
"""

from __future__ import annotations

import codecs
import contextlib
import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, NoReturn

from kit.errors import ConnectError

# What is read from the environment, the first that is there. Source: the names in Confluent's tools and quick starts.
BOOTSTRAP_VARIABLES = ("KAFKA_BOOTSTRAP_SERVERS", "CONFLUENT_BOOTSTRAP_SERVERS", "BOOTSTRAP_SERVERS")
_ENVIRONMENT = {
    "sasl_plain_username": ("KAFKA_API_KEY", "CONFLUENT_API_KEY", "KAFKA_SASL_USERNAME"),
    "sasl_plain_password": ("KAFKA_API_SECRET", "CONFLUENT_API_SECRET", "KAFKA_SASL_PASSWORD"),
    "security_protocol": ("KAFKA_SECURITY_PROTOCOL",),
    "sasl_mechanism": ("KAFKA_SASL_MECHANISM",),
    "ssl_cafile": ("KAFKA_SSL_CAFILE",),
}
_API_KEY_VARIABLES = ("KAFKA_API_KEY", "CONFLUENT_API_KEY")

# Their names to kafka-python's.
_NAMES = {
    "bootstrap.servers": "bootstrap_servers",
    "metadata.broker.list": "bootstrap_servers",
    "security.protocol": "security_protocol",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.mechanisms": "sasl_mechanism",
    "sasl.username": "sasl_plain_username",
    "sasl.password": "sasl_plain_password",
    "ssl.ca.location": "ssl_cafile",
    "ssl.truststore.location": "ssl_cafile",
    "ssl.certificate.location": "ssl_certfile",
    "ssl.keystore.location": "ssl_certfile",
    "ssl.key.location": "ssl_keyfile",
    "ssl.key.password": "ssl_password",
    "ssl.crl.location": "ssl_crlfile",
}
_JAAS = "sasl.jaas.config"
_CHECK_HOST_NAME = "ssl.endpoint.identification.algorithm"
_VERIFY = "enable.ssl.certificate.verification"
_STORE_TYPES = {"ssl.truststore.location": "ssl.truststore.type", "ssl.keystore.location": "ssl.keystore.type"}
_INLINE = {
    "ssl.ca.pem": "ssl.ca.location",
    "ssl.truststore.certificates": "ssl.truststore.location",
    "ssl.certificate.pem": "ssl.certificate.location",
    "ssl.keystore.certificate.chain": "ssl.certificate.location",
    "ssl.key.pem": "ssl.key.location",
    "ssl.keystore.key": "ssl.key.location",
}
_ALL_NAMES = (*_NAMES, _JAAS, _CHECK_HOST_NAME, _VERIFY, *_INLINE)
# They look like the names above and say nothing that matters here, or nothing that kafka-python could follow.
_NOT_NEEDED = frozenset({
    *_STORE_TYPES.values(), "ssl.truststore.password", "ssl.keystore.password", "ssl.protocol",
    "ssl.enabled.protocols", "ssl.provider", "ssl.trustmanager.algorithm", "ssl.keymanager.algorithm",
    "ssl.secure.random.implementation", "ssl.engine.factory.class", "ssl.cipher.suites", "ssl.curves.list",
    "ssl.sigalgs.list", "security.providers", "bootstrap.controllers",
})  # fmt: skip
_NOT_NEEDED_PREFIXES = ("sasl.login.", "sasl.client.callback.", "sasl.kerberos.", "sasl.oauthbearer.")
_GUARDED_PREFIXES = ("bootstrap.", "sasl.", "security.", "ssl.")

_LOGIN_MODULES = {"PlainLoginModule": ("PLAIN",), "ScramLoginModule": ("SCRAM-SHA-256", "SCRAM-SHA-512")}


class Line(NamedTuple):
    """One setting of a file: where it begins, its name and its value."""

    number: int
    name: str
    value: str


# -- files -----------------------------------------------------------------------------------------------------------


def read_properties(path: str | os.PathLike[str]) -> dict[str, object]:
    """The settings of a properties file that say how the cluster is reached, in kafka-python's names.

    Raises:
        ConnectError: the file cannot be read, or a line of it makes no sense; the text has the line's number.
    """
    try:
        data = Path(path).expanduser().read_bytes()
    except FileNotFoundError:
        found = Path(path).expanduser()
        where = f"here ({Path.cwd()})" if not found.is_absolute() else f"(it would be {found})"
        whole = ", or write the whole path" if not found.is_absolute() else ""
        raise ConnectError(f"There is no file {path} {where}: correct properties={whole}.") from None
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConnectError(f"properties={path!r} cannot be read ({reason}): name a file of settings.") from None
    return _translated(list(_lines(_decoded(data, path), str(path))), str(path))


def _decoded(data: bytes, path: str | os.PathLike[str]) -> str:
    """The text of a file in UTF-8, or in UTF-16 with its mark at the beginning, as PowerShell's ``>`` writes it."""
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    with contextlib.suppress(UnicodeDecodeError):
        text = data.decode(encoding)
        if "\0" not in text:
            return text
    if b"\0" in data[:2]:
        raise ConnectError(f"{path} is no text in UTF-8, but in UTF-16 without a mark: save it again as UTF-8.")
    raise ConnectError(
        f"{path} is no properties file: it is not text in UTF-8. Is it a key store? Give its .properties file."
    )


def name_in_files(setting: str) -> str:
    """What properties files call a setting of kafka-python's."""
    return next((name for name, translated in _NAMES.items() if translated == setting), _CHECK_HOST_NAME)


def translate(properties: Mapping[str, object]) -> dict[str, object]:
    """The same for settings that a dictionary holds, such as the one for confluent-kafka's clients.

    Raises:
        ConnectError: one of them makes no sense.
    """
    lines = []
    for number, (name, value) in enumerate(properties.items(), start=1):
        if not isinstance(name, str):
            raise ConnectError(f"properties= has the key {name!r}: the names of settings are text.")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        lines.append(Line(number, name, text))
    return _translated(lines, "properties=")


def _lines(text: str, path: str) -> Iterator[Line]:
    """The settings of a file as Java's Properties reads it; headings such as ``[default]`` are passed over."""
    pending, first = "", 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.lstrip()
        if not pending and (not line or line[0] in "#!["):
            continue
        first = first if pending else number
        if (len(line) - len(line.rstrip("\\"))) % 2:  # an odd backslash at the end: it goes on
            pending += line[:-1]
            continue
        yield _line(first, pending + line, path)
        pending = ""
    if pending:
        raise ConnectError(
            f"{path} ends in the middle of line {first}, which goes on after its backslash: complete it."
        )


def _line(number: int, text: str, path: str) -> Line:
    found = re.match(r"((?:[^\\=:\s]|\\.)+)(\s*[=:]\s*|\s+|$)", text)
    if found is None:
        raise ConnectError(f"Line {number} of {path} has no name before its equals sign: write name=value.")
    name = _unescaped(found[1])
    # Java takes a space for the sign, too. Here only after a known name: a secret that was pasted alone must not pass.
    is_spaced = name in _ALL_NAMES and bool(text[found.end() :].strip())
    if not is_spaced and not re.search("[=:]", found[2]):
        raise ConnectError(f"Line {number} of {path} has no equals sign: write name=value, or begin it with #.")
    return Line(number, name, _unescaped(text[found.end() :]).strip())


def _unescaped(text: str) -> str:
    escapes = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}
    return re.sub(
        r"\\(?:u([0-9A-Fa-f]{4})|(.))",
        lambda sign: chr(int(sign[1], 16)) if sign[1] else escapes.get(sign[2], sign[2]),
        text,
    )


# -- names and values ------------------------------------------------------------------------------------------------


def _translated(lines: list[Line], source: str) -> dict[str, object]:
    settings: dict[str, object] = {}
    values = {line.name: line.value for line in lines}
    for line in lines:
        where = f"Line {line.number} of {source}" if source != "properties=" else "properties="
        if line.name in _NAMES:
            settings[_NAMES[line.name]] = _value(line, values, where)
        elif line.name == _JAAS:
            settings |= _login(line.value, where)
        elif line.name == _CHECK_HOST_NAME:
            settings["ssl_check_hostname"] = line.value.lower() not in {"", "none"}
        else:
            _check_other(line, where)
    if _JAAS in values:
        _check_module(values[_JAAS], settings, source)
    return settings


def _value(line: Line, values: Mapping[str, str], where: str) -> str:
    if not line.value:
        raise ConnectError(f"{where}: {line.name} has no value. Write it after the equals sign.")
    if ("<" in line.value and ">" in line.value) or "{{" in line.value:
        raise ConnectError(f"{where}: {line.name} still holds a placeholder. Replace it by your own value.")
    if line.name in _STORE_TYPES:
        _check_store(line, values.get(_STORE_TYPES[line.name]), where)
    return line.value


def _check_store(line: Line, store_type: str | None, where: str) -> None:
    """Java's stores cannot be read by Python, only PEM."""
    kind = (store_type or "").upper()
    if kind == "PEM" or (not kind and line.value.lower().endswith((".pem", ".crt", ".cer"))):
        return
    kind = kind or ("PKCS12" if line.value.lower().endswith((".p12", ".pfx")) else "JKS")
    name = "ca.pem" if "trust" in line.name else "client.pem"
    export = (
        f"openssl pkcs12 -in {line.value} -out {name} -nodes"
        if kind == "PKCS12" or "trust" not in line.name
        else f"keytool -exportcert -rfc -keystore {line.value} -alias ALIAS -file {name}"
    )
    raise ConnectError(
        f"{where}: {line.name} is a Java key store ({kind}), which Python's clients cannot read. Make a PEM file of it "
        f"({export}) and write {'ssl.ca.location' if 'trust' in line.name else 'ssl.certificate.location'}={name}."
    )


def _login(jaas: str, where: str) -> dict[str, object]:
    """User name and password of a JAAS configuration."""
    options = {
        name: quoted or bare
        for name, quoted, bare in re.findall(r"(\w+)\s*=\s*(?:[\"']([^\"']*)[\"']|([^\s;\"']+))", jaas)
    }
    if not jaas.rstrip().endswith(";") or jaas.count('"') % 2:
        raise ConnectError(
            f"{where}: {_JAAS} is not complete. It ends with a semicolon: "
            '...LoginModule required username="..." password="...";'
        )
    missing = [name for name in ("username", "password") if not options.get(name)]
    if missing:
        raise ConnectError(f'{where}: {_JAAS} has no {" and no ".join(missing)}. Write username="..." password="...";')
    for name in ("username", "password"):
        _value(Line(0, f"{name} in {_JAAS}", options[name]), {}, where)
    return {"sasl_plain_username": options["username"], "sasl_plain_password": options["password"]}


def _check_module(jaas: str, settings: Mapping[str, object], source: str) -> None:
    """The login module and the mechanism must fit, or the broker would be asked for what was not meant."""
    mechanism = settings.get("sasl_mechanism")
    for module, mechanisms in _LOGIN_MODULES.items():
        if module in jaas and mechanism is not None and mechanism not in mechanisms:
            raise ConnectError(
                f"{source}: {_JAAS} has the {module}, and sasl.mechanism is {mechanism}: "
                f"it goes with {' or '.join(mechanisms)}."
            )


def _check_other(line: Line, where: str) -> None:
    """Pass over what only clients need; refuse what is misspelt or cannot be done."""
    if line.name == _VERIFY:
        if line.value.lower() == "false":
            raise ConnectError(
                f"{where}: {_VERIFY}=false would talk to anybody who answers. "
                "Name the authority of the broker's certificate instead: ssl.ca.location=FILE."
            )
        return
    if line.name in _INLINE:
        raise ConnectError(
            f"{where}: {line.name} holds a certificate or key itself. Put it into a file of its own, "
            f"and write {_INLINE[line.name]}=FILE."
        )
    if line.name in _NOT_NEEDED or line.name.startswith(_NOT_NEEDED_PREFIXES):
        return
    near = difflib.get_close_matches(line.name.replace("_", ".").lower(), _ALL_NAMES, n=1, cutoff=0.85)
    if near:
        raise ConnectError(f"{where}: there is no setting {line.name!r}. Did you mean {near[0]}?")
    if line.name.startswith(_GUARDED_PREFIXES):
        _unknown(line.name, where)


def _unknown(name: str, where: str) -> NoReturn:
    near = difflib.get_close_matches(name, _ALL_NAMES, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ConnectError(f"{where}: {name!r} is no setting that the kit knows.{hint} Correct it, or take it out.")


# -- the environment -------------------------------------------------------------------------------------------------


def read_environment(environment: Mapping[str, str] = os.environ) -> dict[str, object]:
    """The settings that environment variables hold, in kafka-python's names; none when no address is among them.

    With an API key and nothing else said they are those of Confluent Cloud: SASL_SSL and PLAIN.
    """
    bootstrap = _first(environment, BOOTSTRAP_VARIABLES)
    if bootstrap is None:
        return {}
    settings: dict[str, object] = {"bootstrap_servers": bootstrap}
    if _first(environment, _API_KEY_VARIABLES) is not None:
        settings |= {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN"}
    for name, variables in _ENVIRONMENT.items():
        value = _first(environment, variables)
        if value is not None:
            settings[name] = value
    return settings


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environment[name] for name in names if environment.get(name)), None)
