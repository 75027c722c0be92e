"""Help and usage texts, laid out as cobra lays them out."""

from __future__ import annotations

from collections.abc import Sequence

from kit.practice.commands import GLOBAL_FLAGS, PROGRAM, Command, Group, Node
from kit.practice.flags import Flag

_NAME_WIDTH = 11  # cobra's smallest column for names of commands


def help_text(node: Node) -> str:
    """What ``-h`` prints: what it is for, and its usage."""
    return f"{node.entry.long or node.entry.short}\n\n{usage_text(node)}"


def usage_text(node: Node) -> str:
    """What follows an error in a command line: how to call it, examples, and its flags."""
    if isinstance(node.entry, Command):
        return _command_usage(node.entry)
    return _group_usage(node, node.entry)


def _command_usage(command: Command) -> str:
    flags = " [flags]" if command.flags else ""
    sections = [f"Usage:\n  {PROGRAM} {command.usage}{flags}\n"]
    if command.aliases:
        sections.append(f"Aliases:\n  {', '.join((command.path[-1], *command.aliases))}\n")
    if command.examples:
        shown = "\n".join(f"{text}\n\n  $ {line}\n" for text, line in command.examples)
        sections.append(f"Examples:\n{shown}")
    if any(not flag.hidden for flag in command.flags):
        sections.append(f"Flags:\n{flag_lines(command.flags)}")
    sections.append(f"Global Flags:\n{flag_lines(GLOBAL_FLAGS)}")
    return "\n".join(sections)


def _group_usage(node: Node, group: Group) -> str:
    sections = [f"Usage:\n  {node.title} [command]\n"]
    if group.aliases:
        sections.append(f"Aliases:\n  {', '.join((node.path[-1], *group.aliases))}\n")
    shown = {name: child for name, child in sorted(node.children.items()) if not _is_hidden(child)}
    width = max([_NAME_WIDTH, *map(len, shown)])
    lines = "".join(f"  {name:{width}} {child.entry.short}\n" for name, child in shown.items())
    sections.append(f"Available Commands:\n{lines}")
    own = GLOBAL_FLAGS if node.path else (Flag("version", "Show version.", "bool"), *GLOBAL_FLAGS)
    sections.append(f"{'Global Flags' if node.path else 'Flags'}:\n{flag_lines(own)}")
    sections.append(f'Use "{node.title} [command] --help" for more information about a command.\n')
    return "\n".join(sections)


def _is_hidden(node: Node) -> bool:
    return isinstance(node.entry, Command) and node.entry.hidden


def flag_lines(flags: Sequence[Flag]) -> str:
    """One line for each flag: its short name, long name and kind of value, and what it is for."""
    shown = [flag for flag in flags if not flag.hidden]
    names = [_names(flag) for flag in shown]
    width = max(map(len, names), default=0)
    return "".join(f"{name:{width}}   {_description(flag)}\n" for name, flag in zip(names, shown, strict=True))


def _names(flag: Flag) -> str:
    short = f"  -{flag.short}, " if flag.short else "      "
    kind = "" if flag.kind == "bool" else f" {flag.kind}"
    return f"{short}--{flag.name}{kind}"


def _description(flag: Flag) -> str:
    text = f"REQUIRED: {flag.help}" if flag.required else flag.help
    if flag.refusal:
        return f"{text} Not in the practice CLI."
    if not flag.default:
        return text
    default = f'"{flag.default}"' if isinstance(flag.default, str) else str(flag.default).lower()
    return f"{text} (default {default})"
