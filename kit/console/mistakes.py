"""Mistakes in the options of ``kit up``, answered in its own options and not in the words of `kit.start`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from kit.console.words import CommandLineError

_LAST_PORT = 65_535

# What errors of `kit.start` say -> the same on this command line.
_IN_OPTIONS = (
    (r"config\['([^']+)'\] = '([^']*)'", r"--config \1=\2"),
    (r"\bbrokers=(\d+)", r"--brokers \1"),
    (r"\badvertised_host='([^']*)'", r"--advertise '\1'"),
    (r"\bhost='([^']*)'", r"--listen '\1'"),
    (r"\bimage=[\"']([^\"']+)[\"']", r"--image \1"),
    (r"\bleave image out", "leave --image out"),
    (r"\banother data_dir\b", "another folder with --data"),
    (r"\bclose\(\) that cluster first", "end that cluster first"),
    (r"(?<!`)kit\.start\(\)", "`kit up`"),
)


def in_options(text: str) -> str:
    """An error of `kit.start` for somebody who typed options."""
    for words, option in _IN_OPTIONS:
        text = re.sub(words, option, text)
    return text


def check(options: argparse.Namespace) -> None:
    """Make sure that a cluster can be asked for with these options.

    Raises:
        CommandLineError: it cannot; the text names the option.
    """
    _check_brokers(options.brokers)
    if not 0 < options.port <= _LAST_PORT + 1 - options.brokers:
        what = "cannot be a port" if options.brokers == 1 else f"cannot be the first of {options.brokers} ports"
        raise CommandLineError(
            f"--port {options.port} {what}: choose a number from 1024 to {_LAST_PORT + 1 - options.brokers}."
        )
    _check_containers(options)
    if options.data is not None:
        _check_folder(options.data)
    if options.name is not None:
        _check_name(options.name)


def _check_brokers(brokers: int) -> None:
    from kit.backends.arguments import MAX_BROKERS

    if not 1 <= brokers <= MAX_BROKERS:
        raise CommandLineError(
            f"--brokers {brokers} is not possible: choose 1 to {MAX_BROKERS}; 3 show all that a larger cluster does."
        )


def _check_containers(options: argparse.Namespace) -> None:
    if options.backend != "docker":
        if options.image is not None:
            raise CommandLineError("--image is for containers: add --backend docker, or leave --image out.")
        return
    if options.data is not None:
        raise CommandLineError(
            "--data works with the kit's own brokers only; with --backend docker the data goes with the containers: "
            "leave one of them out."
        )
    if options.image is not None:
        from kit.backends.docker import image
        from kit.errors import StartError

        try:
            image.chosen(options.image)
        except StartError as error:
            raise CommandLineError(in_options(str(error))) from error


def _check_folder(text: str) -> None:
    if not text:
        raise CommandLineError("--data names no folder: write --data kafka-data.")
    try:
        path = Path(text).expanduser().absolute()
        first = next(each for each in (path, *path.parents) if each.exists())
    except (OSError, RuntimeError, ValueError) as error:  # no right to look; a ~user that there is not
        raise CommandLineError(f"--data {text} is no folder's name ({error}): write --data kafka-data.") from error
    if not first.is_dir():
        raise CommandLineError(f"--data {text} cannot be a folder, because {first} is none: name another one.")


def _check_name(name: str) -> None:
    from kit.errors import StartError
    from kit.service.folder import check_name

    try:
        check_name(name)
    except StartError as error:
        raise CommandLineError(f"--name: {error}") from error
