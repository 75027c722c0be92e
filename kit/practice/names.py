"""Ids, keys and secrets in the shapes that Confluent Cloud gives them."""

from __future__ import annotations

import secrets
import string
from collections.abc import Container

_ID_LETTERS = string.ascii_lowercase + string.digits
_KEY_LETTERS = string.ascii_uppercase + string.digits
_SECRET_LETTERS = string.ascii_letters + string.digits + "+/"

_ID_LENGTH = 6
_KEY_LENGTH = 16
_SECRET_LENGTH = 64


def new_environment_id(taken: Container[str]) -> str:
    """An id such as ``env-a1b2c3``."""
    return _new("env-", _ID_LETTERS, _ID_LENGTH, taken)


def new_cluster_id(taken: Container[str]) -> str:
    """An id such as ``lkc-a1b2c3``."""
    return _new("lkc-", _ID_LETTERS, _ID_LENGTH, taken)


def new_user_id() -> str:
    """An id such as ``u-a1b2c3``."""
    return _new("u-", _ID_LETTERS, _ID_LENGTH, ())


def new_api_key(taken: Container[str]) -> str:
    """Sixteen upper-case letters and digits."""
    return _new("", _KEY_LETTERS, _KEY_LENGTH, taken)


def new_secret() -> str:
    """Sixty-four characters that nobody guesses."""
    return _new("", _SECRET_LETTERS, _SECRET_LENGTH, ())


def _new(prefix: str, letters: str, length: int, taken: Container[str]) -> str:
    while True:
        name = prefix + "".join(secrets.choice(letters) for _ in range(length))
        if name not in taken:
            return name
