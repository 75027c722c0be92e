"""``confluent login`` and ``logout``: no account and no password, and they say so; ``version``."""

from __future__ import annotations

import getpass
import platform
from collections.abc import Sequence

from kit.practice import names
from kit.practice.commands import Command
from kit.practice.context import Context
from kit.practice.flags import Flag, Flags

HONEST_LINE = (
    "This is the practice CLI of kafka-kit, not Confluent's: clusters are processes on this computer, "
    "nothing goes to a cloud, and nothing costs money."
)
_IGNORED = "Accepted and not used: the practice CLI has no accounts."


def version_text() -> str:
    """What ``--version`` prints."""
    from importlib import metadata

    try:
        number = metadata.version("kafka-kit")
    except metadata.PackageNotFoundError:
        number = "(not installed)"
    return f"confluent version: practice CLI of kafka-kit {number} (Python {platform.python_version()})"


def _login(context: Context, _args: Sequence[str], _flags: Flags) -> None:
    user = f"{_user()}@localhost"
    with context.change() as state:
        state.login = user
        state.user = state.user or names.new_user_id()
    context.tell(HONEST_LINE)
    context.print(f'Logged in as "{user}".')


def _logout(context: Context, _args: Sequence[str], _flags: Flags) -> None:
    with context.change() as state:
        state.login = ""
    context.print("You are now logged out.")
    running = [cluster.id for cluster in context.state.clusters.values()]
    if running:
        context.tell(f"Kafka clusters go on running: {', '.join(running)}. Delete them when you need them no more.")


def _version(context: Context, _args: Sequence[str], _flags: Flags) -> None:
    context.print(version_text())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a user id that has no name
        return "student"


COMMANDS = (
    Command(
        "login",
        "Log in, without an account.",
        _login,
        (Flag("save", _IGNORED, "bool"), Flag("no-browser", _IGNORED, "bool"), Flag("prompt", _IGNORED, "bool")),
        long=f"{HONEST_LINE}\n\nThe real CLI asks for the e-mail address and password of an account here. "
        "This one asks for nothing.",
        needs_login=False,
    ),
    Command("logout", "Log out; clusters go on running.", _logout, needs_login=False),
    Command("version", "Show version of the practice CLI.", _version, needs_login=False),
)
