"""The command ``kit``: `main` reads the first word and hands over to the module of that command.

Each command is a module here with ``run(argv) -> exit status``; nothing of a command is loaded before it is asked for.
Exit statuses: 0 for success, 1 when something cannot be done, 2 for a command line that makes no sense.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from kit.console.words import CommandLineError, did_you_mean, fail, make_printable

COMMANDS = {
    "up": "run a Kafka cluster in this terminal, until Ctrl-C",
    "down": "end a cluster that runs in another terminal",
    "doctor": "what works on this computer, and how to get the rest",
    "lab": "open the labs in JupyterLab",
    "confluent": "practise the Confluent CLI on clusters of your own",
}
_MODULES = {name: f"kit.console.{name}" for name in COMMANDS}
_INTERRUPTED = 130  # what a shell reports for Ctrl-C


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns its exit status.

    Args:
        argv: its words without the program's name; None for those of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    _open_closed_streams()
    make_printable(sys.stdout, sys.stderr)
    try:
        if sys.stdout is None:
            return fail("Standard output is closed, so nothing was done: leave `>&-` out, or write `>/dev/null`.")
        return _run(words)
    except CommandLineError as error:
        return fail(str(error), status=2)
    except KeyboardInterrupt:
        return fail("Interrupted.", status=_INTERRUPTED)
    except BrokenPipeError:  # `kit doctor | head`: nobody reads the rest
        sys.stdout = None  # so that Python does not try again at its end
        return 0
    except OSError as error:  # a full disk behind `kit doctor >report.txt`
        sys.stdout = None
        return fail(f"The operating system refused: {error}.")


def _open_closed_streams() -> None:
    """Read nothing where there is no input (``<&-``), and say errors to nobody where nobody wants them (``2>&-``)."""
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - it ends with the process
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        return _help(words[1:])
    if words[0] in ("-V", "--version", "version"):
        from kit.console.words import version

        print(version())
        return 0
    return _command(words[0])(words[1:])


def _help(words: list[str]) -> int:
    if words and words[0] in COMMANDS:
        return _command(words[0])(["--help"])
    from kit.console.help_text import overview

    print(overview(COMMANDS))
    return 0


def _command(word: str) -> Callable[[list[str]], int]:
    if word not in COMMANDS:
        raise CommandLineError(f"There is no command {word!r}{did_you_mean(word, COMMANDS)}; `kit --help` lists them.")
    command: Callable[[list[str]], int] = importlib.import_module(_MODULES[word]).run
    return command
