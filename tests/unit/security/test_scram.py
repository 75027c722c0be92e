"""The server's side of SCRAM and PLAIN: the RFC's example, right and wrong passwords, bytes that are no message."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.security.credentials import CredentialStore, ScramCredential, salted
from kit.broker.security.mechanism import LoginRefused
from kit.broker.security.plain import PlainServer
from kit.broker.security.scram import ScramServer
from tests.unit.security.scram_client import HASHES, ScramClient

PASSWORDS = {"ann": "open sesame", "b,=b": "ünïcödé €"}
USERS = {name: salted(password) for name, password in PASSWORDS.items()}
MECHANISMS = pytest.mark.parametrize("mechanism", sorted(HASHES))


def server(mechanism: str = "SCRAM-SHA-256") -> ScramServer:
    """A new login."""
    return ScramServer(mechanism, CredentialStore(USERS))


def test_example_of_the_rfc() -> None:
    """The dialogue of RFC 7677, section 3, byte for byte."""
    known = ScramCredential.of("sha256", b"pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    store = CredentialStore({"user": {"SCRAM-SHA-256": known.dump()}})
    login = ScramServer("SCRAM-SHA-256", store, nonce="%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    assert login.answer(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO") == (
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    assert login.user is None
    assert login.answer(
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    ) == (b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert login.user == "user"


@MECHANISMS
@pytest.mark.parametrize("name", sorted(PASSWORDS))
@pytest.mark.parametrize("gs2", ["n,,", "y,,", "n,a=ann,"])
def test_right_password_comes_in(mechanism: str, name: str, gs2: str) -> None:
    """Both sides prove what they know, whatever characters the name has and whatever the client knows of channels."""
    if "a=" in gs2:
        name = "ann"
    login, client = server(mechanism), ScramClient(mechanism, name, PASSWORDS[name], gs2=gs2)
    assert client.trusts(login.answer(client.final(login.answer(client.first()))))
    assert login.user == name


@MECHANISMS
@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_wrong_password_and_unknown_user_fail_alike(mechanism: str, name: str) -> None:
    """Both get a salt, fail with the final message, and get the same sentence: nobody learns who has an account."""
    login, client = server(mechanism), ScramClient(mechanism, name, "wrong")
    final = client.final(login.answer(client.first()))
    with pytest.raises(LoginRefused, match="Invalid client credentials") as refused:
        login.answer(final)
    assert refused.value.for_client is None
    assert login.user is None


def test_unknown_user_has_the_same_salt_each_time() -> None:
    """A salt that changed would tell that there is no such user; another name and another store have others."""
    store, mechanism = CredentialStore(USERS), "SCRAM-SHA-256"
    made_up = store.scram("nobody", mechanism)
    assert store.scram("nobody", mechanism) == made_up
    assert len(made_up.salt) == len(store.scram("ann", mechanism).salt)
    assert made_up.salt not in (
        store.scram("somebody", mechanism).salt,
        CredentialStore({}).scram("nobody", mechanism).salt,
    )


def test_user_removed_during_the_login_stays_out() -> None:
    """The final message is judged by what is so then."""
    store = CredentialStore(USERS)
    login, client = ScramServer("SCRAM-SHA-256", store), ScramClient("SCRAM-SHA-256", "ann", PASSWORDS["ann"])
    final = client.final(login.answer(client.first()))
    store.remove("ann")
    with pytest.raises(LoginRefused):
        login.answer(final)


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (b"", "no sense"),
        (b"\xff", "UTF-8"),
        (b"n,,n=ann", "no sense"),
        (b"n,,n=,r=x", "no sense"),
        (b"n,,r=x,n=ann", "no sense"),
        (b"n,,n=ann,r=a b", "no sense"),
        (b"p=tls-unique,,n=ann,r=x", "channel binding"),
        (b"n,,m=more,n=ann,r=x", "extension"),
        (b"n,,n=a=b,r=x", "escape"),
        (b"n,a=bob,n=ann,r=x", "authorization id"),
    ],
)
def test_first_message_that_is_none(first: bytes, reason: str) -> None:
    """Each is refused at once, with the reason in the log."""
    with pytest.raises(LoginRefused, match=reason):
        server().answer(first)


@pytest.mark.parametrize(
    ("false", "reason"),
    [({"nonce": "fyko"}, "nonce"), ({"nonce": "other"}, "nonce"), ({"binding": "y,,"}, "channel")],
)
def test_final_message_about_another_login(false: dict[str, str], reason: str) -> None:
    """The nonce and the channel must be those of this login, however right the password is."""
    login, client = server(), ScramClient("SCRAM-SHA-256", "ann", PASSWORDS["ann"])
    final = client.final(login.answer(client.first()), **false)
    with pytest.raises(LoginRefused, match=reason):
        login.answer(final)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_random_bytes_come_to_an_end(first: bytes, final: bytes) -> None:
    """Whatever comes, the login is refused or goes on; nothing else is raised, and nobody is let in."""
    for token in (first, b"n,,n=ann,r=" + first, b"c=biws,r=" + final, final):
        login = server()
        for message in (b"n,,n=ann,r=x", token):
            try:
                login.answer(message)
            except LoginRefused:
                break
        assert login.user is None


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        (b"\0ann\0wrong", "Authentication failed: Invalid username or password"),
        (b"\0nobody\0open sesame", "Authentication failed: Invalid username or password"),
        (b"\0ann", "Invalid SASL/PLAIN response: expected 3 tokens, got 2"),
        (b"\0ann\0a\0b", "Invalid SASL/PLAIN response: expected 3 tokens, got 4"),
        (b"\0\0secret", "Authentication failed: username not specified"),
        (b"\0ann\0", "Authentication failed: password not specified"),
        (b"bob\0ann\0open sesame", "Authentication failed: Client requested an authorization id that is different"),
        (b"\0ann\0\xff", "Authentication failed: Invalid username or password"),
    ],
)
def test_plain_is_refused_in_kafkas_words(token: bytes, sentence: str) -> None:
    """The client gets the sentence, which does not tell whether the user exists."""
    login = PlainServer(CredentialStore(USERS))
    with pytest.raises(LoginRefused, match=sentence) as refused:
        login.answer(token)
    assert refused.value.for_client == str(refused.value)
    assert login.user is None


@pytest.mark.parametrize("acts_as", ["", "ann"])
def test_plain_lets_the_right_password_in(acts_as: str) -> None:
    """Also the second time, when the long computation is spared, and with an authorization id that is the user."""
    store = CredentialStore(USERS)
    for _ in range(2):
        login = PlainServer(store)
        assert login.answer(f"{acts_as}\0ann\0open sesame".encode()) == b""
        assert login.user == "ann"


def test_changed_password_ends_what_was_remembered() -> None:
    """After a change the old password is wrong, though it had come in before; a removed user is out."""
    store = CredentialStore(USERS)
    assert store.accepts("ann", b"open sesame")
    store.set("ann", salted("new"))
    assert not store.accepts("ann", b"open sesame")
    assert store.accepts("ann", b"new")
    store.remove("ann")
    assert not store.accepts("ann", b"new")


def test_credentials_show_no_key() -> None:
    """Neither what is kept nor how it looks has the password or a key in it; each user has a salt of its own."""
    dumped = [salted("open sesame") for _ in range(2)]
    assert "open sesame" not in str(dumped)
    assert len({str(each[mechanism]["salt"]) for each in dumped for mechanism in HASHES}) == 4
    shown = repr(ScramCredential.load(dumped[0]["SCRAM-SHA-256"]))
    assert shown == "ScramCredential(iterations=4096)"
