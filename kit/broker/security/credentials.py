"""What a broker keeps of its users: enough to check a password, too little to know it.

PLAIN is checked against what SCRAM keeps. Whoever does not exist is checked too, against made-up credentials that stay
the same: neither time nor answers tell who has an account here.
Source: RFC 5802 section 3, RFC 7677; Kafka classes ``ScramFormatter`` and ``ScramCredentialUtils``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
ITERATIONS = 4096  # Kafka's default, and the fewest that RFC 7677 allows
_SALT_BYTES = 24
_PLAIN_IS_CHECKED_BY = "SCRAM-SHA-256"

Dumped = dict[str, dict[str, str | int]]
"""One user's credentials, by mechanism, as JSON can carry them."""


@dataclass(frozen=True, slots=True)
class ScramCredential:
    """What the server side of SCRAM knows of one user for one hash function."""

    salt: bytes = field(repr=False)
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    @classmethod
    def of(cls, hash_name: str, password: bytes, salt: bytes, iterations: int = ITERATIONS) -> ScramCredential:
        """Salt a password; takes a millisecond or two, on purpose."""
        salted = hashlib.pbkdf2_hmac(hash_name, password, salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", hash_name)
        stored_key = hashlib.new(hash_name, client_key).digest()
        return cls(salt, iterations, stored_key, hmac.digest(salted, b"Server Key", hash_name))

    def dump(self) -> dict[str, str | int]:
        """The values as JSON can carry them."""
        keys = {"salt": self.salt, "stored_key": self.stored_key, "server_key": self.server_key}
        return {"iterations": self.iterations, **{name: base64.b64encode(key).decode() for name, key in keys.items()}}

    @classmethod
    def load(cls, dumped: Mapping[str, str | int]) -> ScramCredential:
        """The counterpart of `dump`."""
        salt, stored_key, server_key = (
            base64.b64decode(str(dumped[name])) for name in ("salt", "stored_key", "server_key")
        )
        return cls(salt, int(dumped["iterations"]), stored_key, server_key)


def salted(password: str) -> Dumped:
    """The credentials of a user with this password, for every mechanism, with salts of their own.

    The text is taken as it is, in UTF-8: Kafka's servers and clients leave SASLprep (RFC 4013) out, and a server that
    did it alone would refuse passwords that it changes.
    """
    return {
        mechanism: ScramCredential.of(hash_name, password.encode(), secrets.token_bytes(_SALT_BYTES)).dump()
        for mechanism, hash_name in HASHES.items()
    }


class CredentialStore:
    """The users of one listener.

    Args:
        users: `salted` passwords by name.
    """

    def __init__(self, users: Mapping[str, Dumped]) -> None:
        self._users: dict[str, dict[str, ScramCredential]] = {}
        self._secret = secrets.token_bytes(32)  # for made-up credentials, and for remembering who was let in
        self._let_in: dict[str, bytes] = {}
        for name, dumped in users.items():
            self.set(name, dumped)

    def __contains__(self, name: str) -> bool:
        return name in self._users

    def set(self, name: str, dumped: Dumped) -> None:
        """Add a user, or change the password."""
        self._users[name] = {mechanism: ScramCredential.load(each) for mechanism, each in dumped.items()}
        self._let_in.pop(name, None)

    def remove(self, name: str) -> None:
        """Forget a user; harmless when there is none."""
        self._users.pop(name, None)
        self._let_in.pop(name, None)

    def scram(self, name: str, mechanism: str) -> ScramCredential:
        """The credentials for a SCRAM mechanism; made up ones, which nothing fits, for a user that does not exist."""
        known = self._users.get(name)
        return self._made_up(name, mechanism) if known is None else known[mechanism]

    def accepts(self, name: str, password: bytes) -> bool:
        """Whether a password that came in the clear (PLAIN) is the user's.

        The right one takes the long computation once; a wrong one takes it each time, whether the user exists or not.
        """
        token = hmac.digest(self._secret, b"let in" + password, "sha256")
        if hmac.compare_digest(self._let_in.get(name, b""), token):
            return True
        expected = self.scram(name, _PLAIN_IS_CHECKED_BY)
        given = ScramCredential.of(HASHES[_PLAIN_IS_CHECKED_BY], password, expected.salt, expected.iterations)
        is_right = hmac.compare_digest(given.stored_key, expected.stored_key) and name in self._users
        if is_right:
            self._let_in[name] = token
        return is_right

    def _made_up(self, name: str, mechanism: str) -> ScramCredential:
        def derived(what: bytes) -> bytes:
            return hmac.digest(self._secret, what + mechanism.encode() + name.encode(), HASHES[mechanism])

        return ScramCredential(derived(b"salt")[:_SALT_BYTES], ITERATIONS, derived(b"stored"), derived(b"server"))
