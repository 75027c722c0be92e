"""Evidence as the arena gives it, made up: a producer and a consumer that do all right until a test says otherwise."""

from __future__ import annotations

import json
from typing import Any

from autograder.arena.plan import Records

TOPIC, RESULTS = "orders", "results"


class Made:
    """One run that is made up step by step; `evidence` is what it gives.

    Args:
        count: of the records that were given.
        partitions: of the topic; the key decides.
    """

    def __init__(self, count: int = 40, partitions: int = 2, batch: int = 5) -> None:
        spec = Records(count=count, keys=4, value_bytes=90)
        self.given = spec.made(1)
        self.spec = spec
        self.partitions = partitions
        self.batch = batch
        self.entries: list[dict[str, Any]] = []
        self.logs: dict[str, list[list[Any]]] = {f"{TOPIC}-{index}": [] for index in range(partitions)}
        self.logs[f"{RESULTS}-0"] = []
        self.steps: list[dict[str, Any]] = []
        self.log_start_offset = 0
        self.strays: set[int] = set()  # records, by number, that go to the partition after their own
        self._place = 0

    def home(self, key: str) -> int:
        """The partition of a key."""
        return int(key[-2:]) % self.partitions

    def entry(self, api: str, asked: dict[str, Any], answered: Any, **fields: Any) -> dict[str, Any]:
        """One more request."""
        self._place += 2
        made = {
            "began": self._place,
            "began_ms": 1000 + self._place,
            "ended": self._place + 1,
            "ended_ms": 1001 + self._place,
            "node": 1,
            "connection": 1,
            "api": api,
            "state": "answered",
            "reason": None,
            "fault": None,
            "asked": asked,
            "answered": answered,
            **fields,
        }
        self.entries.append(made)
        return made

    def step(self, name: str, value: Any = None) -> dict[str, Any]:
        """The next step begins."""
        self._place += 1
        made = {"name": name, "session": "s", "function": name, "began": self._place, "began_ms": 1000 + self._place}
        self.steps.append({**made, "ended": self._place, "ended_ms": 0, "value": value, "error": None})
        return self.steps[-1]

    def write(
        self, topic: str, partition: int, records: list[tuple[str | None, str]], *, is_told: bool = True, **fields: Any
    ) -> dict[str, Any]:
        """One Produce request that is appended."""
        log = self.logs[f"{topic}-{partition}"]
        base = len(log)
        log.extend([base + number, key, value, 7, 0, base + number, 0] for number, (key, value) in enumerate(records))
        listed = [[number, key, value] for number, (key, value) in enumerate(records)]
        batch = {"topic": topic, "partition": partition, "num_records": len(records), "records": listed}
        answer = [[topic, partition, 0, base]] if is_told else None
        return self.entry("Produce", {"acks": -1, "batches": [batch]}, answer, **fields)

    def produce(self) -> Made:
        """Write all that was given, in batches."""
        self.step("produce")
        waiting: dict[int, list[tuple[str | None, str]]] = {index: [] for index in range(self.partitions)}
        for number, (key, value) in enumerate(self.given):
            partition = (self.home(key) + (number in self.strays)) % self.partitions
            waiting[partition].append((key, value))
            if len(waiting[partition]) == self.batch:
                self.write(TOPIC, partition, waiting[partition])
                waiting[partition] = []
        for partition, rows in waiting.items():
            if rows:
                self.write(TOPIC, partition, rows)
        return self

    def fetch(self, partition: int, start: int, after: int) -> None:
        """A fetch that brings these offsets."""
        asked = {"replica_id": -1, "offsets": [[TOPIC, partition, start]]}
        self.entry("Fetch", asked, [[TOPIC, partition, 0, start, after, after - start]])

    def commit(self, partition: int, offset: int, **fields: Any) -> None:
        """A commit of the group."""
        asked = {"group": "tally", "member": "m", "generation": 1, "offsets": [[TOPIC, partition, offset]]}
        self.entry("OffsetCommit", asked, **{"answered": [[TOPIC, partition, 0]], **fields})

    def store(self, partition: int, offset: int, *, key: str | None = "", **fields: Any) -> None:
        """Store the result of one record."""
        value = self.logs[f"{TOPIC}-{partition}"][offset][2]
        row = {"partition": partition, "offset": offset, "result": json.loads(value)["amount"], **fields}
        self.write(RESULTS, 0, [(f"{partition}-{offset}" if key == "" else key, json.dumps(row))])

    def consume(self) -> Made:
        """Read, store and commit all of it, batch by batch."""
        self.step("consume")
        for partition in range(self.partitions):
            end = len(self.logs[f"{TOPIC}-{partition}"])
            for start in range(0, end, self.batch):
                after = min(end, start + self.batch)
                self.fetch(partition, start, after)
                for offset in range(start, after):
                    self.store(partition, offset)
                self.commit(partition, after)
        return self

    def evidence(self) -> dict[str, Any]:
        """What the arena would have given."""
        return {
            "format": 1,
            "run": "made-up",
            "number": 0,
            "seed": 1,
            "records": {"count": self.spec.count, "keys": self.spec.keys, "value_bytes": self.spec.value_bytes},
            "given": self.given,
            "topics": {TOPIC: self.partitions, RESULTS: 1},
            "steps": self.steps,
            "fired": [],
            "timeline": [],
            "is_complete": True,
            "entries": self.entries,
            "logs": {
                name: {
                    "log_start_offset": self.log_start_offset if name == f"{TOPIC}-0" else 0,
                    "high_watermark": len(records),
                    "records": records,
                }
                for name, records in self.logs.items()
            },
        }
