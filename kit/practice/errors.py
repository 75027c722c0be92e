"""What the practice CLI says when it cannot do what it was told.

* `CliError`: one sentence, and what to try next.

  * `UsageError`: the command line itself is wrong: the usage text follows the sentence.
  * `UnknownCommandError`: there is no such command: names that are close to it follow.

* `Declined`: the student answered "n" to a question: nothing happens, and that is no error.

Source: the Confluent CLI prints "Error: TEXT", and below it "Suggestions:" with one line for each.
"""

from __future__ import annotations

from typing import TextIO

from kit.errors import KitError


class CliError(KitError):
    """A command failed.

    Args:
        text: what happened, without a full stop at its end, as the CLI's errors are written.
        suggestions: what to try next, one sentence each.
    """

    def __init__(self, text: str, *suggestions: str) -> None:
        super().__init__(text)
        self.text = text
        self.suggestions = suggestions

    def write(self, stderr: TextIO) -> None:
        """Print the sentence and the suggestions as the CLI does."""
        stderr.write(f"Error: {self.text}\n")
        if self.suggestions:
            lines = "".join(f"    {line}\n" for text in self.suggestions for line in text.splitlines())
            stderr.write(f"\nSuggestions:\n{lines}")


class UsageError(CliError):
    """A command line has a wrong flag, a wrong number of arguments, or lacks a required flag."""


class UnknownCommandError(CliError):
    """There is no such command.

    Args:
        word: what was typed.
        path: the command before it, such as "confluent kafka".
        close: names of commands that look like it.
    """

    def __init__(self, word: str, path: str, close: list[str]) -> None:
        super().__init__(f'unknown command "{word}" for "{path}"')
        self.path = path
        self.close = close

    def write(self, stderr: TextIO) -> None:
        """Print the sentence, the names that are close, and where help is."""
        super().write(stderr)
        if self.close:
            stderr.write("\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in self.close))
        stderr.write(f"\nRun '{self.path} --help' for usage.\n")


class Declined(Exception):
    """The student answered "n": the command ends with exit status 0 and prints nothing more."""
