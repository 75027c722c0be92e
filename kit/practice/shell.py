"""``confluent shell``: the same commands without the program's name, with history and the tab key.

Each line is one command line and goes through `kit.practice.program.run`. At a terminal, prompt_toolkit (it comes with
IPython) edits the line; elsewhere, lines are read as they come, so that a file of commands can be played.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.practice.commands import PROGRAM, Command, Group, Node, find
from kit.practice.context import Context
from kit.practice.errors import CliError, UnknownCommandError
from kit.practice.flags import Flags
from kit.practice.session import HONEST_LINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PROMPT = f"{PROGRAM}> "
_ENDINGS = ("exit", "quit")
_SECRETS = re.compile(r"api-key\s+store|--api-secret|--config\S*\s*\S*password", re.IGNORECASE)


def _shell(context: Context, _args: Sequence[str], _flags: Flags) -> int:
    from kit.practice.program import run

    context.tell(HONEST_LINE)
    context.tell('Type "help" for the commands, press Tab to complete one, and leave with "exit" or Ctrl-D.')
    status = 0
    for line in _lines(context):
        try:
            words = split(line)
        except CliError as error:
            error.write(context.stderr)
            status = 1
            continue
        if words and words[0] in _ENDINGS:
            break
        if words == ["shell"]:
            context.tell("This is the shell already.")
        elif words:
            status = run(context, words)
    return status


def split(line: str) -> list[str]:
    """The words of a line; the program's name in front of them may be there, as in the lecture.

    Raises:
        CliError: a quotation mark is open, or nothing follows a backslash.
    """
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        what = "a backslash ends the line" if "escaped" in str(error) else "a quotation mark is not closed"
        raise CliError(
            f"half a command: {what}",
            "Type the whole command again; text with spaces goes between two quotation marks.",
        ) from None
    for name in ("kit", PROGRAM):
        if words[:1] == [name]:
            words = words[1:]
    return words


def _lines(context: Context) -> Iterator[str]:
    """What is typed, line by line, until Ctrl-D; Ctrl-C throws a half-typed line away."""
    read = _reader(context)
    while True:
        try:
            yield read()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def _reader(context: Context) -> Callable[[], str]:
    if context.stdin.isatty() and context.stdout.isatty():
        try:
            return _terminal_reader(context)
        except ImportError:  # IPython was installed without it
            pass
    return lambda: _plain_line(context)


def _plain_line(context: Context) -> str:
    if context.stdin.isatty():
        context.stdout.write(_PROMPT)
        context.stdout.flush()
    line = context.stdin.readline()
    if not line:
        raise EOFError
    return line


def _terminal_reader(context: Context) -> Callable[[], str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer, Completion
    from prompt_toolkit.history import FileHistory

    class Words(Completer):
        def get_completions(self, document: Any, _event: Any) -> Iterator[Completion]:
            before = document.text_before_cursor
            word = "" if before.endswith(" ") else before.rpartition(" ")[2]
            for found, meaning in completions(context, before):
                yield Completion(found, start_position=-len(word), display_meta=meaning)

    class Discreet(FileHistory):
        """A history without the lines that have secrets in them."""

        def store_string(self, string: str) -> None:
            with contextlib.suppress(OSError):  # `practice reset` has just removed the folder
                if not _SECRETS.search(string):
                    super().store_string(string)

    session: PromptSession[str] = PromptSession(
        completer=Words(), history=Discreet(str(_history_file(context))), complete_while_typing=False
    )
    return lambda: session.prompt(_PROMPT)


def _history_file(context: Context) -> Path:
    path = context.store.folder / "history"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    return path


def completions(context: Context, text: str) -> list[tuple[str, str]]:
    """What the last word of an unfinished line can become, each with what it means.

    Args:
        text: what is typed, up to the cursor.
    """
    from kit.practice.program import tree

    before, word = _typed(text)
    try:
        node, rest = find(tree(), before)
    except UnknownCommandError:
        return []
    if isinstance(node.entry, Group):
        found = [(name, child.entry.short) for name, child in sorted(node.children.items()) if not _is_hidden(child)]
        if not node.path:
            found += [("help", "Help about any command."), ("exit", "Leave the shell.")]
        return _beginning(word, found)
    return _beginning(word, _of_command(context, node.entry, rest, word))


def _of_command(context: Context, command: Command, before: list[str], word: str) -> list[tuple[str, str]]:
    flags = [flag for flag in command.all_flags if not flag.hidden]
    last = before[-1] if before else ""
    for flag in flags:
        if flag.takes_value and last in (f"--{flag.name}", f"-{flag.short}"):
            return [(value, "") for value in _values(context, flag.name, flag.choices)]
    if word.startswith("-"):
        return [(f"--{flag.name}", flag.help) for flag in flags if f"--{flag.name}" not in before]
    if command.complete is None:
        return []
    return [(value, "") for value in _quietly(command.complete, context)]


def _values(context: Context, flag: str, choices: tuple[str, ...]) -> Iterable[str]:
    if choices:
        return choices
    known: dict[str, Callable[[Context], Iterable[str]]] = {
        "cloud": lambda _context: ("aws", "azure", "gcp"),
        "environment": lambda context: context.state.environments,
        "cluster": lambda context: context.state.clusters,
        "resource": lambda context: context.state.clusters,
        "api-key": lambda context: context.state.api_keys,
    }
    return _quietly(known[flag], context) if flag in known else ()


def _quietly(complete: Callable[[Context], Iterable[str]], context: Context) -> list[str]:
    """Values for the tab key; none when they cannot be had: a key press is no place for an error."""
    try:
        return list(complete(context))
    except CliError:
        return []


def _typed(text: str) -> tuple[list[str], str]:
    """The words before the last one, and the last one; a half-open quotation completes nothing."""
    words = text.split()
    word = "" if not text or text.endswith(" ") else words.pop()
    for name in ("kit", PROGRAM):
        if words[:1] == [name]:
            words = words[1:]
    return words, word


def _beginning(word: str, found: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(value, meaning) for value, meaning in found if value.startswith(word)]


def _is_hidden(node: Node) -> bool:
    return isinstance(node.entry, Command) and node.entry.hidden


COMMANDS = (
    Command(
        "shell",
        "Start an interactive shell.",
        _shell,
        long="Start an interactive shell: the same commands without the program's name, with history and the tab key. "
        "Ctrl-C throws a line away, Ctrl-D leaves.",
        needs_login=False,
    ),
)
