"""The client's side of a login against the embedded broker's side, and against servers that lie."""

from __future__ import annotations

import base64

import pytest

from kit.backends.sasl_login import LoginRefused, login
from kit.broker.security.credentials import CredentialStore, salted
from kit.broker.security.plain import PlainServer
from kit.broker.security.scram import ScramServer

USERS = CredentialStore({name: salted("pass,wörd=") for name in ("ann", "a,b=c")})
SCRAM = ["SCRAM-SHA-256", "SCRAM-SHA-512"]


@pytest.mark.parametrize("mechanism", ["PLAIN", *SCRAM])
@pytest.mark.parametrize("user", ["ann", "a,b=c"])
def test_login_is_accepted(mechanism: str, user: str) -> None:
    """Both sides agree, whatever signs are in the name and the password."""
    server = PlainServer(USERS) if mechanism == "PLAIN" else ScramServer(mechanism, USERS)
    steps = login(mechanism, user, "pass,wörd=")

    message: bytes | None = next(steps)
    while message is not None:
        try:
            message = steps.send(server.answer(message))
        except StopIteration:
            message = None
    assert server.user == user


@pytest.mark.parametrize("mechanism", SCRAM)
def test_scram_server_that_does_not_know_the_password_is_refused(mechanism: str) -> None:
    """Whoever only plays the broker cannot sign its last message."""
    server = ScramServer(mechanism, USERS)
    steps = login(mechanism, "ann", "pass,wörd=")

    final = steps.send(server.answer(next(steps)))
    server.answer(final)
    with pytest.raises(LoginRefused, match="cannot prove that it knows the password"):
        steps.send(b"v=" + base64.b64encode(b"made up"))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"r=of-somebody-else,s=c2FsdA==,i=4096",
        b"r={nonce},s=c2FsdA==",
        b"r={nonce},s=c2FsdA==,i=0",
        b"r={nonce},s=c2FsdA==,i=2000000",
        b"\xff\xfe",
    ],
)
def test_first_answer_that_makes_no_sense_is_refused(answer: bytes) -> None:
    """No nonce of ours, no iterations, or so many that it would take minutes."""
    steps = login("SCRAM-SHA-256", "ann", "x")
    nonce = next(steps).rpartition(b"r=")[2]

    with pytest.raises(LoginRefused, match="makes no sense"):
        steps.send(answer.replace(b"{nonce}", nonce + b"more"))


def test_servers_own_error_is_told() -> None:
    """RFC 5802 lets the server say why in its last message."""
    steps = login("SCRAM-SHA-256", "ann", "x")
    steps.send(ScramServer("SCRAM-SHA-256", USERS).answer(next(steps)))

    with pytest.raises(LoginRefused, match="invalid-proof"):
        steps.send(b"e=invalid-proof")
