"""The practice CLI in tests: command lines run in this process, and a stand-in for `kit.service`."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from kit.practice.context import Context
from kit.practice.program import run
from kit.practice.store import Store


@dataclass
class FakeService:
    """A process that only remembers its users."""

    name: str
    settings: dict[str, Any]
    kind: str
    owner: FakeServices
    users: dict[str, str] = field(default_factory=dict)
    is_alive: bool = True

    @property
    def bootstrap_servers(self) -> str:
        """Three ports in a row, from the one that was asked for."""
        first = self.settings["listeners"][0]["port"]
        return ",".join(f"127.0.0.1:{first + number}" for number in range(self.settings["brokers"]))

    def ask(self, command: str, **arguments: Any) -> None:
        """Carry out one of the two commands that the practice CLI needs."""
        if command == "set_user":
            self.users[arguments["name"]] = arguments["password"]
        elif command == "remove_user":
            del self.users[arguments["name"]]
        else:
            raise AssertionError(f"unexpected command {command}")

    def close(self) -> None:
        """End it."""
        self.is_alive = False
        self.owner.ended.append(self.name)


class FakeServices:
    """`kit.service` without processes.

    Attributes:
        started: what was started, in order.
        ended: names of what was closed, in order.
        failure: raised by the next start.
    """

    def __init__(self) -> None:
        self.started: list[FakeService] = []
        self.ended: list[str] = []
        self.failure: BaseException | None = None

    def start(self, name: str, settings: dict[str, Any], *, kind: str) -> FakeService:
        """Remember a process."""
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        service = FakeService(name, settings, kind, self)
        self.started.append(service)
        return service

    def find(self, name: str) -> FakeService | None:
        """The one with that name that is alive."""
        return next((one for one in self.started if one.name == name and one.is_alive), None)

    def running(self, kind: str | None = None) -> list[FakeService]:
        """All that are alive."""
        return [one for one in self.started if one.is_alive and kind in (None, one.kind)]

    def clean(self) -> list[str]:
        """Nothing is ever left behind."""
        return []

    def users_of(self, _: Path) -> list[int]:
        """No process is ever lost."""
        return []

    def crash(self, name: str) -> None:
        """Let a process end without being asked."""
        service = self.find(name)
        assert service is not None
        service.is_alive = False


@dataclass(frozen=True)
class Result:
    """What a command line did."""

    status: int
    out: str
    err: str


class PracticeCli:
    """The practice CLI of one student, on a folder of its own.

    Args:
        home: the kit's state folder.
    """

    def __init__(self, home: Path) -> None:
        self.services = FakeServices()
        self.store = Store(home)

    def __call__(self, line: str, stdin: str = "") -> Result:
        """Run a command line; words are parted by spaces."""
        return self.run(line.split(), stdin)

    def run(self, words: list[str], stdin: str = "") -> Result:
        """Run a command line, given as words."""
        out, err = io.StringIO(), io.StringIO()
        context = self.context(io.StringIO(stdin), out, err)
        return Result(run(context, words), out.getvalue(), err.getvalue())

    def context(
        self, stdin: TextIO | None = None, stdout: TextIO | None = None, stderr: TextIO | None = None
    ) -> Context:
        """What a command line runs with."""
        streams = (stream or io.StringIO() for stream in (stdin, stdout, stderr))
        return Context(*streams, self.store, lambda: self.services)

    def ok(self, line: str, stdin: str = "") -> str:
        """Run a command line that must succeed; returns what it printed."""
        result = self(line, stdin)
        assert result.status == 0, result
        return result.out

    @property
    def environment(self) -> str:
        """The id of the only environment."""
        (found,) = self.store.read().environments
        return found

    @property
    def cluster(self) -> str:
        """The id of the only Kafka cluster."""
        (found,) = self.store.read().clusters
        return found

    @property
    def service(self) -> FakeService:
        """The process of the only Kafka cluster."""
        found = self.services.find(self.cluster)
        assert found is not None
        return found
