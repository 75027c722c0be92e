"""The throughput chart: records per second in and out of a topic, and how far a group lags behind."""

from __future__ import annotations

import time
from typing import Any

import anywidget
import ipywidgets as widgets
import plotly.graph_objects as go
import traitlets
from plotly.subplots import make_subplots

from kit.widgets._assets import script, style
from kit.widgets._background import Background, ClusterLike, Link, describe
from kit.widgets._rates import WINDOW_S, History, Point, Sample, sample

_SAMPLE_EVERY_S = 0.5
_TABLE_EVERY_S = 5.0
# A closed cluster shall be told while one still looks; an election is over sooner.
_PATIENCE_MS = 5_000
# Okabe-Ito colours, a light and a dark member of each hue; the lines also differ in dash and carry their names.
_LIGHT = {"produced": "#0072b2", "consumed": "#b34700", "lag": "#007a58", "ink": "#212121", "grid": "#d0d0d0"}
_DARK = {"produced": "#56b4e9", "consumed": "#e69f00", "lag": "#3fc79a", "ink": "#e8e8e8", "grid": "#4a4a4a"}


class _ChartTwin(anywidget.AnyWidget):
    """The chart in words, and the page's theme as the browser sees it."""

    _esm = script("chart_twin")
    _css = style("chart_twin")

    now = traitlets.Unicode().tag(sync=True)
    event = traitlets.Unicode().tag(sync=True)
    rows: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    dark = traitlets.Bool(False).tag(sync=True)


class ThroughputChart(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A moving chart of one topic and one consumer group, read from the cluster's offsets twice a second.

    "Produced" is the growth of the log end offsets. "Consumed" is the growth of what the group has committed: what a
    consumer reads and does not commit, the cluster cannot know.

    Args:
        cluster: where to look.
        topic: whose log end offsets.
        group_id: whose committed offsets.
    """

    def __init__(self, cluster: ClusterLike, topic: str, group_id: str) -> None:
        self.topic = topic
        self.group_id = group_id
        self._link = Link(cluster)
        self._history = History()
        self._offsets = _Offsets(topic, group_id)
        self.figure = _figure(topic, group_id)
        self.twin = _ChartTwin(now=f"Waiting for the first figures of {topic} …")
        super().__init__([self.figure, self.twin])
        self._paint()
        self.twin.observe(self._paint, "dark")
        self._background = Background(self._run, self._failed, self._link, name=f"throughput chart of {topic}")

    @property
    def lag(self) -> int:
        """Records in the topic that the group has not committed, as of the last look."""
        return self._history.samples[-1].lag if self._history.samples else 0

    @property
    def alive(self) -> bool:
        """Whether the chart still moves."""
        return self._background.alive

    def close(self) -> None:
        """Stop looking and remove the chart."""
        self._background.stop()
        super().close()

    def _run(self, background: Background) -> None:
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        admin = KafkaAdminClient(
            **self._link.client_settings, request_timeout_ms=_PATIENCE_MS, bootstrap_timeout_ms=_PATIENCE_MS
        )
        try:
            while background.goes_on(_SAMPLE_EVERY_S):
                try:
                    found = self._offsets.look(admin)
                except KafkaError as error:  # a broker that has just died, for example: another one leads soon
                    if not self._link.is_gone:
                        self.twin.now = f"The brokers did not answer: {describe(error)}"
                    continue
                self._history.add(found)
                self._draw()
        finally:
            admin.close()

    def _draw(self) -> None:
        points = self._history.points()
        if not points:
            return
        ages_s = [point.age_s for point in points]
        with self.figure.batch_update():
            for trace, values in zip(self.figure.data, _columns(points), strict=True):
                trace.x = ages_s
                trace.y = values
        self.twin.now = _sentence(points[-1], self.group_id)
        self.twin.rows = _table(points)
        if self._history.notice_turn():
            self.twin.event = (
                f"The group {self.group_id} {'falls behind' if self._history.behind else 'has caught up'}."
            )

    def _paint(self, _change: object = None) -> None:
        colours = _DARK if self.twin.dark else _LIGHT
        with self.figure.batch_update():
            for trace in self.figure.data:
                trace.line.color = colours[trace.meta]
            self.figure.layout.font.color = colours["ink"]
            for axis in ("xaxis", "xaxis2", "yaxis", "yaxis2"):
                self.figure.layout[axis].update(gridcolor=colours["grid"], linecolor=colours["ink"])

    def _failed(self, reason: str) -> None:
        self.twin.now = f"The chart has stopped. {reason}"


class _Offsets:
    """Asks for the offsets of a topic and a group, either of which may not exist yet."""

    def __init__(self, topic: str, group_id: str) -> None:
        self._topic = topic
        self._group_id = group_id
        self._partitions: list[Any] = []

    def look(self, admin: Any) -> Sample:
        """One sample; all zero while there is no topic."""
        from kafka.admin import OffsetSpec

        if not self._partitions:
            self._partitions = self._find(admin)
        starts = self._list(admin, OffsetSpec.EARLIEST)
        ends = self._list(admin, OffsetSpec.LATEST)
        return sample(time.monotonic(), starts, ends, self._committed(admin))

    def _find(self, admin: Any) -> list[Any]:
        from kafka import TopicPartition

        found = [each["partitions"] for each in admin.describe_topics() if each["name"] == self._topic]
        return [TopicPartition(self._topic, each["partition_index"]) for partitions in found for each in partitions]

    def _list(self, admin: Any, spec: Any) -> dict[int, int]:
        if not self._partitions:
            return {}
        found = admin.list_partition_offsets(dict.fromkeys(self._partitions, spec))
        return {partition.partition: at.offset for partition, at in found.items()}

    def _committed(self, admin: Any) -> dict[int, int]:
        from kafka.errors import RetriableError

        try:
            offsets = admin.list_group_offsets({self._group_id: None})[self._group_id]
        except RetriableError:  # a young cluster has no coordinator yet: nothing can be committed
            return {}
        return {
            at.partition: each.offset for at, each in offsets.items() if at.topic == self._topic and each.offset >= 0
        }


def _figure(topic: str, group_id: str) -> go.FigureWidget:
    figure = go.FigureWidget(make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08))
    # The tool bar would offer to upload the chart to a public site.
    figure._config = {"displayModeBar": False, "responsive": True}  # noqa: SLF001  (plotly's only way for a FigureWidget)
    lines = [("produced", f"produced to {topic}", "solid", 1), ("consumed", f"consumed by {group_id}", "dash", 1)]
    for meta, name, dash, row in [*lines, ("lag", f"lag of {group_id}", "dot", 2)]:
        trace = go.Scatter(name=name, meta=meta, mode="lines", line={"width": 3, "dash": dash})
        figure.add_trace(trace, row=row, col=1)
    figure.data[2].fill = "tozeroy"
    figure.update_layout(
        autosize=True,
        height=360,
        margin={"l": 60, "r": 20, "t": 40, "b": 44},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.14, "x": 0},
        hovermode="x unified",
        transition={"duration": 0},
    )
    figure.update_xaxes(range=[-WINDOW_S, 0], zeroline=False)
    figure.update_xaxes(title_text="seconds ago", row=2, col=1)
    figure.update_yaxes(rangemode="tozero", zeroline=False)
    figure.update_yaxes(title_text="records/s", row=1, col=1)
    figure.update_yaxes(title_text="lag, records", row=2, col=1)
    return figure


def _columns(points: list[Point]) -> tuple[list[float], ...]:
    return (
        [point.produced_per_s for point in points],
        [point.consumed_per_s for point in points],
        [float(point.lag) for point in points],
    )


def _sentence(point: Point, group_id: str) -> str:
    return (
        f"Now: {point.produced_per_s:,.0f} records/s produced, {point.consumed_per_s:,.0f} records/s consumed by "
        f"{group_id}, lag {point.lag:,}."
    )


def _table(points: list[Point]) -> list[list[str]]:
    """Every `_TABLE_EVERY_S` seconds one line, newest first."""
    lines: list[list[str]] = []
    next_age_s = 0.0
    for point in reversed(points):
        if point.age_s <= next_age_s:
            ago = f"{abs(point.age_s):.0f}"
            lines.append([ago, f"{point.produced_per_s:,.0f}", f"{point.consumed_per_s:,.0f}", f"{point.lag:,}"])
            next_age_s = point.age_s - _TABLE_EVERY_S
    return lines
