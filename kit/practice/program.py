"""`main`: one command line from its words to its exit status."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Sequence
from functools import cache
from typing import TextIO

from kit.errors import KitError
from kit.practice import helptext
from kit.practice.commands import GLOBAL_FLAGS, Command, Group, Node, build, close_names, find
from kit.practice.context import Context
from kit.practice.errors import CliError, Declined, UnknownCommandError, UsageError
from kit.practice.flags import Flag, check_required, check_values, parse
from kit.practice.session import HONEST_LINE, version_text

# Each has COMMANDS, and GROUPS when its commands are in groups that no other file has.
_FILES = (
    "session",
    "environments",
    "clusters",
    "regions",
    "api_keys",
    "topics",
    "producing",
    "consuming",
    "partitions",
    "groups",
    "reset",
    "shell",
)

_INTERRUPTED = 130  # what a shell reports for Ctrl-C

_GROUPS = (
    Group(
        "",
        "Practice the Confluent CLI on Kafka clusters of your own computer.",
        long=f"Practice the Confluent CLI. {HONEST_LINE}\n\n"
        "Type `kit confluent` wherever the help says `confluent`, or start `kit confluent shell`.",
    ),
    Group("kafka", "Manage Apache Kafka."),
)


@cache
def tree() -> Node:
    """All commands there are."""
    files = [importlib.import_module(f"kit.practice.{name}") for name in _FILES]
    groups = [group for file in files for group in getattr(file, "GROUPS", ())]
    return build((*_GROUPS, *groups), [command for file in files for command in file.COMMANDS])


def main(argv: Sequence[str], *, stdin: TextIO, stdout: TextIO, stderr: TextIO) -> int:
    """Run one command line, without the program's name, and return its exit status.

    Errors are printed, never raised.
    """
    return run(Context(stdin, stdout, stderr), argv)


def run(context: Context, words: Sequence[str]) -> int:
    """The same with a context of one's own, as the shell and tests have."""
    try:
        return _run(context, words)
    except CliError as error:
        _flush_before_error(context)
        error.write(context.stderr)
    except KitError as error:
        _flush_before_error(context)
        CliError(str(error)).write(context.stderr)
    except Declined:
        return 0
    except KeyboardInterrupt:
        context.stderr.write("\n")
        return _INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has had enough
        _close_pipe(context.stdout)
    except OSError as error:
        CliError(f"the operating system refused: {error}").write(context.stderr)
    return 1


def _run(context: Context, words: Sequence[str]) -> int:
    if words and words[0] == "help":
        return _help(context, words[1:])
    if not words and _is_terminal(context.stdin) and _is_terminal(context.stdout):
        words = ["shell"]
    node, rest = find(tree(), words)
    try:
        return (
            _run_command(context, node.entry, rest) if isinstance(node.entry, Command) else _group(context, node, rest)
        )
    except UsageError as error:
        _flush_before_error(context)
        error.write(context.stderr)
        context.stderr.write(f"{helptext.usage_text(node)}\n")
        return 1


def _run_command(context: Context, command: Command, words: Sequence[str]) -> int:
    """What cobra does, in its order: read the flags, help, arguments, login, required flags, values."""
    args, flags = parse(command.all_flags, words)
    if flags["help"]:
        return _help(context, command.path)
    command.check_args(args)
    if command.needs_login and not context.state.login:
        raise CliError(
            "you must log in to Confluent Cloud to use this command",
            "Log in with `confluent login`: the practice CLI asks for no account and no password.",
        )
    check_required(command.flags, flags)
    check_values(command.all_flags, flags)
    context.verbosity = flags["verbose"]
    status = command.run(context, args, flags) or 0
    context.stdout.flush()
    return status


def _group(context: Context, node: Node, words: Sequence[str]) -> int:
    """A group by itself shows its help; the program's own also knows ``--version``."""
    own = () if node.path else (Flag("version", "", "bool"),)
    args, flags = parse((*own, *GLOBAL_FLAGS), words)
    if args:
        raise UnknownCommandError(args[0], node.title, close_names(node, args[0]))
    if not node.path and flags["version"]:
        context.print(version_text())
        return 0
    context.stdout.write(helptext.help_text(node))
    return 0


def _help(context: Context, words: Sequence[str]) -> int:
    """``confluent help kafka topic``."""
    node, _ = find(tree(), [word for word in words if not word.startswith("-")])
    context.stdout.write(helptext.help_text(node))
    context.stdout.flush()
    return 0


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _flush_before_error(context: Context) -> None:
    """Keep the order of what is on the screen."""
    try:
        context.stdout.flush()
    except BrokenPipeError:
        _close_pipe(context.stdout)


def _close_pipe(stdout: TextIO) -> None:
    """Keep Python from complaining, at its end, about output that nobody reads."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
