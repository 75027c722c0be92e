"""A desk for practising the CLI in a notebook: ``%confluent ...``, with a state of its own that ends with the notebook.

Nothing of the learner's own practice is touched: the desk has its own folder, and every command runs in a process that
is told to use that one.
"""

from __future__ import annotations

import atexit
import html
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit import cells
from kit.checks.practice_facts import PracticeCluster, PracticeFacts
from kit.errors import KitError
from kit.practice.child import COMMAND
from kit.practice.desk_evidence import DeskEvidence
from kit.practice.errors import CliError
from kit.practice.processes import client_settings
from kit.practice.state import KafkaCluster, State
from kit.practice.store import Store
from kit.service.desks import DeskNote

if TYPE_CHECKING:
    from kit.widgets.terminals import Terminals

FOLDER = ".practice-08"
_IN_A_TERMINAL = (sys.executable, "-m", "kit", "confluent")
_ID = re.compile(r"\b(?:(?:env|lkc)-[a-z0-9]{6}|[A-Z0-9]{16})\b")
_SECRET = re.compile(r'("api_secret": "|api_secret: |API Secret\s*\|\s*)[^"\s|]+')
_WIDE = 96  # characters: a notebook beside the file browser, on a screen of 1280 pixels, has no room for more
_TABLES = {"list", "describe"}  # commands that print tables
_TABLE_ROW = re.compile(r" \| |-\+-")
_SCROLLED = (
    '<pre role="region" aria-label="A wide table" tabindex="0" '
    'style="white-space: pre; overflow-x: auto; margin: 0; padding: 0 0 0 var(--jp-code-padding); '
    'font-size: var(--jp-code-font-size); line-height: var(--jp-code-line-height)">{}</pre>'
)
_END_S = 10.0
_KNOCK_S = 1.0


class NotInOutputError(KitError, LookupError):
    """A value is wanted that a command has not printed."""


class NothingInUseError(KitError, LookupError):
    """No cluster with an API key is in use."""


class Said:
    """What a command printed.

    Attributes:
        text: all of it.
        status: the exit status; 0 when all went well.
    """

    def __init__(self, text: str, status: int) -> None:
        self.text = text
        self.status = status

    @property
    def id(self) -> str:
        """The id or API key in what a command has made: what one would copy by hand; empty when it has failed."""
        found = None if self.status else _ID.search(self.text)
        return "" if found is None else found[0]

    def __getitem__(self, name: str) -> Any:
        """One value of what was printed with ``-o json``.

        Raises:
            NotInOutputError: there is none of that name, or the output is no JSON.
        """
        try:
            found, _ = json.JSONDecoder().raw_decode(self.text, self.text.index("{"))
            return found[name]
        except (ValueError, KeyError, TypeError):
            raise NotInOutputError(
                f"There is no {name!r} in what the command printed: was it printed with -o json, and without an error?"
            ) from None

    def __repr__(self) -> str:
        return f"<what a command said, exit status {self.status}>"

    def _ipython_display_(self) -> None:
        """Show nothing: it was printed already."""


class Desk:
    """The practice CLI in this notebook, as ``%confluent`` and ``%%confluent``; it begins with nothing.

    What an earlier desk in the same folder has left is ended first. It ends with the notebook's kernel.

    Args:
        folder: where its state and its clusters' logs are, beside the notebook.
    """

    def __init__(self, folder: str | os.PathLike[str] = FOLDER) -> None:
        cells.close_earlier()
        self.home = Path(folder).absolute()
        self._store = Store(self.home)
        self._note: DeskNote | None = None
        self.close()
        self._note = DeskNote(self.home)
        atexit.register(self.close)
        cells.remember(self)
        self._add_magic()

    # -- commands ----------------------------------------------------------------------------------------------------

    def confluent(self, line: str, typed: str = "") -> Said:
        """Run one command line, and print what it prints; an interrupt of the cell is its Ctrl-C.

        Args:
            line: without the word ``confluent``.
            typed: what is typed while it runs.
        """
        try:
            words = shlex.split(line)
        except ValueError as error:
            _say(f"Error: {error}: is there a quotation mark without its twin?\n")
            return Said("", 2)
        process = subprocess.Popen(
            [*COMMAND, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # the kernel's Ctrl-C comes from us, once
        )
        lines: list[str] = []
        is_wide = _is_wide_row if _TABLES & set(words) else _is_never_wide
        with process:
            try:
                _type(process, typed)
                for are_wide, block in itertools.groupby(_lines(process, lines), is_wide):
                    if are_wide:
                        _show_wide("".join(_without_secret(printed) for printed in block))
                    else:
                        for printed in block:
                            _say(_without_secret(printed))
            except KeyboardInterrupt:
                _interrupt(process)
                _say("".join(_lines(process, lines)))
        return Said("".join(lines), process.returncode)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a command runs with."""
        return {**os.environ, "KIT_HOME": str(self.home), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}

    @property
    def command(self) -> tuple[str, ...]:
        """The words before a command's own."""
        return COMMAND

    @property
    def in_a_terminal(self) -> str:
        """What makes a terminal of this computer use this desk."""
        if os.name == "nt":
            program = " ".join(f"'{word}'" if " " in word else word for word in _IN_A_TERMINAL)
            return f"$env:KIT_HOME = '{self.home}'\nfunction confluent {{ & {program} @args }}"
        return (
            f"export KIT_HOME={shlex.quote(str(self.home))}\nalias confluent={shlex.quote(shlex.join(_IN_A_TERMINAL))}"
        )

    def terminals(self, *names: str) -> Terminals:
        """Terminals side by side, each with one command at a time.

        Args:
            names: of the terminals; a producer's and a consumer's when there are none.
        """
        from kit.widgets.terminals import Terminals

        return Terminals(names or ("producer", "consumer"), COMMAND, self.environment)

    # -- what there is -----------------------------------------------------------------------------------------------

    @property
    def client_settings(self) -> Mapping[str, Any]:
        """How clients reach the cluster in use, with the API key in use, in kafka-python's names.

        Raises:
            NothingInUseError: no cluster or no key is in use.
        """
        cluster = _current(self._store.read())
        key = self._store.read().api_keys.get(cluster.current_api_key) if cluster is not None else None
        if cluster is None or key is None:
            raise NothingInUseError(
                "No cluster with an API key is in use here. Make them with the cells above, from the top, or choose "
                "those that there are: %confluent kafka cluster use ID, %confluent api-key use KEY."
            )
        return client_settings(cluster.bootstrap_servers, key.key, key.stored_secret)

    @property
    def bootstrap_servers(self) -> str:
        """Where the cluster in use listens; empty for none."""
        cluster = _current(self._store.read())
        return "" if cluster is None else cluster.bootstrap_servers

    def facts(self) -> PracticeFacts:
        """What there is now."""
        state = self._store.read()
        current = _current(state)
        return PracticeFacts(
            bool(state.login),
            tuple((each.id, each.name) for each in state.environments.values()),
            tuple(
                PracticeCluster(
                    each.id,
                    each.name,
                    each.cloud,
                    each.region,
                    is_current=each is current,
                    has_key=each.current_api_key in state.api_keys,
                    is_running=_answers(each.bootstrap_servers),
                )
                for each in state.clusters.values()
            ),
            tuple(state.api_keys),
            tuple(sorted(path.stem for path in (self.home / "clusters").glob("*.json"))),
            state.deleted_clusters,
        )

    def evidence(self) -> AbstractContextManager[DeskEvidence]:
        """What `kit.check` looks at: the desk's own facts, and the records in the cluster in use."""
        return DeskEvidence(self.facts(), lambda: self.client_settings)

    def close(self) -> None:
        """End every cluster of this desk and remove its folder; harmless when called again."""
        if self._is_gone() and self._note is not None:
            self._note.remove()

    def _is_gone(self) -> bool:
        """End and remove everything; whether that has worked."""
        if not self.home.exists():
            return True
        reset = [*COMMAND, "practice", "reset", "--force"]
        said = subprocess.run(reset, env=self.environment, capture_output=True, encoding="utf-8", check=False)
        if said.returncode:
            _say(said.stdout + said.stderr)
            return False
        shutil.rmtree(self.home, ignore_errors=True)
        return True

    def __repr__(self) -> str:
        try:
            facts = self.facts()
        except CliError as error:
            return str(error)
        counts = {
            "environment": len(facts.environments),
            "cluster": len(facts.clusters),
            "API key": len(facts.api_keys),
        }
        things = ", ".join(f"{number} {what}{'s' * (number != 1)}" for what, number in counts.items())
        return f"Practice desk: {things}. Type %confluent and a command."

    def _add_magic(self) -> None:
        ipython = sys.modules.get("IPython")
        shell: Any = ipython.get_ipython() if ipython is not None else None
        if shell is not None:
            shell.register_magic_function(self._magic, "line_cell", "confluent")

    def _magic(self, line: str, cell: str | None = None) -> Said:
        """``%confluent COMMAND``, or ``%%confluent COMMAND`` with what is typed below it."""
        return self.confluent(line, "" if cell is None else cell)


def _current(state: State) -> KafkaCluster | None:
    environment = state.environments.get(state.current_environment)
    return state.clusters.get(environment.current_cluster) if environment is not None else None


def _type(process: subprocess.Popen[str], typed: str) -> None:
    """Type everything at once: a command takes it line by line."""
    if process.stdin is None:
        return
    try:
        process.stdin.write(typed if typed.endswith("\n") or not typed else f"{typed}\n")
        process.stdin.close()
    except OSError:  # a command that has ended takes nothing
        return


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _is_never_wide(line: str) -> bool:
    """Rows are held back until the table is complete; what `consume` prints must not be."""
    del line
    return False


def _is_wide_row(line: str) -> bool:
    return len(line) > _WIDE and _TABLE_ROW.search(line) is not None


def _show_wide(rows: str) -> None:
    """Rows that a page would wrap until nobody can read them: a notebook scrolls them instead."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        _say(rows)
        return
    shown = {"text/plain": rows, "text/html": _SCROLLED.format(html.escape(rows))}
    ipython.display.display(shown, raw=True)


def _lines(process: subprocess.Popen[str], noted: list[str]) -> Iterator[str]:
    """What it prints, from where somebody has read to: an interrupt may end a loop, and the rest comes later.

    Args:
        process: the command.
        noted: each line is put here too.
    """
    if process.stdout is None:
        return
    for line in iter(process.stdout.readline, ""):
        noted.append(line)
        yield line


def _interrupt(process: subprocess.Popen[str]) -> None:
    if os.name == "nt":
        process.terminate()
    else:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _without_secret(line: str) -> str:
    """A printed line for the notebook, which is saved and handed in: no secret belongs there."""

    def hidden(found: re.Match[str]) -> str:
        width = len(found[0]) - len(found[1]) if "|" in found[1] else 0  # a table keeps its shape
        return found[1] + "(hidden)".ljust(width)

    return _SECRET.sub(hidden, line)


def _answers(bootstrap_servers: str) -> bool:
    for address in filter(None, bootstrap_servers.split(",")):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=_KNOCK_S).close()
        except OSError:
            continue
        return True
    return False
