"""``confluent practice reset``: the way out that the real CLI does not need. It works when the state is damaged."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from kit.practice import prompts
from kit.practice.commands import Command, Group
from kit.practice.context import FORCE, Context
from kit.practice.errors import CliError, Declined
from kit.practice.flags import Flags


def _reset(context: Context, _args: Sequence[str], flags: Flags) -> None:
    question = "Are you sure you want to end all practice clusters and delete everything in them?"
    if not flags["force"] and not prompts.ask_yes_no(context.stdin, context.stdout, context.stderr, question):
        raise Declined
    ended = context.processes.end_all()
    try:
        shutil.rmtree(context.store.folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise CliError(
            f'cannot remove "{context.store.folder}": {error.strerror}', "Close what uses it, and try again."
        ) from None
    context.print(f"Ended {len(ended)} practice cluster(s) and removed their data. Begin with `confluent login`.")


GROUPS = (Group("practice", "Look after the practice CLI itself; the real one has no such commands."),)
COMMANDS = (
    Command(
        "practice reset",
        "End all practice clusters, delete everything, and start anew.",
        _reset,
        (FORCE,),
        needs_login=False,
    ),
)
