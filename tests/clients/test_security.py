"""Unmodified clients against listeners with TLS and SASL: the right way in, and every wrong one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

import kit
from kit.backends import Broker
from kit.backends.x509 import Authority, Validity
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.clients.secure_clients import CLIENTS, Entry, Failed, confluent_kafka, kafka_python, kcat
from tests.support.raw_client import ConnectionClosed, RawClient
from tests.support.requirements import need
from tests.support.wait import wait_until

pytestmark = [
    pytest.mark.clients,
    # kafka-python forgets the sockets of connections that came to nothing.
    pytest.mark.filterwarnings(
        r"ignore:Exception ignored in. <(ssl\.SSLS|socket\.s)ocket:pytest.PytestUnraisableExceptionWarning"
    ),
    pytest.mark.usefixtures("forgotten_sockets"),
]

PASSWORD = "open sesame, ünïcode"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
WAYS_IN = [
    ("SSL", None),
    *[(protocol, mechanism) for protocol in ("SASL_PLAINTEXT", "SASL_SSL") for mechanism in MECHANISMS],
]
RoundTrip = Callable[[Entry, str], bytes]


class Papers:
    """Certificates beside those that the kit makes: for another host, expired, and for a client."""

    def __init__(self, folder: Path) -> None:
        now = datetime.now(UTC)
        valid = Validity(now - timedelta(days=2), now + timedelta(days=2))
        expired = Validity(now - timedelta(days=2), now - timedelta(days=1))
        self._folder = folder
        authority = Authority("tests", valid)
        self.ca = self._written("ca.pem", authority.certificate)
        self.elsewhere = self._pair("elsewhere", authority.issue("broker", ["elsewhere.example"], valid))
        self.expired = self._pair("expired", authority.issue("broker", ["127.0.0.1"], expired))
        self.client = self._pair("client", authority.issue("ann", [], valid))

    def _pair(self, name: str, texts: tuple[str, str]) -> tuple[str, str]:
        return self._written(f"{name}.pem", texts[0]), self._written(f"{name}-key.pem", texts[1])

    def _written(self, name: str, text: str) -> str:
        path = self._folder / name
        path.write_text(text, encoding="ascii")
        return str(path)


class Secured:
    """A cluster with a listener of each kind.

    Attributes:
        ports: by the listener's name.
    """

    def __init__(self, papers: Papers) -> None:
        self.papers = papers
        users = {"ann": PASSWORD}
        wanted = {
            "PLAINTEXT": kit.Listener("PLAINTEXT"),
            "SSL": kit.Listener("SSL"),
            "SASL_PLAINTEXT": kit.Listener("SASL_PLAINTEXT", users=users),
            "SASL_SSL": kit.Listener("SASL_SSL", users=users),
            "SSL_2": kit.Listener("SSL", ssl_certificate=papers.elsewhere[0], ssl_key=papers.elsewhere[1]),
            "SSL_3": kit.Listener("SSL", ssl_certificate=papers.expired[0], ssl_key=papers.expired[1]),
            "SSL_4": kit.Listener("SSL", ssl_client_ca=papers.ca),
            "SASL_PLAINTEXT_2": kit.Listener("SASL_PLAINTEXT", users=users, sasl_mechanisms=("SCRAM-SHA-512",)),
        }
        self.cluster = kit.start(brokers=1, listeners=list(wanted.values()))
        self.ports = advertised_ports(self.cluster)
        assert list(self.ports) == list(wanted)
        self.kit_ca = str(Path(str(self.cluster.data_dir), "tls", "ca.pem"))
        self.process = psutil.Process(self.cluster._backend._child.pid)  # type: ignore[attr-defined] # noqa: SLF001

    def entry(self, listener: str, mechanism: str | None = None, **changes: Any) -> Entry:
        """The right way in at a listener, and then some changes."""
        protocol = re.sub(r"_\d$", "", listener)
        fields = {
            "mechanism": mechanism,
            "password": PASSWORD,
            "ca": self.kit_ca if "SSL" in protocol else None,
            "protocol": protocol,
        }
        return Entry(f"127.0.0.1:{self.ports[listener]}", **{**fields, **changes})

    def num_connections(self) -> int:
        """How many clients are connected by listeners that have a guard."""
        guarded = {port for name, port in self.ports.items() if name != "PLAINTEXT"}
        connections = self.process.net_connections("tcp")
        return sum(each.status == "ESTABLISHED" and each.laddr.port in guarded for each in connections)

    def log(self) -> str:
        """What the brokers have logged so far."""
        return Path(str(self.cluster.data_dir), "server.log").read_text(encoding="utf-8")


def advertised_ports(cluster: kit.Cluster) -> dict[str, int]:
    """The ports of broker 1 as DescribeConfigs tells them, by the listener's name; the first one is plain."""
    addresses = re.findall(r"(\w+)://127\.0\.0\.1:(\d+)", settings_of_broker(cluster)["advertised.listeners"])
    return {name: int(port) for name, port in addresses}


def settings_of_broker(cluster: kit.Cluster) -> dict[str, str | None]:
    """The settings of broker 1."""
    resource = m.DescribeConfigsResource(resource_type=4, resource_name="1", configuration_keys=None)
    broker = cluster.brokers[0]
    with RawClient(broker.host, broker.port) as client:
        (result,) = client.ask(m.DescribeConfigsRequest(resources=[resource])).results
    return {each.name: each.value for each in result.configs}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Give the cluster."""
    secured = Secured(Papers(tmp_path_factory.mktemp("papers")))
    yield secured
    secured.cluster.close()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("protocol", "mechanism"), WAYS_IN)
def test_round_trip(
    secured: Secured, client: RoundTrip, protocol: str, mechanism: str | None, unique: Callable[[str], str]
) -> None:
    """A record goes there and comes back by every protocol and mechanism."""
    entry, topic = secured.entry(protocol, mechanism), unique("secure")
    if client is kcat and "SCRAM" in str(mechanism) and is_kcat_too_old():
        with pytest.raises(Failed, match="invalid credentials"):
            client(entry, topic)
        return
    assert client(entry, topic) == b"secret"


@dataclass(frozen=True)
class WrongWay:
    """A mistake of a client's.

    Attributes:
        said: what clients that give reasons (librdkafka's) say.
        logged: what the broker logs.
    """

    listener: str
    mechanism: str | None
    changes: Mapping[str, Any]
    said: str
    logged: str


_REFUSED = "Authentication failed: Invalid username or password"
_TELLS_NOTHING = "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-"
_UNTRUSTED = "the client ended the TLS handshake: unknown ca|hung up during the TLS handshake"
WRONG_WAYS = {
    "wrong password": WrongWay("SASL_SSL", "PLAIN", {"password": "wrong"}, _REFUSED, _REFUSED),
    "unknown user": WrongWay("SASL_PLAINTEXT", "PLAIN", {"user": "nobody"}, _REFUSED, _REFUSED),
    "wrong password of SCRAM": WrongWay(
        "SASL_PLAINTEXT", "SCRAM-SHA-512", {"password": "wrong"}, _TELLS_NOTHING + "512", "Invalid client (cred|nonce)"
    ),
    "unknown user of SCRAM": WrongWay(
        "SASL_SSL", "SCRAM-SHA-256", {"user": "nobody"}, _TELLS_NOTHING + "256", "Invalid client (cred|nonce)"
    ),
    "unsupported mechanism": WrongWay(
        "SASL_PLAINTEXT_2", "PLAIN", {}, "supported mechanisms: SCRAM-SHA-512", "Unsupported SASL mechanism 'PLAIN'"
    ),
    "plain text where TLS is": WrongWay(
        "SSL", None, {"protocol": "PLAINTEXT"}, "Disconnected|brokers are down", "the client does not speak TLS"
    ),
    "plain text where SASL is": WrongWay(
        "SASL_PLAINTEXT",
        None,
        {"protocol": "PLAINTEXT"},
        "require SASL|are down",
        "request of type Metadata during SASL",
    ),
    "TLS where plain text is": WrongWay(
        "SASL_PLAINTEXT", None, {"protocol": "SSL"}, "SSL connection closed|are down", "the peer sent a TLS handshake"
    ),
    "TLS alone where SASL is": WrongWay(
        "SASL_SSL", None, {"protocol": "SSL"}, "require SASL|are down", "request of type Metadata during SASL"
    ),
    "authority that is not trusted": WrongWay("SSL", None, {"ca": "ca"}, "certificate verify failed", _UNTRUSTED),
    "certificate for another host": WrongWay(
        "SSL_2", None, {"ca": "ca"}, "certificate verify failed", "bad certificate|hung up during the TLS handshake"
    ),
    "expired certificate": WrongWay(
        "SSL_3", None, {"ca": "ca"}, "certificate verify failed", "certificate expired|hung up during the TLS handshake"
    ),
    "no certificate where one is required": WrongWay(
        "SSL_4", None, {}, "certificate required", "the client showed no certificate"
    ),
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("what", WRONG_WAYS)
def test_wrong_way_in(secured: Secured, client: RoundTrip, what: str, unique: Callable[[str], str]) -> None:
    """The client gets Kafka's error, the log has one line of the reason, and the broker keeps nothing of it."""
    way = WRONG_WAYS[what]
    changes = {**way.changes, **({"ca": secured.papers.ca} if "ca" in way.changes else {})}
    before = len(secured.log())
    with pytest.raises(Failed) as failed:
        client(secured.entry(way.listener, way.mechanism, **changes), unique("wrong"))
    if client in (confluent_kafka, kcat):  # the others keep the reason for their log
        assert re.search(way.said, str(failed.value)), str(failed.value)

    def closings() -> list[str]:
        return re.findall(r".*closes the connection.*", secured.log()[before:])

    # The broker may hear of it when the client has given up already.
    wait_until(lambda: any(re.search(way.logged, line) for line in closings()), f"{way.logged} in the broker's log")
    wait_until(lambda: secured.num_connections() == 0, "the end of all connections")
    lines = closings()
    # A client that has had enough leaves in the middle of its next attempt.
    assert all(re.search(f"{way.logged}|hung up|broke off|connection broke", line) for line in lines), lines
    assert not re.search(r"wrong|nobody", str(lines))


def test_certificate_of_the_client_lets_it_in(secured: Secured, unique: Callable[[str], str]) -> None:
    """Where clients need a certificate, one that the authority vouches for is enough."""
    entry = secured.entry("SSL_4", certificate=secured.papers.client)
    assert confluent_kafka(entry, unique("mutual")) == b"secret"


def test_brokers_tell_the_addresses_of_the_listener_that_was_used() -> None:
    """Metadata, DescribeCluster and FindCoordinator: who came in by one listener is sent on to the same one."""
    with kit.start(brokers=2, listeners=[kit.Listener("PLAINTEXT"), kit.Listener("PLAINTEXT")]) as cluster:
        second = advertised_ports(cluster)["PLAINTEXT_2"]
        first_ports = {broker.port for broker in cluster.brokers}
        with RawClient("127.0.0.1", second) as client:
            known = [(each.host, each.port) for each in client.ask(m.MetadataRequest(topics=[])).brokers]
            found = [(each.host, each.port) for each in client.ask(m.DescribeClusterRequest(endpoint_type=1)).brokers]
            coordinator = client.ask(m.FindCoordinatorRequest(key_type=0, coordinator_keys=["g"])).coordinators[0]
        assert ("127.0.0.1", second) in known
        assert len(known) == 2
        assert set(found) == set(known)
        assert (coordinator.host, coordinator.port) in known
        assert not first_ports & {port for _, port in known}


def test_settings_show_the_listeners(secured: Secured) -> None:
    """DescribeConfigs has names, protocols, mechanisms and what clients must show; and no password."""
    settings = settings_of_broker(secured.cluster)
    assert settings["listeners"] == settings["advertised.listeners"]
    assert str(settings["listener.security.protocol.map"]).startswith(
        "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_P"
    )
    assert settings["sasl.enabled.mechanisms"] == ",".join(MECHANISMS)
    assert settings["ssl.client.auth"] == "required"
    assert PASSWORD not in str(settings)


def test_secrets_are_nowhere(secured: Secured) -> None:
    """No password in the cluster's folder, its settings as shown, or the command lines of its processes."""
    folder = Path(str(secured.cluster.data_dir))
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not any(PASSWORD.encode() in text for text in texts)
    assert PASSWORD not in repr(secured.cluster.client_settings) + repr(secured.cluster)
    assert PASSWORD not in " ".join(secured.process.cmdline()) + str(secured.process.environ())


@pytest.mark.parametrize("backend", ["embedded", "processes"])
def test_users_come_and_go(backend: str, unique: Callable[[str], str]) -> None:
    """A user made while the cluster runs comes in, also at a broker that was down then; a removed one is thrown out."""
    listener = kit.Listener("SASL_PLAINTEXT", users={"ann": PASSWORD}, sasl_mechanisms=("SCRAM-SHA-256", "PLAIN"))
    with kit.start(backend, brokers=2, listeners=[listener]) as cluster:
        cluster.kill(2)
        cluster.set_user("bob", "first")
        cluster.set_user("bob", "second")
        cluster.restart(2)
        for broker in cluster.brokers:
            assert login(broker, "bob", "second") == ErrorCode.NONE
            assert login(broker, "bob", "first") == ErrorCode.SASL_AUTHENTICATION_FAILED
        entry = Entry(cluster.bootstrap_servers, "SASL_PLAINTEXT", "SCRAM-SHA-256", "bob", "second")
        assert kafka_python(entry, unique("users")) == b"secret"
        open_ones = [logged_in(broker, user) for broker in cluster.brokers for user in ("ann", "bob")]
        cluster.remove_user("bob")
        for number, client in enumerate(open_ones):
            with client:
                if number % 2:
                    with pytest.raises(ConnectionClosed):
                        client.ask(m.MetadataRequest(topics=[]), 9)
                else:
                    assert client.ask(m.MetadataRequest(topics=[]), 9).brokers
        for broker in cluster.brokers:
            assert login(broker, "bob", "second") == ErrorCode.SASL_AUTHENTICATION_FAILED
        with pytest.raises(kit.FaultError, match="no user 'bob'"):
            cluster.remove_user("bob")
        with pytest.raises(kit.FaultError, match="password of 'eve'") as refused:
            cluster.set_user("eve", "secret\n")
        assert "secret" not in str(refused.value)


def test_cluster_without_logins_has_no_users() -> None:
    """One sentence says what kind of cluster has users."""
    with kit.start(brokers=1) as cluster, pytest.raises(kit.FaultError, match=r"kit\.Listener"):
        cluster.set_user("ann", "secret")


def test_faults_hold_for_every_listener(secured: Secured) -> None:
    """A broker that is killed is gone from all listeners, and back on all of them; one that is paused is silent."""
    entry = secured.entry("SASL_SSL", "PLAIN")
    secured.cluster.kill(1)
    for port in secured.ports.values():
        with pytest.raises(ConnectionRefusedError):
            RawClient("127.0.0.1", port)
    secured.cluster.restart(1)
    assert confluent_kafka(entry, "after-restart") == b"secret"
    secured.cluster.pause(1)
    with RawClient("127.0.0.1", secured.ports["SASL_PLAINTEXT"]) as client:
        client.send(m.SaslHandshakeRequest(mechanism="PLAIN"), 1)
        secured.cluster.resume(1)
        assert client.receive().error_code == ErrorCode.NONE


def logged_in(broker: Broker, user: str) -> RawClient:
    """A connection of a user."""
    client = RawClient(broker.host, broker.port)
    client.ask(m.SaslHandshakeRequest(mechanism="PLAIN"), 1)
    token = f"\0{user}\0{PASSWORD if user == 'ann' else 'second'}".encode()
    assert client.ask(m.SaslAuthenticateRequest(auth_bytes=token), 2).error_code == ErrorCode.NONE
    return client


def login(broker: Broker, user: str, password: str) -> int:
    """What a login by PLAIN comes to."""
    with RawClient(broker.host, broker.port) as client:
        client.ask(m.SaslHandshakeRequest(mechanism="PLAIN"), 1)
        token = f"\0{user}\0{password}".encode()
        return int(client.ask(m.SaslAuthenticateRequest(auth_bytes=token), 2).error_code)


def is_kcat_too_old() -> bool:
    """Whether librdkafka is older than 2.6.1: it sends the client's nonce twice, which a server must refuse.

    Apache Kafka does so since 3.7.2, 3.8.1 and 3.9.0 (CVE-2024-56128).
    """
    said = subprocess.run([need("kcat"), "-V"], capture_output=True, text=True, check=False)
    found = re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", said.stdout + said.stderr)
    return found is not None and tuple(map(int, found.groups())) < (2, 6, 1)
