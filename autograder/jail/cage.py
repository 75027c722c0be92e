"""What one jail is to be: data that crosses from the grader's process to the one that builds the jail."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from autograder.jail.network import Network
from autograder.job import Budget


@dataclass(frozen=True)
class Cage:
    """One jail.

    Attributes:
        rung: the name of a rung of the ladder.
        budget: what may be used in it.
        scratch: a folder on this machine with the student's files. Rungs with file systems of their own copy it in;
            on the others the student works in it.
        readable: files and folders that can be read there besides the system's own.
        network: the one to join; None for none at all.
    """

    rung: str
    budget: Budget
    scratch: Path
    readable: tuple[Path, ...] = ()
    network: Network | None = None

    def to_json(self) -> str:
        """The cage as one line of JSON."""
        plain = dataclasses.asdict(self)
        return json.dumps(plain | {"scratch": str(self.scratch), "readable": [str(path) for path in self.readable]})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        made = json.loads(text)
        network = made["network"]
        return cls(
            rung=made["rung"],
            budget=Budget(**made["budget"]),
            scratch=Path(made["scratch"]),
            readable=tuple(Path(path) for path in made["readable"]),
            network=network and Network(network["pid"], tuple(network["ports"]), network["container"]),
        )
