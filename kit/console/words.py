"""What all commands say alike: failures, help, guesses at what was meant."""

from __future__ import annotations

import argparse
import difflib
import io
import sys
from collections.abc import Iterable
from typing import NoReturn, TextIO


class CommandLineError(Exception):
    """The command line makes no sense; the text says what would."""


class _Format(argparse.RawDescriptionHelpFormatter):
    """Text as it was written, and room for options that say what they take."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)


class Parser(argparse.ArgumentParser):
    """`argparse` whose mistakes are one sentence, with a guess at what was meant.

    Args:
        command: the words that the user types, such as "kit up".
        text: what it does, shown above the options.
        examples: shown below the options, each with what it is for.
    """

    def __init__(self, command: str, text: str, examples: Iterable[tuple[str, str]] = ()) -> None:
        lines = [f"  {line}\n      {what}" for line, what in examples]
        super().__init__(
            prog=command,
            description=text,
            epilog="examples:\n" + "\n".join(lines) if lines else None,
            formatter_class=_Format,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Refuse in one sentence."""
        raise CommandLineError(f"{message[:1].upper()}{message[1:]}. `{self.prog} --help` shows how it is used.")

    def parse(self, argv: list[str]) -> argparse.Namespace:
        """Read the words behind the command.

        Raises:
            CommandLineError: they make no sense.
        """
        options, unknown = self.parse_known_args(argv)
        if unknown:
            known = [name for action in self._actions for name in action.option_strings]
            hint = did_you_mean(unknown[0].partition("=")[0], known)
            raise CommandLineError(
                f"{self.prog} does not know {unknown[0]!r}{hint}. `{self.prog} --help` shows how it is used."
            )
        return options


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A guess at what was meant, in brackets and with a space before it; empty when nothing is alike."""
    known = list(known)
    alike = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.5) or [
        each for each in known if len(word) > 1 and each.startswith(word.lower())
    ]
    return f" (did you mean {alike[0]!r}?)" if alike else ""


def say(text: str = "") -> None:
    """Print a line at once, also when somebody reads it through a pipe."""
    print(text, flush=True)


def fail(text: str, *, status: int = 1) -> int:
    """Say what went wrong; returns the exit status."""
    print(f"kit: {text}", file=sys.stderr, flush=True)
    return status


def make_printable(*streams: TextIO | None) -> None:
    """Have streams replace what their encoding has no sign for, as on an old Windows console, instead of failing."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def version() -> str:
    """The kit's version, and the one of the Python that runs it."""
    import importlib.metadata
    import platform

    try:
        own = importlib.metadata.version("kafka-kit")
    except importlib.metadata.PackageNotFoundError:
        own = "from its source folder"
    return f"kit {own} (Python {platform.python_version()})"
