"""The partition chart: how many records lie in each partition of a topic, and how uneven that is, live."""

from __future__ import annotations

from typing import Any, TypedDict

import traitlets

from kit.lessons.partition_choice import skew
from kit.widgets._assets import script, style
from kit.widgets._background import Background, ClusterLike, Link, describe
from kit.widgets._text_twin import TextTwin

MAX_ROWS = 64
_LOOK_S = 0.5
# New partitions are rare, and a cluster may have a thousand topics: ask for them once in so many looks.
_LOOKS_PER_SEARCH = 4
# A closed cluster shall be told while one still looks; an election is over sooner.
_PATIENCE_MS = 5_000


class Bars(TypedDict):
    """One topic: the records of each partition (at most `MAX_ROWS` of them), and a sentence about all."""

    topic: str
    counts: list[tuple[int, int]]
    left_out: int
    total: int
    skew: float
    sentence: str


class PartitionChart(TextTwin):
    """Bars that grow: the records in each partition, by the offsets that the brokers tell.

    Args:
        cluster: where to look.
        topics: one chart for each; a topic may be created later.
    """

    _esm = script("partition_chart")
    _css = style("partition_chart")

    charts: traitlets.List[Bars] = traitlets.List().tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)

    def __init__(self, cluster: ClusterLike, *topics: str) -> None:
        super().__init__(charts=[{**bars(topic, {}), "sentence": "not looked at yet …"} for topic in topics])
        self._topics = topics
        self._link = Link(cluster)
        self._background = Background(self._run, self._failed, self._link, name=f"partition chart of {topics}")

    @property
    def alive(self) -> bool:
        """Whether the chart still moves."""
        return self._background.alive

    @property
    def totals(self) -> dict[str, int]:
        """The records in each topic, as of the last look."""
        return {each["topic"]: each["total"] for each in self.charts}

    def close(self) -> None:
        """Stop looking and remove the chart."""
        self._background.stop()
        super().close()

    def __str__(self) -> str:
        lines = []
        for chart in self.charts:
            lines.append(f"{chart['topic']}: {chart['sentence']}")
            lines += [f"  partition {number}: {count:,}" for number, count in chart["counts"]]
        return "\n".join([*lines, self.status]).strip()

    def _run(self, background: Background) -> None:
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        admin = KafkaAdminClient(
            **self._link.client_settings, request_timeout_ms=_PATIENCE_MS, bootstrap_timeout_ms=_PATIENCE_MS
        )
        counter = _Counter(admin, self._topics)
        try:
            while background.goes_on(_LOOK_S):
                try:
                    charts = [bars(topic, counts) for topic, counts in counter.look().items()]
                except KafkaError as error:  # an election, for example: it may answer next time
                    if not self._link.is_gone:
                        self.status = f"The brokers did not answer: {describe(error)}"
                    continue
                self.status = ""
                if charts != self.charts:
                    self.charts = charts
        finally:
            admin.close()

    def _failed(self, reason: str) -> None:
        self.status = f"The chart has stopped. {reason}"


def bars(topic: str, counts: dict[int, int]) -> Bars:
    """What is shown of a topic.

    Args:
        counts: partition to its number of records; empty while there is no such topic.
    """
    total = sum(counts.values())
    unevenness = round(skew(counts.values()), 2)
    if not counts:
        sentence = "there is no such topic yet"
    elif not total:
        sentence = "no records yet"
    else:
        empty = sum(not count for count in counts.values())
        is_empty = "is" if empty == 1 else "are"
        alone = f", {empty} of {len(counts)} partitions {is_empty} empty" if empty else ""
        sentence = f"{total:,} records, the fullest partition has {unevenness:.2f} times the mean{alone}"
    shown = sorted(counts.items())
    return {
        "topic": topic,
        "counts": shown[:MAX_ROWS],
        "left_out": max(0, len(shown) - MAX_ROWS),
        "total": total,
        "skew": unevenness,
        "sentence": sentence,
    }


class _Counter:
    """Counts the records in each partition of each topic: what lies between its first offset and its next one."""

    def __init__(self, admin: Any, topics: tuple[str, ...]) -> None:
        self._admin = admin
        self._topics = topics
        self._places: list[Any] = []
        self._looks_until_search = 0

    def look(self) -> dict[str, dict[int, int]]:
        """Topic to partition to number of records; no partition while there is no such topic.

        Raises:
            kafka.errors.KafkaError: the brokers do not answer, or a topic is gone; it is searched anew the next time.
        """
        from kafka.admin import OffsetSpec

        if self._looks_until_search <= 0 or len({place.topic for place in self._places}) < len(set(self._topics)):
            self._places = self._search()
            self._looks_until_search = _LOOKS_PER_SEARCH
        self._looks_until_search -= 1
        counts: dict[str, dict[int, int]] = {topic: {} for topic in self._topics}
        if self._places:
            places, self._places = self._places, []  # forgotten if asking fails
            first = self._admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
            end = self._admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
            for place in places:
                counts[place.topic][place.partition] = max(0, end[place].offset - first[place].offset)
            self._places = places
        return counts

    def _search(self) -> list[Any]:
        from kafka import TopicPartition

        known = [each for each in self._admin.describe_topics() if each["name"] in self._topics]
        return [TopicPartition(each["name"], part["partition_index"]) for each in known for part in each["partitions"]]
