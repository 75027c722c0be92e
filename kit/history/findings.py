"""What the judges found, and the report that collects it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kit.history.evidence import Partition
from kit.history.jsonl import encode_value
from kit.history.operation import HistoryError, Operation

# Jepsen's names, the gravest first.
NAMES = (
    "lost-write",
    "inconsistent-offsets",
    "aborted-read",
    "duplicate",
    "nonmonotonic-send",
    "int-nonmonotonic-send",
    "int-send-skip",
    "poll-skip",
    "int-poll-skip",
    "nonmonotonic-poll",
    "int-nonmonotonic-poll",
    "unseen",
)
_SHOWN = ("index", "process", "action", "outcome", "start_ms", "end_ms")  # of an operation, in a finding's JSON


@dataclass(frozen=True, slots=True)
class Finding:
    """One anomaly.

    Attributes:
        name: one of `NAMES`.
        topic, partition: where.
        text: what happened, in one sentence.
        operations: the fewest that prove it, in the order of the sentence.
        data: the facts by name, with values that JSON knows.
    """

    name: str
    topic: str
    partition: int
    text: str
    operations: tuple[Operation, ...]
    data: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON; operations by their index in the history."""
        return {
            "name": self.name,
            "topic": self.topic,
            "partition": self.partition,
            "text": self.text,
            "operations": [{name: getattr(operation, name) for name in _SHOWN} for operation in self.operations],
            **self.data,
        }

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


@dataclass(slots=True)
class Report:
    """What `check` found.

    Attributes:
        findings: the first ones of each name, the gravest names first.
        counts: how many there are of each name, also those that are not kept in ``findings``.
        allowed: the names that are no error here.
        num_operations: the length of the history.
        num_acknowledged: values whose send was acknowledged.
        num_read: different values that polls returned.
        num_foreign: records seen whose value nobody in this history sent; they are not judged.
    """

    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()
    num_operations: int = 0
    num_acknowledged: int = 0
    num_read: int = 0
    num_foreign: int = 0

    @property
    def ok(self) -> bool:
        """Nothing was found that is an error here."""
        return self.counts.keys() <= self.allowed

    @property
    def errors(self) -> list[Finding]:
        """The findings that are errors here."""
        return [finding for finding in self.findings if finding.name not in self.allowed]

    def by_name(self, name: str) -> list[Finding]:
        """The findings of one name."""
        return [finding for finding in self.findings if finding.name == name]

    def explain(self, most: int = 5) -> str:
        """The report for a person: the verdict, then up to ``most`` sentences for each name."""
        verdict = "No anomaly" if self.ok else "Anomalies found"
        numbers = f"{self.num_acknowledged} values acknowledged, {self.num_read} read"
        lines = [f"{verdict} in {self.num_operations} operations: {numbers}."]
        for name, count in self.counts.items():
            lines.append(f"{name}: {count}" + (" (no error here)" if name in self.allowed else ""))
            texts = [f"  {finding.text}" for finding in self.by_name(name)[:most]]
            lines += [*texts, *([f"  ... and {count - len(texts)} more"] if count > len(texts) else [])]
        if self.num_foreign:
            lines.append(
                f"{self.num_foreign} records were not judged: nobody in this history sent their values. If they are "
                "yours, record the same value when sending and when polling (bytes or text, not both)."
            )
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "ok": self.ok,
            "counts": self.counts,
            "allowed": sorted(self.allowed),
            "num_operations": self.num_operations,
            "num_acknowledged": self.num_acknowledged,
            "num_read": self.num_read,
            "num_foreign": self.num_foreign,
            "findings": [finding.as_json() for finding in self.findings],
        }

    def __str__(self) -> str:
        return self.explain()


def finding(name: str, partition: Partition, text: str, operations: tuple[Operation, ...], **data: Any) -> Finding:
    """Make a finding; of ``data``, values that JSON does not know become their text."""
    facts = {key: _as_json(content) for key, content in data.items()}
    proof = tuple(dict.fromkeys(operations))
    return Finding(name, partition.topic.name, partition.partition, text, proof, facts)


def _as_json(content: Any) -> Any:
    if isinstance(content, list):
        return [_as_json(part) for part in content]
    try:
        return encode_value(content)
    except HistoryError:
        return repr(content)


def collect(found: Iterable[Finding], limit: int) -> tuple[list[Finding], dict[str, int]]:
    """Keep the first ``limit`` findings of each name, and count all."""
    counts: Counter[str] = Counter()
    kept: dict[str, list[Finding]] = {}
    for finding in found:
        counts[finding.name] += 1
        if counts[finding.name] <= limit:
            kept.setdefault(finding.name, []).append(finding)
    names = [name for name in NAMES if name in counts]
    return [each for name in names for each in kept.get(name, [])], {name: counts[name] for name in names}
