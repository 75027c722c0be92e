"""`kit.connect` to Apache Kafka with TLS and SASL: what is seen with which rights, and every way of not getting in.

One broker with a listener of each kind serves the whole file.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

import kit
from tests.support.apache_broker import USERS, ApacheBroker, apache_broker

pytestmark = [pytest.mark.clients, pytest.mark.slow]


@pytest.fixture(scope="module")
def apache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheBroker]:
    """Give one broker with a topic that alice may see and one that she may not."""
    with apache_broker(tmp_path_factory.mktemp("apache")) as broker:
        admin = KafkaAdminClient(bootstrap_servers=broker.at("PLAINTEXT"))
        admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1} for name in ("plays", "secret")})
        plays = ResourcePattern(ResourceType.TOPIC, "plays")
        rights = [ACLOperation.DESCRIBE, ACLOperation.WRITE]
        admin.create_acls([ACL("User:alice", "*", right, ACLPermissionType.ALLOW, plays) for right in rights])
        admin.close()
        yield broker


def login(mechanism: str = "PLAIN", user: str = "alice", password: str | None = None) -> dict[str, str]:
    """Settings of a user."""
    return {
        "sasl_mechanism": mechanism,
        "sasl_plain_username": user,
        "sasl_plain_password": USERS[user] if password is None else password,
    }


def tls(apache: ApacheBroker) -> dict[str, str]:
    """Whom to trust."""
    return {"ssl_cafile": str(apache.ca_pem)}


@pytest.mark.parametrize(
    ("protocol", "mechanism"),
    [
        ("PLAINTEXT", None),
        ("SSL", None),
        ("SASL_PLAINTEXT", "SCRAM-SHA-512"),
        ("SASL_SSL", "PLAIN"),
        ("SASL_SSL", "SCRAM-SHA-256"),
        ("SASL_SSL", "SCRAM-SHA-512"),
    ],
)
def test_connect_to_each_kind_of_listener(apache: ApacheBroker, protocol: str, mechanism: str | None) -> None:
    """What an administrator sees, and a record sent with the same settings by an ordinary client."""
    settings = {
        **(tls(apache) if "SSL" in protocol else {}),
        **(login(mechanism, "admin") if mechanism else {}),
    }
    with kit.connect(apache.at(protocol), security_protocol=protocol, **settings) as cluster:
        assert [(broker.node_id, broker.port, broker.is_alive) for broker in cluster.brokers] == [
            (1, apache.ports[protocol], True)
        ]
        assert cluster.controller == 1
        assert cluster.data_dir is None
        assert {"plays", "secret"} <= set(cluster.topics())
        before = cluster.topics()["plays"].partitions[0].high_watermark
        producer = KafkaProducer(**cluster.client_settings)
        producer.send("plays", b"Hello").get(timeout=10)
        producer.close()
        assert cluster.topics()["plays"].partitions[0].high_watermark == (before or 0) + 1


def test_user_with_few_rights_sees_what_she_may(apache: ApacheBroker) -> None:
    """What is not for her is left out or None, never an error."""
    with kit.connect(apache.at("SASL_SSL"), security_protocol="SASL_SSL", **login(), **tls(apache)) as cluster:
        assert [broker.is_alive for broker in cluster.brokers] == [True]
        assert cluster.controller is None
        assert set(cluster.topics()) == {"plays"}
        assert cluster.topics()["plays"].partitions[0].leader == 1


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("user", ["alice", "nobody"])
def test_wrong_credentials_are_told_without_the_password(apache: ApacheBroker, mechanism: str, user: str) -> None:
    """One sentence names the user and what to do, and the password is in no part of the error."""
    wrong = {"sasl_mechanism": mechanism, "sasl_plain_username": user, "sasl_plain_password": "not-her-password"}
    with pytest.raises(kit.ConnectError, match=f"refuses the user name '{user}' or its password") as refusal:
        kit.connect(apache.at("SASL_SSL"), security_protocol="SASL_SSL", **wrong, **tls(apache))
    error: BaseException | None = refusal.value
    while error is not None:
        assert "not-her-password" not in repr(error) + str(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    ("listener", "settings", "sentence"),
    [
        ("SSL", {}, r"speaks TLS, and security_protocol is PLAINTEXT: write security_protocol='SSL'\."),
        ("SASL_SSL", {}, "speaks TLS and wants a user name.*'SASL_SSL', sasl_mechanism='PLAIN' or 'SCRAM-SHA-256' or"),
        ("SASL_PLAINTEXT", {}, "wants a user name.*'SASL_PLAINTEXT', sasl_mechanism='SCRAM-SHA-512', sasl_plain_user"),
        ("PLAINTEXT", {"security_protocol": "SSL"}, "speaks plain text instead of TLS.*write.*'PLAINTEXT'"),
        ("PLAINTEXT", {"security_protocol": "SASL_PLAINTEXT", **login()}, "asks for no user name.*'PLAINTEXT'"),
        ("PLAINTEXT", {"security_protocol": "SASL_SSL", **login()}, "instead of TLS and asks for no user name"),
        ("SASL_PLAINTEXT", {"security_protocol": "SASL_SSL", **login()}, "only where you trust the network"),
        ("SASL_SSL", {"security_protocol": "SASL_PLAINTEXT", **login()}, "speaks TLS, .*write.*'SASL_SSL'"),
        ("SSL", {"security_protocol": "SSL"}, r'authority that is not trusted here.*ssl_cafile="ca\.pem"'),
        (
            "SASL_PLAINTEXT",
            {"security_protocol": "SASL_PLAINTEXT", **login()},
            "not offer PLAIN; it offers SCRAM-SHA-512",
        ),
        ("ELSEWHERE", {}, r"tells clients to go on to kafka\.invalid:9092.*advertised\.listeners.*Docker"),
        ("CONTROLLER", {}, "may be a controller.*Give the address of a broker"),
    ],
)
def test_listener_of_another_kind(apache: ApacheBroker, listener: str, settings: dict[str, Any], sentence: str) -> None:
    """What does not fit is found out and told together with what would."""
    with pytest.raises(kit.ConnectError, match=sentence):
        kit.connect(apache.at(listener), **settings)


def test_trusted_certificate_for_another_name(apache: ApacheBroker) -> None:
    """The names that the certificate was made for are told."""
    with pytest.raises(kit.ConnectError, match=r"was made for localhost: use that name.*ssl_check_hostname=False"):
        kit.connect(apache.at("SSL", "127.0.0.1"), security_protocol="SSL", **tls(apache))
    with kit.connect(
        apache.at("SSL", "127.0.0.1"), security_protocol="SSL", ssl_check_hostname=False, **tls(apache)
    ) as cluster:
        assert "plays" in cluster.topics()


def test_properties_of_java_and_of_librdkafka(apache: ApacheBroker, tmp_path: Path) -> None:
    """The same cluster by either kind of file; an argument goes before what the file says."""
    java, librdkafka = tmp_path / "client.properties", tmp_path / "config.ini"
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    java.write_text(
        f"# of the department\nbootstrap.servers={apache.at('SASL_SSL')}\nsecurity.protocol=SASL_SSL\n"
        f'sasl.mechanism=PLAIN\nsasl.jaas.config={module} required \\\n  username="alice" \\\n'
        f'  password="{USERS["alice"]}";\nssl.truststore.type=PEM\nssl.truststore.location={apache.ca_pem}\nacks=all\n'
    )
    librdkafka.write_text(
        f"[default]\nbootstrap.servers={apache.at('SASL_SSL')}\nsecurity.protocol=sasl_ssl\nsasl.mechanisms=SCRAM-SHA-512\n"
        f"sasl.username=alice\nsasl.password=wrong\nssl.ca.location={apache.ca_pem}\n\n[consumer]\ngroup.id=charts\n"
    )
    with kit.connect(properties=java) as cluster:
        assert set(cluster.topics()) == {"plays"}
    with kit.connect(properties=librdkafka, sasl_plain_password=USERS["alice"]) as cluster:
        assert set(cluster.topics()) == {"plays"}
        shown = [repr(cluster), repr(cluster.client_settings), cluster.client_settings._repr_html_()]
        shown += [repr(dict(cluster.client_settings)), json.dumps(cluster.client_settings.shown())]
        assert not [text for text in shown if USERS["alice"] in text]
        assert USERS["alice"].encode() not in pickle.dumps(cluster.client_settings)


def test_environment_of_an_api_key(apache: ApacheBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an address and a key in the environment, nothing has to be written in the notebook."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"SASL_SSL://{apache.at('SASL_SSL')}")
    monkeypatch.setenv("KAFKA_API_KEY", "alice")
    monkeypatch.setenv("KAFKA_API_SECRET", USERS["alice"])

    with kit.connect(**tls(apache)) as cluster:
        assert set(cluster.topics()) == {"plays"}
