"""Commands as data: what a command line can say, in a tree of groups and commands.

A command is added by writing its function and one `Command` in its file's COMMANDS (see `kit.practice`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kit.practice.errors import UnknownCommandError, UsageError
from kit.practice.flags import Flag, Flags

if TYPE_CHECKING:
    from kit.practice.context import Context

PROGRAM = "confluent"

Run = Callable[["Context", Sequence[str], Flags], "int | None"]

GLOBAL_FLAGS = (
    Flag("context", "CLI context name.", hidden=True, refusal="it has one context only"),
    Flag("help", "Show help for this command.", "bool", "h"),
    Flag("verbose", "Tell on standard error what is done on this computer.", "count", "v"),
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Args:
        usage: its path and arguments: ``"environment create <name>"``. ``<x>`` must be there, ``[x]`` may, and with
            ``...`` there may be any number.
        short: one sentence, for its group's help text and its own.
        run: what it does: gets the context, the arguments and the flags; returns an exit status, None for 0.
        flags: its own flags, in the order of its help text.
        long: more than the sentence, for its own help text.
        examples: what each does, and its command line without the ``$``.
        needs_login: whether it is refused before `confluent login`.
        aliases: other names for the last word of its path.
        complete: values that its arguments can have, for the shell's tab key.
        hidden: not listed in help texts.
    """

    usage: str
    short: str
    run: Run
    flags: tuple[Flag, ...] = ()
    long: str = ""
    examples: tuple[tuple[str, str], ...] = ()
    needs_login: bool = True
    aliases: tuple[str, ...] = ()
    complete: Callable[[Context], Iterable[str]] | None = None
    hidden: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """The words that name it: ``("environment", "create")``."""
        return tuple(word for word in self.usage.split() if word[0] not in "<[.")

    @property
    def all_flags(self) -> tuple[Flag, ...]:
        """Its own flags and those of every command."""
        return (*self.flags, *GLOBAL_FLAGS)

    def check_args(self, args: Sequence[str]) -> None:
        """Refuse a wrong number of arguments, in cobra's words."""
        fewest = len(re.findall(r"<[^>]+>", self.usage))
        most = fewest + len(re.findall(r"\[[^\]]+\]", self.usage))
        if "..." in self.usage:
            if len(args) < fewest:
                raise UsageError(f"requires at least {fewest} arg(s), only received {len(args)}")
        elif fewest == most and len(args) != fewest:
            if fewest == 0:
                raise UsageError(f'unknown command "{args[0]}" for "{PROGRAM} {" ".join(self.path)}"')
            raise UsageError(f"accepts {fewest} arg(s), received {len(args)}")
        elif fewest < most and not fewest <= len(args) <= most:
            if fewest == 0:
                raise UsageError(f"accepts at most {most} arg(s), received {len(args)}")
            raise UsageError(f"accepts between {fewest} and {most} arg(s), received {len(args)}")


@dataclass(frozen=True, slots=True)
class Group:
    """A word that has commands below it.

    Args:
        path: ``"kafka topic"``; "" is the program itself.
        short: one sentence, for help texts.
        aliases: other names for its last word.
        long: more than the sentence, for its own help text.
    """

    path: str
    short: str
    aliases: tuple[str, ...] = ()
    long: str = ""


@dataclass(slots=True)
class Node:
    """A place in the tree: a group with children, or a command."""

    path: tuple[str, ...]
    entry: Group | Command
    children: dict[str, Node] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """How errors and usage lines name it: ``confluent kafka topic``."""
        return " ".join((PROGRAM, *self.path))

    def child(self, word: str) -> Node | None:
        """The child with that name or alias."""
        if word in self.children:
            return self.children[word]
        return next((node for node in self.children.values() if word in node.entry.aliases), None)

    def below(self) -> list[Command]:
        """All commands from here on."""
        if isinstance(self.entry, Command):
            return [self.entry]
        return [command for child in self.children.values() for command in child.below()]


def build(groups: Iterable[Group], commands: Iterable[Command]) -> Node:
    """The tree of all commands; every path's groups must be among the groups."""
    root: Node | None = None
    for group in sorted(groups, key=lambda group: len(group.path.split())):
        node = Node(tuple(group.path.split()), group)
        if root is None:
            root = node
        else:
            _place(root, node)
    assert root is not None, "the group with the empty path is the root"
    for command in commands:
        _place(root, Node(command.path, command))
    return root


def _place(root: Node, node: Node) -> None:
    parent = root
    for word in node.path[:-1]:
        parent = parent.children[word]
    parent.children[node.path[-1]] = node


def find(root: Node, words: Sequence[str]) -> tuple[Node, list[str]]:
    """The node that words name, and the words that are not its name; flags may stand anywhere.

    Raises:
        UnknownCommandError: a group has no such command.
    """
    node = root
    rest: list[str] = []
    queue = list(words)
    while queue and isinstance(node.entry, Group):
        word = queue.pop(0)
        if word == "--":
            queue.insert(0, word)
            break
        if word.startswith("-") and word != "-":
            rest.append(word)
            if queue and _takes_next(node, word):
                rest.append(queue.pop(0))
            continue
        child = node.child(word)
        if child is None:
            raise UnknownCommandError(word, node.title, close_names(node, word))
        node = child
    return node, rest + queue


def _takes_next(node: Node, word: str) -> bool:
    """Whether a flag that stands before its command's name has its value in the next word."""
    if "=" in word:
        return False
    flags = [flag for command in node.below() for flag in command.all_flags]
    if word.startswith("--"):
        named = [flag for flag in flags if flag.name == word[2:]]
    else:
        named = [flag for flag in flags if flag.short == word[-1]]
    return bool(named) and all(flag.takes_value for flag in named)


def close_names(node: Node, word: str) -> list[str]:
    """The names of a group's commands that somebody who typed the word may have meant."""
    visible = [name for name, child in node.children.items() if not getattr(child.entry, "hidden", False)]
    begins = [name for name in visible if len(word) > 1 and name.startswith(word.lower())]
    alike = difflib.get_close_matches(word.lower(), visible, n=3, cutoff=0.6)
    return sorted({*begins, *alike})
