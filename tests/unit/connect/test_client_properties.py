"""Properties files and the environment: what is read, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import kit
from kit.client_properties import read_environment, read_properties, translate
from kit.client_settings import ClientSettings

PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"
LOGIN = {"sasl_plain_username": "ann", "sasl_plain_password": "pass word;=#"}


def read(tmp_path: Path, text: str) -> dict[str, Any]:
    """Read a file with this text."""
    path = tmp_path / "client.properties"
    path.write_bytes(text.encode())
    return read_properties(path)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {}),
        ("# nothing\n! at all\n\n   \n[default]\n", {}),
        ("bootstrap.servers=a:1,b:2", {"bootstrap_servers": "a:1,b:2"}),
        ("  bootstrap.servers = a:1\r\n", {"bootstrap_servers": "a:1"}),
        ("bootstrap.servers: a:1\n", {"bootstrap_servers": "a:1"}),
        ("\ufeffbootstrap.servers=a:1", {"bootstrap_servers": "a:1"}),
        ("bootstrap.servers=a:1,\\\n    b:2\n", {"bootstrap_servers": "a:1,b:2"}),
        ("metadata.broker.list=a:1", {"bootstrap_servers": "a:1"}),
        ("sasl.mechanism=PLAIN", {"sasl_mechanism": "PLAIN"}),
        ("sasl.mechanisms=PLAIN", {"sasl_mechanism": "PLAIN"}),
        ("sasl.mechanism PLAIN\nsecurity.protocol \t SSL", {"sasl_mechanism": "PLAIN", "security_protocol": "SSL"}),
        ("sasl.password=a\\\\b\\u0041\\=", {"sasl_plain_password": "a\\bA="}),
        ("sasl.password=with#sharp=and:more", {"sasl_plain_password": "with#sharp=and:more"}),
        ("ssl.endpoint.identification.algorithm=", {"ssl_check_hostname": False}),
        ("ssl.endpoint.identification.algorithm=https", {"ssl_check_hostname": True}),
        ("ssl.truststore.type=PEM\nssl.truststore.location=/a/store", {"ssl_cafile": "/a/store"}),
        ("ssl.ca.location=/a/ca.pem\nssl.key.password=x", {"ssl_cafile": "/a/ca.pem", "ssl_password": "x"}),
        (f'sasl.jaas.config={PLAIN_MODULE} required username="ann" password="pass word;=#";', LOGIN),
        (f"sasl.jaas.config={SCRAM_MODULE} required \\\n   username='ann' \\\n   password='pass word;=#' ;\n", LOGIN),
        (
            "acks=all\ngroup.id=g\nclient.id=me\nsession.timeout.ms=45000\nschema.registry.url=http://x\nssl.protocol=TLSv1.3",
            {},
        ),
        (
            "sasl.login.class=x\nssl.truststore.password=x\nenable.ssl.certificate.verification=true",
            {},
        ),
    ],
)
def test_file_is_read_as_java_and_librdkafka_read_it(tmp_path: Path, text: str, settings: dict[str, Any]) -> None:
    """Comments, headings, both separators, lines that go on, escapes; what is not about connecting is left out."""
    assert read(tmp_path, text) == settings


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("acks=all\nsasl.password", r"Line 2 of .*client\.properties has no equals sign"),
        ("\nsecret-that-was-pasted-alone", "Line 2 of .* has no equals sign"),
        ("=value", "Line 1 of .* has no name before its equals sign"),
        ("sasl.password=", r"Line 1 of .*: sasl\.password has no value"),
        ("bootstrap.servers=a:1,\\", "ends in the middle of line 1.*complete it"),
        ("bootstrap.servers=<host>:9092", r"bootstrap\.servers still holds a placeholder"),
        ("sasl.username={{ CLUSTER_API_KEY }}", r"sasl\.username still holds a placeholder"),
        ("sasl.pasword=x", r"no setting 'sasl\.pasword'. Did you mean sasl\.password\?"),
        ("bootstrap_servers=x", r"no setting 'bootstrap_servers'. Did you mean bootstrap\.servers\?"),
        ("security.protocoll=SSL", r"Did you mean security\.protocol\?"),
        ("ssl.unheard.of=x", r"'ssl\.unheard\.of' is no setting that the kit knows"),
        (
            "ssl.truststore.location=/a/trust.jks",
            r"Java key store \(JKS\).*keytool -exportcert.*ssl\.ca\.location=ca\.pem",
        ),
        ("ssl.truststore.location=/a/trust", r"Java key store \(JKS\)"),
        ("ssl.truststore.location=/a/trust.p12", r"Java key store \(PKCS12\).*openssl pkcs12 -in /a/trust\.p12"),
        ("ssl.keystore.location=/a/key.jks", r"Java key store.*ssl\.certificate\.location=client\.pem"),
        ("ssl.ca.pem=-----BEGIN CERTIFICATE-----", r"holds a certificate or key itself.*ssl\.ca\.location=FILE"),
        ("enable.ssl.certificate.verification=false", "would talk to anybody who answers.*ssl.ca.location=FILE"),
        (
            f'sasl.jaas.config={PLAIN_MODULE} required username="ann" password="x"',
            "not complete. It ends with a semicolon",
        ),
        (f'sasl.jaas.config={PLAIN_MODULE} required username="ann" password="x;', "not complete"),
        (f'sasl.jaas.config={PLAIN_MODULE} required username="ann";', "has no password"),
        (f"sasl.jaas.config={PLAIN_MODULE} required;", "has no username and no password"),
        (
            f'sasl.mechanism=PLAIN\nsasl.jaas.config={SCRAM_MODULE} required username="a" password="b";',
            r"has the ScramLoginModule, and sasl\.mechanism is PLAIN: it goes with SCRAM-SHA-256 or",
        ),
    ],
)
def test_file_that_cannot_be_understood_is_refused_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    """The sentence has the number and the name, and what to write; never a value that may be a secret."""
    with pytest.raises(kit.ConnectError, match=sentence) as refusal:
        read(tmp_path, text)
    assert "pasted-alone" not in str(refusal.value)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder and a key store are each told as such."""
    (tmp_path / "trust.jks").write_bytes(b"\xfe\xed\xfe\xed\x00\x80\xff")

    with pytest.raises(kit.ConnectError, match=r"There is no file none\.properties here"):
        read_properties("none.properties")
    with pytest.raises(kit.ConnectError, match=r"cannot be read.*name a file of settings"):
        read_properties(tmp_path)
    with pytest.raises(kit.ConnectError, match=r"not text in UTF-8\. Is it a key store"):
        read_properties(tmp_path / "trust.jks")
    with pytest.raises(kit.ConnectError, match="cannot be read"):
        read_properties("a\0b")


def test_home_folder_in_a_file_name_is_told_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` is the home folder; where that is, is told when the file is missing."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with pytest.raises(kit.ConnectError, match=r"There is no file ~/x\.properties \(it would be .*x\.properties\)"):
        read_properties("~/x.properties")
    (tmp_path / "x.properties").write_text("bootstrap.servers=a:1")

    assert read_properties("~/x.properties") == {"bootstrap_servers": "a:1"}


def test_file_in_utf_16_is_read_by_its_mark_and_told_without_one(tmp_path: Path) -> None:
    """PowerShell's ``>`` writes it."""
    path = tmp_path / "client.properties"
    path.write_bytes("bootstrap.servers=a:1\r\n".encode("utf-16"))
    assert read_properties(path) == {"bootstrap_servers": "a:1"}

    path.write_bytes("bootstrap.servers=a:1\r\n".encode("utf-16-le"))
    with pytest.raises(kit.ConnectError, match="in UTF-16 without a mark: save it again as UTF-8"):
        read_properties(path)


def test_dictionary_in_the_same_names() -> None:
    """What confluent-kafka's clients take can be given as it is."""
    assert translate({"bootstrap.servers": "a:1", "enable.ssl.certificate.verification": True, "linger.ms": 5}) == {
        "bootstrap_servers": "a:1"
    }
    with pytest.raises(kit.ConnectError, match="would talk to anybody"):
        translate({"enable.ssl.certificate.verification": False})
    with pytest.raises(kit.ConnectError, match="the key 5: the names of settings are text"):
        translate({5: "a"})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("environment", "settings"),
    [
        ({}, {}),
        ({"KAFKA_API_KEY": "k", "KAFKA_API_SECRET": "s"}, {}),
        ({"BOOTSTRAP_SERVERS": "a:1"}, {"bootstrap_servers": "a:1"}),
        (
            {
                "KAFKA_BOOTSTRAP_SERVERS": "b:1",
                "BOOTSTRAP_SERVERS": "a:1",
                "CONFLUENT_API_KEY": "k",
                "CONFLUENT_API_SECRET": "s",
            },
            {
                "bootstrap_servers": "b:1",
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "PLAIN",
                "sasl_plain_username": "k",
                "sasl_plain_password": "s",
            },
        ),
        (
            {"KAFKA_BOOTSTRAP_SERVERS": "b:1", "KAFKA_API_KEY": "k", "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"},
            {
                "bootstrap_servers": "b:1",
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": "k",
            },
        ),
        (
            {"KAFKA_BOOTSTRAP_SERVERS": "b:1", "KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CAFILE": "ca.pem"},
            {"bootstrap_servers": "b:1", "security_protocol": "SSL", "ssl_cafile": "ca.pem"},
        ),
    ],
)
def test_environment(environment: dict[str, str], settings: dict[str, str]) -> None:
    """Without an address nothing counts; an API key means what it means at Confluent."""
    assert read_environment(environment) == settings


def test_client_settings_from_a_file_and_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They hide the password from the start."""
    path = tmp_path / "client.properties"
    path.write_text("bootstrap.servers=a:1\nsasl.password=open-sesame\n")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "a:1")
    monkeypatch.setenv("KAFKA_API_SECRET", "open-sesame")

    for settings in (ClientSettings.from_properties(path), ClientSettings.from_environment()):
        assert settings["bootstrap_servers"] == "a:1"
        assert "open-sesame" not in repr(settings)
