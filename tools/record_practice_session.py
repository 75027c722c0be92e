"""Write the lecture's session with the practice CLI into its tutorial: ``python -m tools.record_practice_session``.

The commands are run for real. Every block between ``<!-- session: NAME -->`` and ``<!-- end -->`` in the page becomes
what was printed, and the two terminals become ``docs/images/practice-session.svg``. The state is in a folder of its
own, which is removed. Ids and ports are others each time; the API secret is not shown.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.environment import ROOT
from tools.terminal_svg import Screen, svg_of

PAGE = ROOT / "docs" / "tutorial" / "practice-confluent-cli.md"
PICTURE = ROOT / "docs" / "images" / "practice-session.svg"
COMMAND = "python -m tools.record_practice_session"

_KIT = (sys.executable, "-m", "kit")
_TIMEOUT_S = 60.0
_SECRET = re.compile(r'("api_secret": ")[^"]+')


class Session:
    """A student's terminals, on a state folder of their own.

    Args:
        home: the kit's folder.

    Attributes:
        blocks: what was typed and printed, by name of block.
    """

    def __init__(self, home: Path) -> None:
        self._environment = {**os.environ, "KIT_HOME": str(home), "LOGNAME": "student", "PYTHONUNBUFFERED": "1"}
        self.blocks: dict[str, str] = {}

    def run(self, block: str, line: str, *, typed: str = "", status: int = 0) -> str:
        """Run a command, add it to a block, and return what it printed.

        Args:
            typed: the answer to its question, or what is piped in.
            status: the exit status that it must have.

        Raises:
            RuntimeError: it had another one: a page with that would teach something wrong.
        """
        ended = subprocess.run(
            [*_KIT, *line.split()],
            check=False,
            cwd=ROOT,
            env=self._environment,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_S,
        )
        if ended.returncode != status:
            raise RuntimeError(f"{line}: exit status {ended.returncode}\n{ended.stdout}")
        shown = _SECRET.sub(r"\1(64 characters, shown this once)", ended.stdout)
        shown = shown.replace("(y/n): ", f"(y/n): {typed}")
        self.blocks[block] = self.blocks.get(block, "") + f"$ kit {line}\n{shown}"
        return ended.stdout

    def start(self, line: str) -> Terminal:
        """Start a command that goes on."""
        return Terminal(line, self._environment)


class Terminal:
    """A command that goes on in a terminal of its own."""

    def __init__(self, line: str, environment: Mapping[str, str]) -> None:
        self.lines: list[tuple[str, bool]] = [(f"$ kit {line}", True)]
        self._process = subprocess.Popen(
            [*_KIT, *line.split()],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append((line.rstrip("\n"), False))

    def wait_for(self, text: str) -> None:
        """Wait until it has printed a text."""
        _wait(lambda: any(text in line for line, _ in self.lines), text)

    def type(self, line: str) -> None:
        """Type a line."""
        assert self._process.stdin is not None
        self.lines.append((line, True))
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def end(self, signal_number: int | None, key: str) -> None:
        """Press a key that ends it: Ctrl-C is a signal, Ctrl-D the end of its input."""
        assert self._process.stdin is not None
        self.lines.append((key, True))
        if signal_number is None:
            self._process.stdin.close()
        else:
            self._process.send_signal(signal_number)
        self._process.wait(_TIMEOUT_S)
        self._reader.join()

    @property
    def text(self) -> str:
        """Everything that was typed and printed."""
        return "".join(f"{line}\n" for line, _ in self.lines)


def _wait(condition: Callable[[], bool], what: str) -> None:
    give_up_s = time.monotonic() + _TIMEOUT_S
    while not condition():
        if time.monotonic() > give_up_s:
            raise RuntimeError(f"{what} did not come")
        time.sleep(0.02)


def record(session: Session) -> str:
    """Go through the lecture; fills the session's blocks and returns the picture of the two terminals."""
    run = session.run
    run("login", "confluent login")
    environment = json.loads(run("environment", "confluent environment create day2 -o json"))["id"]
    run("environment", f"confluent environment use {environment}")
    made = run("cluster", "confluent kafka cluster create msds682 --cloud gcp --region us-west1")
    cluster = re.findall(r"lkc-\w+", made)[0]
    run("cluster", f"confluent kafka cluster use {cluster}")
    run("no-key", "confluent kafka topic produce orders", typed="tea\n", status=1)
    key = json.loads(run("key", f"confluent api-key create --description day2 --resource {cluster} -o json"))["api_key"]
    run("key", f"confluent api-key use {key}")
    run("topic", "confluent kafka topic create orders")
    run("topic", "confluent kafka topic describe orders")
    run("partitions", "confluent kafka partition list --topic orders")
    picture = _two_terminals(session)
    run("keys", "confluent kafka topic produce orders --parse-key", typed="alice:tea\nbob:coffee\nalice:water\n")
    session.blocks["keys"] = session.blocks["keys"].replace(
        "to exit.\n", "to exit.\nalice:tea\nbob:coffee\nalice:water\n"
    )
    _group(session)
    for block, line in [
        ("clean-up", "confluent kafka topic delete orders"),
        ("clean-up", f"confluent api-key delete {key}"),
        ("clean-up", f"confluent kafka cluster delete {cluster}"),
        ("clean-up", f"confluent environment delete {environment}"),
    ]:
        run(block, line, typed="y\n")
    return picture


def _two_terminals(session: Session) -> str:
    consumer = session.start("confluent kafka topic consume orders -b")
    consumer.wait_for("Starting")
    producer = session.start("confluent kafka topic produce orders")
    producer.wait_for("Starting")
    for line in ("green tea", "two coffees", "a glass of water"):
        producer.type(line)
        consumer.wait_for(line)
    producer.end(None, "^D")
    consumer.end(signal.SIGINT, "^C")
    session.blocks["producer"], session.blocks["consumer"] = producer.text, consumer.text
    screens = [Screen("terminal 1: producer", producer.lines), Screen("terminal 2: consumer", consumer.lines)]
    return svg_of("Two terminals: what one sends, the other shows", screens, COMMAND)


def _group(session: Session) -> None:
    reader = session.start("confluent kafka topic consume orders -b --group bar --print-key --print-offset")
    reader.wait_for("water")
    reader.wait_for("alice")
    reader.end(signal.SIGINT, "^C")
    session.blocks["group"] = reader.text
    session.run("lag", "confluent kafka topic produce orders --parse-key", typed="alice:lemonade\n")
    session.blocks["lag"] = session.blocks["lag"].replace("to exit.\n", "to exit.\nalice:lemonade\n")
    session.run("lag", "confluent kafka consumer group lag summarize bar")


def filled(page: str, blocks: Mapping[str, str]) -> str:
    """A page with its session blocks replaced.

    Raises:
        KeyError: the page has a block that the session does not.
    """
    return re.sub(
        r"<!-- session: ([\w-]+) -->\n.*?<!-- end -->",
        lambda found: f"<!-- session: {found[1]} -->\n```text\n{_trimmed(blocks[found[1]])}```\n<!-- end -->",
        page,
        flags=re.DOTALL,
    )


def _trimmed(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def main() -> int:
    """Record everything and write it down."""
    with tempfile.TemporaryDirectory(prefix="practice-") as home:
        session = Session(Path(home))
        picture = record(session)
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), session.blocks), encoding="utf-8")
    PICTURE.write_text(picture, encoding="utf-8")
    print(f"{PAGE}\n{PICTURE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
