"""The partition chart: how many records lie in each partition of a topic, and how uneven that is, live."""

from __future__ import annotations

from typing import Any, TypedDict

import traitlets

from kit.lessons.partition_choice import skew
from kit.widgets._assets import script, style
from kit.widgets._background import Background, ClusterLike, Link, describe
from kit.widgets._text_twin import TextTwin

MAX_ROWS = 64
_LOOK_S = 0.4


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
        super().__init__(charts=[bars(topic, {}) for topic in topics])
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

        admin = KafkaAdminClient(**self._link.client_settings)
        try:
            while background.goes_on(_LOOK_S):
                try:
                    charts = [bars(topic, counts) for topic, counts in _look(admin, self._topics).items()]
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
        alone = f", {empty} of {len(counts)} partitions are empty" if empty else ""
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


def _look(admin: Any, topics: tuple[str, ...]) -> dict[str, dict[int, int]]:
    """The records in each partition of each topic: what lies between its first offset and its next one."""
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    known = {each["name"]: each["partitions"] for each in admin.describe_topics() if each["name"] in topics}
    places = [TopicPartition(topic, each["partition_index"]) for topic, found in known.items() for each in found]
    counts: dict[str, dict[int, int]] = {topic: {} for topic in topics}
    if places:
        first = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
        end = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        for place in places:
            counts[place.topic][place.partition] = max(0, end[place].offset - first[place].offset)
    return counts
