"""`kit.connect` to the embedded cluster's own listeners with TLS and SASL: the same sentences as for Apache Kafka.

`tests/clients/test_connect.py` has the counterpart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import kit
from kit.backends.ports import ReservedPort
from kit.client_settings import ClientSettings
from kit.listeners import SECURITY_PROTOCOLS

USERS = {"ann": "open-sesame"}


class Secured:
    """A cluster with a listener of each kind, and where they are."""

    def __init__(self, cluster: kit.Cluster, ports: dict[str, int]) -> None:
        self.cluster = cluster
        self.ca = cluster.client_settings["ssl_cafile"]
        self._ports = ports

    def at(self, protocol: str) -> str:
        """The bootstrap address of a listener."""
        return f"127.0.0.1:{self._ports[protocol]}"


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    """Give a cluster of one broker; SASL_SSL comes first, so that is what its client settings are for."""
    protocols = SECURITY_PROTOCOLS[::-1]
    reserved = {protocol: ReservedPort() for protocol in protocols}
    ports = {protocol: port.port for protocol, port in reserved.items()}
    for port in reserved.values():
        port.release()
    listeners = [
        kit.Listener(
            protocol,
            port=ports[protocol],
            users=USERS if "SASL" in protocol else {},
            sasl_mechanisms=("SCRAM-SHA-512",) if protocol == "SASL_PLAINTEXT" else ("PLAIN", "SCRAM-SHA-256"),
        )
        for protocol in protocols
    ]
    with kit.start(brokers=1, listeners=listeners) as cluster:
        yield Secured(cluster, ports)


def login(mechanism: str = "PLAIN", user: str = "ann", password: str = USERS["ann"]) -> dict[str, str]:
    """Settings of a user."""
    return {"sasl_mechanism": mechanism, "sasl_plain_username": user, "sasl_plain_password": password}


def test_settings_of_a_cluster_connect_to_it(secured: Secured) -> None:
    """What the starting notebook has is all that another one needs, and its widgets and clients."""
    settings = dict(secured.cluster.client_settings)
    with kit.connect(settings.pop("bootstrap_servers"), **settings) as cluster:
        assert cluster.brokers == secured.cluster.brokers
        assert cluster.controller == 1
        assert cluster.topics() == secured.cluster.topics()


@pytest.mark.parametrize(
    ("protocol", "mechanism"),
    [
        ("PLAINTEXT", None),
        ("SSL", None),
        ("SASL_PLAINTEXT", "SCRAM-SHA-512"),
        ("SASL_SSL", "PLAIN"),
        ("SASL_SSL", "SCRAM-SHA-256"),
    ],
)
def test_connect_to_each_kind_of_listener(secured: Secured, protocol: str, mechanism: str | None) -> None:
    """The brokers are told where that listener is, and kafka-python gets in with the same settings."""
    settings = {
        **({"ssl_cafile": secured.ca} if "SSL" in protocol else {}),
        **(login(mechanism) if mechanism else {}),
    }
    with kit.connect(secured.at(protocol), security_protocol=protocol, **settings) as cluster:
        assert [broker.address for broker in cluster.brokers] == [secured.at(protocol)]
        assert isinstance(cluster.topics(), dict)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
@pytest.mark.parametrize("user", ["ann", "nobody"])
def test_wrong_credentials_are_told_without_the_password(secured: Secured, mechanism: str, user: str) -> None:
    """Whether there is such a user stays the broker's secret."""
    wrong = login(mechanism, user, "not-her-password")
    with pytest.raises(kit.ConnectError, match=f"refuses the user name '{user}' or its password") as refusal:
        kit.connect(secured.at("SASL_SSL"), security_protocol="SASL_SSL", ssl_cafile=secured.ca, **wrong)
    assert "not-her-password" not in str(refusal.value)


@pytest.mark.parametrize(
    ("listener", "settings", "sentence"),
    [
        ("SSL", {}, r"speaks TLS, and security_protocol is PLAINTEXT: write security_protocol='SSL'\."),
        ("SASL_SSL", {}, "speaks TLS and wants a user name.*'SASL_SSL', sasl_mechanism='PLAIN' or 'SCRAM-SHA-256', "),
        ("SASL_PLAINTEXT", {}, "wants a user name.*'SASL_PLAINTEXT', sasl_mechanism='SCRAM-SHA-512', sasl_plain_user"),
        ("PLAINTEXT", {"security_protocol": "SSL"}, "speaks plain text instead of TLS.*write.*'PLAINTEXT'"),
        ("PLAINTEXT", {"security_protocol": "SASL_PLAINTEXT", **login()}, "asks for no user name.*'PLAINTEXT'"),
        ("SASL_PLAINTEXT", {"security_protocol": "SASL_SSL", **login()}, "only where you trust the network"),
        ("SASL_SSL", {"security_protocol": "SASL_PLAINTEXT", **login()}, "speaks TLS, .*write.*'SASL_SSL'"),
        ("SSL", {"security_protocol": "SSL"}, r'authority that is not trusted here.*ssl_cafile="ca\.pem"'),
        ("SASL_PLAINTEXT", {"security_protocol": "SASL_PLAINTEXT", **login()}, "it offers SCRAM-SHA-512"),
    ],
)  # fmt: skip
def test_listener_of_another_kind(secured: Secured, listener: str, settings: dict[str, Any], sentence: str) -> None:
    """What does not fit is found out and told together with what would."""
    with pytest.raises(kit.ConnectError, match=sentence):
        kit.connect(secured.at(listener), **settings)


def test_users_at_run_time(secured: Secured) -> None:
    """A new user gets in, and once removed, no more."""
    settings = {"security_protocol": "SASL_SSL", "ssl_cafile": secured.ca, **login("SCRAM-SHA-256", "eve", "apple")}
    secured.cluster.set_user("eve", "apple")
    kit.connect(secured.at("SASL_SSL"), **settings).close()
    secured.cluster.remove_user("eve")
    with pytest.raises(kit.ConnectError, match="refuses the user name 'eve'"):
        kit.connect(secured.at("SASL_SSL"), **settings)


def test_check_reaches_a_cluster_with_users(secured: Secured) -> None:
    """Checks use the cluster's own settings; the answer is about records, not about the connection."""
    assert isinstance(secured.cluster.client_settings, ClientSettings)
    result = kit.check("01.record", secured.cluster)

    assert not result
    assert "could not be asked" not in repr(result) + str(result.happened)


@pytest.mark.parametrize("brokers", [1, 3])
def test_login_that_holds_no_more_is_told_by_an_open_cluster(brokers: int) -> None:
    """The user was removed: brokers live, and whatever is asked says at once that the login is refused, and why."""
    sasl = kit.Listener(users={"ann": "open-sesame", "eve": "apple"})
    with kit.start(brokers=brokers, listeners=[sasl]) as mine:
        settings = {**mine.client_settings, **login(user="eve", password="apple")}
        with kit.connect(**settings) as cluster:
            assert cluster.controller is not None
            assert cluster.topics() == {}
            mine.remove_user("eve")

            for ask in (cluster.topics, lambda: cluster.topics(wait=False), lambda: cluster.controller, cluster.state):
                with pytest.raises(
                    kit.ConnectError, match=r"refuses the user name 'eve'.*removed, or has expired"
                ) as told:
                    ask()
                assert "restart" not in str(told.value)
                assert "apple" not in str(told.value)
            assert [broker.is_alive for broker in cluster.brokers] == [True] * brokers

            mine.set_user("eve", "apple")
            assert cluster.topics(wait=False) == {}
            assert cluster.controller == mine.controller


def test_owner_whose_own_user_was_removed_is_told(secured: Secured) -> None:
    """A cluster of ours too is read by its first listener, with that one's first user."""
    user = secured.cluster.client_settings["sasl_plain_username"]
    secured.cluster.remove_user(user)
    try:
        with pytest.raises(kit.ConnectError, match=f"refuses the user name '{user}'"):
            secured.cluster.topics()
    finally:
        secured.cluster.set_user(user, USERS[user])
