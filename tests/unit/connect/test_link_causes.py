"""What is said of a refused login, without any broker."""

from __future__ import annotations

import pytest

from kit.backends.broker_link import LinkError, Step
from kit.backends.link_causes import explain, refusal
from kit.wire.errors import ErrorCode

REFUSED = LinkError(Step.LOG_IN, code=ErrorCode.SASL_AUTHENTICATION_FAILED)


def told(user: str = "ann", password: str = "open-sesame", host: str = "127.0.0.1") -> str:
    """The sentence for a login that the broker refuses."""
    settings = {"sasl_mechanism": "PLAIN", "sasl_plain_username": user, "sasl_plain_password": password}
    text = explain(REFUSED, host, 9092, settings, lambda: None)
    assert password not in text
    return text


@pytest.mark.parametrize("password", ['"open-sesame"', "'open-sesame'", '"'])
def test_quotation_marks_around_a_password_are_doubted(password: str) -> None:
    """Java's properties take them as part of it, which is not what their author meant."""
    assert ("password begins and ends with a quotation mark" in told(password=password)) == (len(password) > 1)


@pytest.mark.parametrize("value", ["WRITE-IT-HERE", "<API_KEY>", "{{ SECRET }}", "${PASSWORD}", "xxxx", "YOUR_SECRET"])
def test_placeholder_is_doubted(value: str) -> None:
    """What documentation writes where a reader has to put something else."""
    assert "The password looks like a placeholder" in told(password=value)
    assert "The user name looks like a placeholder" in told(user=value)


def test_ordinary_login_is_not_doubted() -> None:
    """An API key has capitals and digits only, and a password may hold anything."""
    key, secret = "ABCDEFGHIJKLMNOP", "a<b>c/D+e=f'g\"h"
    assert told(key, secret).endswith("(PLAIN): correct them.")


def test_patience_is_asked_for_only_where_api_keys_are() -> None:
    """A user of SCRAM on this computer has nothing to wait for."""
    assert "A new API key needs a few minutes" in told(host="pkc-1.eu.aws.confluent.cloud")
    assert "minutes" not in told(host="confluent.cloud.example.org")


@pytest.mark.parametrize("cause", [ConnectionResetError(), BrokenPipeError()])
def test_end_after_the_handshake_is_told_as_a_matter_of_certificates(cause: OSError) -> None:
    """With TLS 1.3 the refusal of a client's certificate may get lost, and only the end of the connection is seen."""
    settings = {"security_protocol": "SSL"}
    error = LinkError(Step.GREET, cause=cause)

    assert "wants one of the client too" in explain(error, "127.0.0.1", 9093, settings, lambda: None)
    settings["ssl_certfile"] = "mine.pem"
    assert "does not trust that of this client" in explain(error, "127.0.0.1", 9093, settings, lambda: None)


@pytest.mark.parametrize(
    ("error", "protocol"),
    [
        (LinkError(Step.GREET, cause=ConnectionResetError()), "PLAINTEXT"),
        (LinkError(Step.GREET, cause=TimeoutError()), "SSL"),
        (LinkError(Step.GREET, cause=ConnectionResetError(), said=b"HTTP"), "SSL"),
        (LinkError(Step.TLS, cause=ConnectionResetError()), "SSL"),
    ],
)
def test_other_ends_say_nothing_of_certificates(error: LinkError, protocol: str) -> None:
    """Without TLS, without an answer, with another one, before the handshake was over."""
    assert "certificate" not in explain(error, "127.0.0.1", 9093, {"security_protocol": protocol}, lambda: None)


def test_failure_that_may_pass_is_no_refusal() -> None:
    """A broker that hangs up or is not there may be back soon."""
    settings = {"sasl_mechanism": "PLAIN", "sasl_plain_username": "ann", "sasl_plain_password": "open-sesame"}
    for error in (
        LinkError(Step.CONNECT, cause=ConnectionRefusedError()),
        LinkError(Step.LOG_IN, cause=ConnectionResetError()),
        LinkError(Step.ASK, cause=TimeoutError()),
    ):
        assert refusal(error, "127.0.0.1", 9092, settings) is None
    assert "has expired" in str(refusal(REFUSED, "127.0.0.1", 9092, settings))
