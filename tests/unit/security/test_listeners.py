"""What a `kit.Listener` refuses, and how a cluster plans its listeners; nothing here starts one."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

import kit
from kit.backends import listening
from kit.backends.listening import OWN_USER, ListenerPlan
from kit.broker.endpoints import Endpoint, node_settings
from kit.listeners import SECURITY_PROTOCOLS

USERS = {"ann": "open sesame"}
SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"security_protocol": "TLS"}, "security_protocol='TLS' is none of Kafka's: choose one of PLAINTEXT, SSL"),
        ({"security_protocol": None}, "is none of Kafka's"),
        ({"host": ""}, "host='' is no address"),
        ({"host": "localhost:9092"}, "host='localhost:9092' is no address"),
        ({"host": 7}, "host=7 is no address"),
        ({"advertised_host": "http://x"}, "advertised_host='http://x' is no address"),
        ({"advertised_host": "0.0.0.0"}, "Nobody can connect to advertised_host"),
        ({"port": 0}, "port=0 is no port"),
        ({"port": 65_536}, "port=65536 is no port"),
        ({"port": True}, "port=True is no port"),
        ({"port": "9092"}, "port='9092' is no port"),
        ({"users": ["ann"]}, "users must be a dictionary"),
        ({"users": {"": "secret"}}, "The name '' of a user must be text"),
        ({"users": {"ann": ""}}, "The password of 'ann' must be text"),
        ({"users": {"ann": 1234}}, "The password of 'ann' must be text"),
        ({"users": {"ann": "x" * 1_001}}, "The password of 'ann' must be text"),
        ({"users": {"a\0b": "secret"}}, "must be text"),
        ({"sasl_mechanisms": ()}, "sasl_mechanisms: there is none; choose among PLAIN, SCRAM-SHA-256"),
        ({"sasl_mechanisms": ("GSSAPI",)}, "'GSSAPI' is unknown"),
        ({"security_protocol": "PLAINTEXT", "users": USERS}, "Nobody logs in .* security_protocol='SASL_PLAINTEXT'"),
        ({"security_protocol": "SSL", "users": USERS}, "Nobody logs in .* security_protocol='SASL_SSL'"),
        ({"ssl_key": "key.pem"}, "ssl_key='key.pem' has no use with SASL_PLAINTEXT: .*='SASL_SSL'"),
        ({"security_protocol": "PLAINTEXT", "ssl_client_ca": "ca.pem"}, "no use with PLAINTEXT: .*='SSL'"),
        ({"security_protocol": "SSL", "ssl_certificate": "cert.pem"}, "go together"),
        ({"security_protocol": "SSL", "ssl_key": "key.pem"}, "go together"),
        ({"security_protocol": "SSL", "ssl_certificate": "", "ssl_key": ""}, "names no file"),
        ({"host": "0.0.0.0"}, "somebody has to log in there"),
        ({"host": "192.0.2.1", "security_protocol": "SSL"}, "somebody has to log in there"),
        ({"host": "lab.example", "security_protocol": "PLAINTEXT"}, "somebody has to log in there"),
        ({"host": "0.0.0.0", "users": USERS}, "With PLAIN and without SSL everybody in the network"),
    ],
)
def test_listener_refuses(values: dict[str, Any], sentence: str) -> None:
    """One sentence says what is wrong and what would be right; no password is in it."""
    with pytest.raises(kit.StartError, match=sentence) as refused:
        kit.Listener(**values)
    text = str(refused.value)
    assert not any(password in text for password in ("open sesame", "secret", "1234", "xxx"))


@pytest.mark.parametrize(
    "values",
    [
        *({"security_protocol": protocol} for protocol in SECURITY_PROTOCOLS),
        {"host": "::1"},
        {"host": "localhost"},
        {"host": "127.3.2.1", "users": USERS},
        {"host": "0.0.0.0", "users": USERS, "sasl_mechanisms": SCRAM},
        {"host": "0.0.0.0", "users": USERS, "security_protocol": "SASL_SSL"},
        {"sasl_mechanisms": "PLAIN"},
    ],
)
def test_listener_takes(values: dict[str, Any]) -> None:
    """What is safe is allowed: anything on this computer, and logins that nobody can listen to elsewhere."""
    kit.Listener(**values)


def test_no_view_of_a_listener_has_a_password() -> None:
    """Neither its repr, nor its users', nor a pickle; comparing and copying still work."""
    listener = kit.Listener(users=USERS)
    assert "ann" in repr(listener)
    for view in (repr(listener), repr(listener.users), str(listener), repr(pickle.dumps(listener))):
        assert "sesame" not in view
    assert copy.deepcopy(listener) == listener == kit.Listener(users=dict(USERS))
    assert listener.users["ann"] == "open sesame"
    hash(listener)


def test_plan_without_listeners_is_plain_text_on_the_loopback() -> None:
    """As it was before there were listeners."""
    plan = ListenerPlan(None, brokers=2, port=9200)
    assert plan.addresses() == {1: ("127.0.0.1", 9200), 2: ("127.0.0.1", 9201)}
    assert dict(plan.client_settings()) == {"bootstrap_servers": "127.0.0.1:9200,127.0.0.1:9201"}
    with pytest.raises(kit.FaultError, match="has no users"):
        plan.set_user("ann", "secret")


def test_single_listener_needs_no_list() -> None:
    """``listeners=kit.Listener(...)`` is what a student writes for one, and `kit.start` says that it may be."""
    listener = kit.Listener("SSL")
    assert (
        ListenerPlan(listener, brokers=1, port=None).described
        == ListenerPlan([listener], brokers=1, port=None).described
    )
    assert "listeners: how clients reach every broker, a `kit.Listener` or several" in (kit.start.__doc__ or "")


def test_names_are_the_protocols_and_unique() -> None:
    """As Kafka wants them: each name once."""
    protocols = ["SSL", "PLAINTEXT", "SSL", "SASL_SSL", "SSL"]
    plan = ListenerPlan([kit.Listener(protocol) for protocol in protocols], brokers=1, port=None)
    assert [each["name"] for each in plan.described] == ["SSL", "PLAINTEXT", "SSL_2", "SASL_SSL", "SSL_3"]


@pytest.mark.parametrize(
    ("listeners", "port", "sentence"),
    [
        ([], None, "one or more kit.Listener"),
        (["SASL_SSL"], None, "one or more kit.Listener"),
        (9092, None, "one or more kit.Listener"),
        ([kit.Listener(port=9300), kit.Listener("SSL", port=9302)], None, "Two listeners want port 9302"),
        ([kit.Listener(port=9300)], 9400, "port=9400 and the first listener's port=9300 contradict"),
        ([kit.Listener(port=65_534)], None, "port=65534 cannot be the first of 3"),
    ],
)
def test_plan_refuses(listeners: Any, port: int | None, sentence: str) -> None:
    """Listeners that cannot be beside one another."""
    with pytest.raises(kit.StartError, match=sentence):
        ListenerPlan(listeners, brokers=3, port=port)


def test_brokers_get_no_password() -> None:
    """What is sent to their processes checks passwords and does not tell them."""
    plan = ListenerPlan([kit.Listener(users=USERS)], brokers=1, port=None)
    changed = plan.set_user("bob", "his password")
    assert "sesame" not in str(plan.described)
    assert "his password" not in str(plan.described) + str(changed)
    assert set(plan.described[0]["users"]) == {"ann", "bob"}


def test_client_settings_are_those_of_the_first_listener_and_user(tmp_path: Path) -> None:
    """Certificate to trust, mechanism, name and password; the password hidden."""
    listener = kit.Listener("SASL_SSL", users={**USERS, "bob": "x"}, sasl_mechanisms=SCRAM)
    plan = ListenerPlan([listener, kit.Listener("PLAINTEXT")], brokers=1, port=9200)
    plan.add_certificates(tmp_path)
    settings = plan.client_settings()
    assert dict(settings) == {
        "bootstrap_servers": "127.0.0.1:9200",
        "security_protocol": "SASL_SSL",
        "ssl_cafile": str(tmp_path / "tls" / "ca.pem"),
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "ann",
        "sasl_plain_password": "open sesame",
    }
    assert "sesame" not in repr(settings)


def test_kit_can_look_where_nobody_can_log_in_yet() -> None:
    """A first listener without users gets one of the kit's own, with a password that is new each time."""
    passwords = set()
    for _ in range(2):
        settings = ListenerPlan([kit.Listener()], brokers=1, port=None).client_settings()
        assert settings["sasl_plain_username"] == OWN_USER
        passwords.add(str.__str__(settings["sasl_plain_password"]))
    assert len(passwords) == 2


def test_users_change() -> None:
    """Set, set again, remove; each for listeners with SASL only, and with one sentence when it cannot be."""
    plan = ListenerPlan([kit.Listener("SSL"), kit.Listener(users=USERS)], brokers=1, port=None)
    plan.set_user("bob", "x")
    assert plan.remove_user("bob") == {"name": "bob"}
    assert plan.described[0]["users"] == {}
    with pytest.raises(kit.FaultError, match="There is no user 'bob'"):
        plan.remove_user("bob")
    with pytest.raises(kit.FaultError, match="The password of 'bob' must be text") as refused:
        plan.set_user("bob", "hid\tden")
    assert "den" not in str(refused.value)


def test_every_address_is_advertised_as_this_computers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can connect to 0.0.0.0: clients are told the address in the network, or what was given."""
    monkeypatch.setattr(listening, "own_address", lambda: "192.0.2.7")
    for advertised, told in ((None, "192.0.2.7"), ("lab.example", "lab.example")):
        listener = kit.Listener("SASL_SSL", host="0.0.0.0", users=USERS, advertised_host=advertised)
        plan = ListenerPlan([listener], brokers=1, port=9200)
        assert plan.client_settings()["bootstrap_servers"] == f"{told}:9200"


def test_settings_of_a_broker_name_every_endpoint() -> None:
    """What it listens on and what clients are told, IPv6 in brackets; nothing of TLS and SASL where there is none."""
    plain = node_settings(1, [Endpoint("127.0.0.1", 9092)], Path("logs"))
    assert plain["listeners"] == plain["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"
    assert not {"listener.security.protocol.map", "sasl.enabled.mechanisms", "ssl.client.auth"} & set(plain)
    endpoints = [
        Endpoint("lab.example", 1, "SASL_SSL", "SASL_SSL", bound_host="0.0.0.0", mechanisms=("PLAIN", *SCRAM)),
        Endpoint("::1", 2, "SSL", "SSL", client_auth="required"),
    ]
    settings = node_settings(1, endpoints, Path("logs"))
    assert settings["listeners"] == "SASL_SSL://0.0.0.0:1,SSL://[::1]:2"
    assert settings["advertised.listeners"] == "SASL_SSL://lab.example:1,SSL://[::1]:2"
    assert settings["listener.security.protocol.map"] == "SASL_SSL:SASL_SSL,SSL:SSL"
    assert settings["sasl.enabled.mechanisms"] == "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
    assert settings["ssl.client.auth"] == "required"
