"""What `kit.start` was called with, checked for the backends that run the kit's own brokers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kit.errors import StartError

MAX_BROKERS = 9
ConfigValue = str | int | float | bool

_LAST_PORT = 65_535
_COPIES = ("default.replication.factor", "offsets.topic.replication.factor", "transaction.state.log.replication.factor")


def check_brokers(brokers: object) -> None:
    """Make sure that there can be so many brokers.

    Raises:
        StartError: there cannot.
    """
    if not isinstance(brokers, int) or isinstance(brokers, bool):
        raise StartError(f"brokers={brokers!r} is not a whole number: try brokers=3.")
    if brokers < 1:
        raise StartError(f"A cluster needs at least one broker, not brokers={brokers}: try brokers=3.")
    if brokers > MAX_BROKERS:
        raise StartError(
            f"brokers={brokers} is too many: all of them share this computer, "
            f"so {MAX_BROKERS} is the most; 3 show everything that a larger cluster does."
        )


def check_controllers(controllers: object) -> None:
    """Make sure that there can be so many controllers.

    Raises:
        StartError: there cannot.
    """
    if controllers is not None and (type(controllers) is not int or controllers not in (1, 3)):
        raise StartError(
            f"controllers={controllers!r} is not possible: 1 or 3 nodes of their own decide by majority, "
            "and without controllers= the first brokers do it besides."
        )


def checked_ports(brokers: int, port: object) -> list[int]:
    """The port of each broker, 0 for a free one.

    Raises:
        StartError: ``port`` cannot be the first of them.
    """
    if port is None:
        return [0] * brokers
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port <= _LAST_PORT + 1 - brokers:
        raise StartError(
            f"port={port!r} cannot be the first of {brokers} port(s): choose a number from 1024 to "
            f"{_LAST_PORT + 1 - brokers}, or leave port out and the kit finds free ones."
        )
    return list(range(port, port + brokers))


def checked_config(config: object, brokers: int) -> dict[str, ConfigValue]:
    """The settings for every broker as a plain dictionary.

    Raises:
        StartError: it is none, has other than simple values, or wants more copies of a topic than there are brokers to
            keep them. Names and other values are checked by who knows them.
    """
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        raise StartError(f"config must be a dictionary like {{'num.partitions': 3}}, not {type(config).__name__}.")
    for key, value in config.items():
        if not isinstance(key, str) or not isinstance(value, ConfigValue):
            raise StartError(f"config[{key!r}] = {value!r}: a name must be text, and a value text, a number or a bool.")
        if key in _COPIES and str(value).isdecimal() and int(value) > brokers:
            raise StartError(
                f"config[{key!r}] = {value!r}: {brokers} broker(s) cannot keep so many copies of a topic, at most one "
                f"each; start more brokers, or ask for {brokers} or fewer."
            )
    return dict(config)


def made_folder(data_dir: str | os.PathLike[str]) -> str:
    """The folder's absolute path; it is there from now on.

    Raises:
        StartError: it cannot be made.
    """
    if data_dir == "":
        raise StartError("data_dir is empty: name a folder, or leave data_dir out for a temporary one.")
    try:
        path = Path(data_dir).expanduser().absolute()
    except (TypeError, RuntimeError) as error:  # bytes or no path at all; a ~user that there is not
        raise StartError(
            f"data_dir={data_dir!r} is not a folder's name ({error}): try data_dir='kafka-data'."
        ) from error
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise StartError(f"The folder {path} cannot be made ({reason}): choose another data_dir.") from error
    return str(path)
