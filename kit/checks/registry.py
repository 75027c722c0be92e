"""Checks by name, and `check`, which runs one on a cluster."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Protocol

from kit.checks.attempts import remember
from kit.checks.evidence import ClusterEvidence, Evidence
from kit.checks.no_evidence import NoEvidence
from kit.checks.result import CheckResult
from kit.checks.wording import short
from kit.client_settings import settings_of
from kit.errors import KitError
from kit.plain_errors import plainly

# A judge is pure: the same evidence and answer give the same verdict, whoever shows it.
Judge = Callable[[Evidence, Any], CheckResult]

_CLUSTER_HAS = ("evidence", "client_settings", "bootstrap_servers")  # one of them is enough

_JUDGES: dict[str, Judge] = {}
_TITLES: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a lab that has a check: the check's name, and the question that it answers."""

    name: str
    question: str


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab that has checks: its number as in "01", its title, its steps in their order."""

    number: str
    title: str
    steps: tuple[Step, ...]


class UnknownCheckError(KitError, LookupError):
    """There is no check of that name; the text names the nearest ones."""

    def __init__(self, name: object) -> None:
        near = difflib.get_close_matches(str(name), _JUDGES, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"the checks are {', '.join(sorted(_JUDGES))}."
        super().__init__(f"There is no check called {name!r}: {hint}")


class HasBootstrapServers(Protocol):
    """All that a check needs of a cluster."""

    @property
    def bootstrap_servers(self) -> str:
        """Comma-separated addresses."""


class HasEvidence(Protocol):
    """Something that shows a check by itself what there is, such as the practice desk of lab 08."""

    def evidence(self) -> AbstractContextManager[Evidence]:
        """What there is now; may raise kafka-python's errors when brokers do not answer."""


def judge(name: str) -> Callable[[Judge], Judge]:
    """Register the decorated function as the check called ``name``."""

    def register(function: Judge) -> Judge:
        _JUDGES[name] = function
        return function

    return register


def title(number: str, words: str) -> None:
    """Say what lab ``number`` is called; its checks are those whose names begin with the number and a dot."""
    _TITLES[number] = words


def names() -> list[str]:
    """The names of all checks."""
    return sorted(_JUDGES)


def labs() -> list[Lab]:
    """The labs that have checks, by number."""
    steps: dict[str, list[Step]] = {}
    for name, function in _JUDGES.items():
        steps.setdefault(name.partition(".")[0], []).append(Step(name, _question(function)))
    return [Lab(number, _TITLES.get(number, ""), tuple(each)) for number, each in sorted(steps.items())]


def _question(function: Judge) -> str:
    """The first sentence of what a judge says about itself."""
    words = " ".join((function.__doc__ or "").split())
    return re.split(r"(?<=[.?!])\s", words, maxsplit=1)[0].replace("``", "")


def verdict(name: str, evidence: Evidence, answer: Any = None) -> CheckResult:
    """Judge ``evidence`` with the check called ``name``.

    Raises:
        UnknownCheckError: there is no such check.
    """
    return _judge_of(name)(evidence, answer)


def _judge_of(name: str) -> Judge:
    """The check called ``name``; packages beside the kit bring theirs by the entry point ``kit.checks``."""
    if name not in _JUDGES:
        for entry in metadata.entry_points(group="kit.checks"):
            entry.load()  # registers, as importing a file of this package does
    if name not in _JUDGES:
        raise UnknownCheckError(name)
    return _JUDGES[name]


@plainly
def check(name: str, cluster: HasBootstrapServers | HasEvidence | None = None, answer: Any = None) -> CheckResult:
    """Look in the cluster whether a task is done, and say what was found.

    Args:
        name: for example ``"01.record"``; each task in a lab names its own.
        cluster: what `kit.start` or `kit.connect` returned; None where the task needs no cluster.
        answer: what the task asks to hand in, where it asks for something.

    It is remembered in the file that `kit.progress` shows, on this computer only.

    Returns:
        A result that shows itself; it is true when the check passed.

    Raises:
        UnknownCheckError: there is no such check.
    """
    from kafka.errors import KafkaError

    _judge_of(name)
    if not (cluster is None or any(hasattr(cluster, each) for each in _CLUSTER_HAS)):
        return CheckResult(
            name,
            passed=False,
            happened=f"Where the cluster should be there is {short(cluster)}.",
            where="what you handed in",
            try_next=f'The cluster comes first, then your answer: kit.check("{name}", cluster, ...).',
        )
    try:
        with _evidence_of(cluster) as evidence:
            result = verdict(name, evidence, answer)
    except KafkaError as error:
        return CheckResult(
            name,
            passed=False,
            happened=f"The cluster could not be asked: {_said(error)}",
            where=f"the brokers at {getattr(cluster, 'bootstrap_servers', 'unknown addresses')}",
            try_next=(
                "Is a broker down? Restart it, and run this cell again. Else run the cell with kit.start or "
                "kit.connect again, then the cells after it."
            ),
        )
    return dataclasses.replace(result, note=remember(name, passed=result.passed))


def _said(error: Exception) -> str:
    name = type(error).__name__
    return f"{name}: {str(error).removeprefix(f'{name}: ')}"  # some of kafka-python's texts begin with the name


def _evidence_of(cluster: Any) -> AbstractContextManager[Evidence]:
    if cluster is None:
        return nullcontext(NoEvidence())
    if hasattr(cluster, "evidence"):
        shown: AbstractContextManager[Evidence] = cluster.evidence()
        return shown
    telling = getattr(cluster, "timeline", None)
    return ClusterEvidence(settings_of(cluster), getattr(cluster, "data_dir", None), telling)
