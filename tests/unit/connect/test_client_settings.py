"""`ClientSettings`: settings for every client, and passwords for nobody's eyes."""

from __future__ import annotations

import copy
import json
import pickle
import pprint
import traceback
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

import kit
from kit.client_settings import HIDDEN, ClientSettings, settings_of
from kit.connect_settings import merged_settings

PASSWORD, KEY_PASSWORD = "open-sesame", "of-the-key"
SETTINGS = {
    "bootstrap_servers": "kafka.example:9092",
    "security_protocol": "SASL_SSL",
    "sasl_plain_username": "ann",
    "sasl_plain_password": PASSWORD,
    "ssl_password": KEY_PASSWORD,
}


def raised(settings: ClientSettings) -> str:
    """What a traceback shows of them."""
    try:
        raise ValueError(settings)
    except ValueError:
        return traceback.format_exc()


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        lambda settings: settings._repr_html_(),
        lambda settings: repr(dict(settings)),
        lambda settings: repr(list(settings.items())),
        lambda settings: f"{settings}",
        pprint.pformat,
        raised,
        lambda settings: json.dumps(settings.shown()),
        lambda settings: pickle.dumps(settings).decode("latin-1"),
        lambda settings: pickle.dumps(dict(settings)).decode("latin-1"),
    ],
)
def test_no_view_shows_a_password(show: Any) -> None:
    """The names and everything else can be read, the passwords nowhere."""
    shown = show(ClientSettings(SETTINGS))

    assert PASSWORD not in shown
    assert KEY_PASSWORD not in shown
    assert HIDDEN in shown
    assert "kafka.example:9092" in shown


def test_json_of_the_settings_themselves_is_refused() -> None:
    """What json cannot show it cannot leak; `shown` is what may be saved."""
    with pytest.raises(TypeError):
        json.dumps(ClientSettings(SETTINGS))


def test_clients_get_the_password() -> None:
    """As keyword arguments the settings are what they were, and so is a copy in this process."""
    for settings in (
        ClientSettings(SETTINGS),
        copy.copy(ClientSettings(SETTINGS)),
        copy.deepcopy(ClientSettings(SETTINGS)),
    ):
        assert dict(**settings) == SETTINGS
        assert settings["sasl_plain_password"].encode() == PASSWORD.encode()


def test_settings_that_were_saved_ask_for_the_password_again() -> None:
    """A pickled copy lacks it, and connecting with "(hidden)" would only be a puzzle."""
    saved = pickle.loads(pickle.dumps(ClientSettings({**SETTINGS, "sasl_mechanism": "PLAIN", "ssl_password": ""})))

    given = {name: value for name, value in saved.items() if name not in {"bootstrap_servers", "ssl_password"}}
    with pytest.raises(kit.ConnectError, match="hidden when they were saved: give sasl_plain_password again"):
        merged_settings(saved["bootstrap_servers"], None, given)


def test_html_is_text_and_never_markup() -> None:
    """A setting can hold anything."""
    shown = ClientSettings({"bootstrap_servers": "<script>:1"})._repr_html_()

    assert "<script>" not in shown
    assert "&lt;script&gt;:1" in shown


@pytest.mark.parametrize("client", [KafkaProducer, KafkaConsumer, KafkaAdminClient])
def test_every_client_knows_every_setting(client: type) -> None:
    """Whatever kit.connect lets in can be handed to all three."""
    from kit.connect_settings import _NAMES

    assert set(_NAMES) <= set(client.DEFAULT_CONFIG)  # type: ignore[attr-defined]


def test_settings_of_what_only_has_an_address() -> None:
    """Widgets and checks take anything with bootstrap_servers."""

    class Plain:
        bootstrap_servers = "kafka:9092"

    class Safe(Plain):
        client_settings = ClientSettings(SETTINGS)

    assert dict(settings_of(Plain())) == {"bootstrap_servers": "kafka:9092"}
    assert settings_of(Safe()) == SETTINGS
