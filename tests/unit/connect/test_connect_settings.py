"""What `kit.connect` can be called with, in which order it counts, and what it refuses before it looks for anybody."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Any

import pytest

import kit
from kit.connect_settings import addresses_of, checked_timeout_s, merged_settings, tls_context

LOGIN = {"sasl_mechanism": "PLAIN", "sasl_plain_username": "ann", "sasl_plain_password": "open-sesame"}
SAFE = {"security_protocol": "SASL_SSL", **LOGIN}
TLS = {"security_protocol": "SSL"}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep out what the computer of who runs the tests has set."""
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "CONFLUENT_BOOTSTRAP_SERVERS", "BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("given", "addresses"),
    [
        ("kafka:9092", [("kafka", 9092)]),
        (" a:1 , b:2", [("a", 1), ("b", 2)]),
        (["a:1", "b:2"], [("a", 1), ("b", 2)]),
        ("[::1]:9092", [("::1", 9092)]),
        ("pkc-1.eu.aws.confluent.cloud:9092", [("pkc-1.eu.aws.confluent.cloud", 9092)]),
    ],
)
def test_addresses(given: Any, addresses: list[tuple[str, int]]) -> None:
    """One or several, as a string or a list."""
    assert addresses_of(merged_settings(given, None, {})) == addresses


def test_address_as_confluent_shows_it_brings_its_protocol() -> None:
    """SASL_SSL://host:9092 is what its pages have to copy; what is said beside it goes first."""
    assert merged_settings("SASL_SSL://a:1", None, LOGIN)["security_protocol"] == "SASL_SSL"
    assert merged_settings("SSL://a:1", None, {"security_protocol": "PLAINTEXT"})["security_protocol"] == "PLAINTEXT"


def test_arguments_before_properties_before_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment counts only where nobody else gives an address: its password is for the address beside it."""
    path = tmp_path / "client.properties"
    path.write_text(
        "bootstrap.servers=file:1\nsecurity.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=file\nsasl.password=f\n"
    )
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "environment:1")
    monkeypatch.setenv("KAFKA_API_KEY", "environment")
    monkeypatch.setenv("KAFKA_API_SECRET", "e")

    from_file = merged_settings(None, path, {"sasl_plain_username": "argument"})
    assert (from_file["bootstrap_servers"], from_file["sasl_plain_username"]) == ("file:1", "argument")
    assert from_file["sasl_plain_password"] == "f"
    assert dict(merged_settings("argument:1", None, {})) == {
        "bootstrap_servers": "argument:1", "security_protocol": "PLAINTEXT",
    }  # fmt: skip
    from_environment = merged_settings(None, None, {"sasl_plain_username": "argument"})
    assert (from_environment["bootstrap_servers"], from_environment["sasl_plain_username"]) == (
        "environment:1",
        "argument",
    )


@pytest.mark.parametrize(
    ("bootstrap_servers", "properties", "settings", "sentence"),
    [
        (None, None, {}, r'No address is known: write kit\.connect\("host:9092"\).*KAFKA_BOOTSTRAP_SERVERS'),
        ("", None, {}, "has no port"),
        ([], None, {}, "bootstrap_servers is empty"),
        (9092, None, {}, "bootstrap_servers=9092 is no address"),
        (b"a:1", None, {}, "is no address"),
        ([5], None, {}, "The address 5 has no port"),
        ("kafka", None, {}, 'The address \'kafka\' has no port: write "kafka:9092"'),
        ("kafka:", None, {}, "has no port after its colon"),
        ("kafka:26611;", None, {}, 'write "kafka:26611"'),
        ("26602", None, {}, 'is a port only: write "127.0.0.1:26602"'),
        ('"kafka:9092"', None, {}, "is in quotation marks: leave them out"),
        ("'kafka:9092,other:9092'", None, {}, "is in quotation marks"),
        ("kafka:http", None, {}, "has no port after its colon"),
        ("kafka:70000", None, {}, 'has a port that there is not: they go from 1 to 65535, write "kafka:9092"'),
        ("127.0.0.1:0", None, {}, "has a port that there is not"),
        ("kafka:٣", None, {}, "has no port after its colon"),
        (":9092", None, {}, "has no computer before its colon"),
        ("::1:9092", None, {}, "has no computer before its colon"),
        ("ann:open-sesame@kafka:9092", None, {}, "has an @ in it"),
        ("https://kafka.example:443", None, {}, "is a web address"),
        ("a:1", 5, {}, "properties= takes the name of a file.*not int"),
        ("a:1", None, {"security_protocol": "TLS"}, "security_protocol='TLS' is not possible: it is one of PLAINTEXT"),
        ("a:1", None, {"security_protocol": "SASL_SSL"}, "needs sasl_mechanism and sasl_plain_username and sasl_p"),
        ("a:1", None, {**SAFE, "sasl_mechanism": "GSSAPI"}, "'GSSAPI' is not possible here"),
        ("a:1", None, {**SAFE, "sasl_plain_password": b"x"}, "is a bytes: it must be text"),
        ("a:1", None, {**SAFE, "sasl_plain_password": "x\n"}, "was it pasted with one"),
        ("a:1", None, LOGIN, "security_protocol is PLAINTEXT.*write security_protocol='SASL_PLAINTEXT' or 'SASL_SSL'"),
        ("a:1", None, {**LOGIN, "security_protocol": "SSL"}, "is SSL.*write security_protocol='SASL_SSL'"),
        ("a:1", None, {"ssl_cafile": "ca.pem"}, "write security_protocol='SSL'"),
        ("a:1", None, {**TLS, "ssl_cafile": "no-such-file.pem"}, "there is no such file here"),
        ("a:1", None, {**TLS, "ssl_cafile": 5}, "ssl_cafile=5 cannot be read"),
        ("a:1", None, {**TLS, "ssl_keyfile": __file__}, "ssl_keyfile is given without ssl_certfile"),
        ("a:1", None, {**TLS, "ssl_check_hostname": "no"}, "True or False"),
        ("a:1", None, {**TLS, "ssl_context": "x"}, "no ssl.SSLContext"),
        ("a:1", None, {"username": "ann"}, "no setting 'username'. Did you mean sasl_plain_username"),
        ("a:1", None, {"sasl_plain_pasword": "open-sesame"}, "Did you mean sasl_plain_password"),
        ("a:1", None, {"security.protocol": "SSL"}, r"for properties files: write properties=\{'security\.protocol'"),
        ("a:1", None, {"acks": "all"}, "no setting 'acks'"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(
    bootstrap_servers: Any, properties: Any, settings: dict[str, Any], sentence: str
) -> None:
    """One sentence says what is wrong and what to write, without the password."""
    with pytest.raises(kit.ConnectError, match=sentence) as refusal:
        merged_settings(bootstrap_servers, properties, settings)
    assert "open-sesame" not in str(refusal.value)


SASL_LINES = "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=ann\nsasl.password=open-sesame\n"


@pytest.mark.parametrize(
    ("text", "settings", "sentence"),
    [
        (SASL_LINES, {}, r"{path} has no bootstrap\.servers: add bootstrap\.servers=host:9092 to it"),
        (
            "bootstrap.servers=a:1\nsecurity.protocol=SASL_SSL\nsasl.username=ann\n",
            {},
            r"{path} has no sasl\.mechanism and no sasl\.password, which SASL_SSL needs: add sasl\.mechanism=PLAIN and",
        ),
        (
            "bootstrap.servers=a:1\nsasl.mechanism=PLAIN\n",
            {},
            r"{path}: sasl\.mechanism is given, .* write security\.protocol=SASL_PLAINTEXT or .* in {path}",
        ),
        ("bootstrap.servers=a:1\nsecurity.protocol=TLS\n", {}, r"{path}: security\.protocol='TLS' is not possible"),
        (
            "bootstrap.servers=a:1\nsecurity.protocol=SSL\nssl.ca.location=none.pem\n",
            {},
            r"{path}: ssl\.ca\.location='none\.pem': there is no such file",
        ),
        (
            "bootstrap.servers=a:1\nsecurity.protocol=SSL\n",
            {"security_protocol": "TLS"},
            r"^security_protocol='TLS' is",
        ),
    ],
)
def test_what_a_file_lacks_is_told_in_the_words_of_files(
    tmp_path: Path, text: str, settings: dict[str, Any], sentence: str
) -> None:
    """With the file's name, as its author would write the line; what an argument says keeps the argument's name."""
    path = tmp_path / "client.properties"
    path.write_text(text)

    with pytest.raises(kit.ConnectError, match=sentence.replace("{path}", re.escape(str(path)))) as refusal:
        merged_settings(None, path, settings)
    assert "open-sesame" not in str(refusal.value)


@pytest.mark.parametrize("value", [0, -1, "10", True, float("nan"), float("inf"), 601, None])
def test_timeout_that_nobody_could_wait_for(value: Any) -> None:
    """It is a number of seconds."""
    with pytest.raises(kit.ConnectError, match=r"timeout_s=.* is not possible: give seconds"):
        checked_timeout_s(value)


def test_files_without_certificates(tmp_path: Path) -> None:
    """A file of another kind is told by the name of its setting."""
    path = tmp_path / "ca.pem"
    path.write_text("no certificate")

    with pytest.raises(kit.ConnectError, match=r"ssl_cafile=.* holds no certificate.*PEM"):
        tls_context({"ssl_cafile": str(path)})
    with pytest.raises(kit.ConnectError, match=r"ssl_certfile=.* holds no certificate in PEM form"):
        tls_context({"ssl_certfile": str(path)})


CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"
LOCKED = KEY.replace("PRIVATE", "ENCRYPTED PRIVATE")


@pytest.mark.parametrize(
    ("certfile", "keyfile", "told"),
    [
        (CERTIFICATE, None, "ssl_keyfile is missing"),
        (KEY, CERTIFICATE, "change places"),
        (KEY, None, "holds no certificate in PEM form"),
        ("\x30\x82", None, "openssl pkcs12 -in"),
        (CERTIFICATE, CERTIFICATE, "holds no key in PEM form"),
        (CERTIFICATE, LOCKED, "is encrypted: give its password as ssl_password"),
        (CERTIFICATE + LOCKED, None, "is encrypted"),
        (CERTIFICATE, KEY, "cannot be used with its key"),
    ],
)
def test_files_of_a_client_certificate_are_told_apart(
    tmp_path: Path, certfile: str, keyfile: str | None, told: str
) -> None:
    """A key that is missing, swapped, encrypted or of another form is not called a wrong password."""
    settings = {"ssl_certfile": str(tmp_path / "c.pem")}
    Path(settings["ssl_certfile"]).write_text(certfile)
    if keyfile is not None:
        settings["ssl_keyfile"] = str(tmp_path / "k.pem")
        Path(settings["ssl_keyfile"]).write_text(keyfile)

    with pytest.raises(kit.ConnectError, match=re.escape(told)):
        tls_context(settings)


def test_context_is_as_strict_as_that_of_the_clients() -> None:
    """Names are compared unless that is switched off, and nobody is trusted without a certificate."""
    assert tls_context({}).check_hostname
    assert not tls_context({"ssl_check_hostname": False}).check_hostname
    assert tls_context({"ssl_check_hostname": False}).verify_mode == ssl.CERT_REQUIRED
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert tls_context({"ssl_context": mine}) is mine
