"""The producer panel: a form that sends records and shows the broker's answer."""

from __future__ import annotations

from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets

from kit.widgets._assets import with_code_ways
from kit.widgets._background import Background, ClusterGoneError, ClusterLike, Link, describe
from kit.widgets._code import in_python
from kit.widgets._send_code import send_records
from kit.widgets._sending import Acks, Order, Outcome, Sender, parse_headers

MAX_COUNT = 10_000
_KEPT_ANSWERS = 5
# The browser holds back what is typed while the kernel is busy, but never a click: what was typed before the click can
# arrive after it.
_TYPED_ARRIVES_S = 0.3
_PARTITIONER = "let the partitioner choose"
_ACKS: dict[str, Acks] = {"all in-sync replicas": "all", "the leader only": 1, "nobody: do not wait": 0}
_DESCRIPTION = {"description_width": "7em"}


class _SendLog(anywidget.AnyWidget):
    """The broker's last answers, newest first, and the form's content as code."""

    _esm, _css = with_code_ways("send_log")

    answers = traitlets.List(traitlets.Unicode()).tag(sync=True)
    codes: traitlets.List[Any] = traitlets.List().tag(sync=True)


class ProducerPanel(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A form with everything a record has. Each press of "Send" makes real records with a real producer.

    Args:
        cluster: where to send.
        topic: what the form starts with.
    """

    def __init__(self, cluster: ClusterLike, topic: str) -> None:
        self._link = Link(cluster)
        self._sender = Sender(self._link.client_settings)
        self._sending: Background | None = None
        self.topic = _field("Topic", topic)
        self.key = _field("Key", "", "empty: no key")
        self.value = _field("Value", "Hello, Kafka!")
        self.headers = _field("Headers", "", "name=value, name=value")
        self.partition = widgets.Dropdown(options=[_PARTITIONER], description="Partition", style=_DESCRIPTION)
        self.count = widgets.BoundedIntText(1, min=1, max=MAX_COUNT, description="How many", style=_DESCRIPTION)
        self.acks = widgets.Dropdown(options=list(_ACKS), description="Wait for", style=_DESCRIPTION)
        self.button = widgets.Button(description="Send", button_style="primary")
        self.send_log = _SendLog()
        form = [self.topic, self.key, self.value, self.headers, self.partition, self.count, self.acks]
        for field in form:
            field.layout = widgets.Layout(width="24em", max_width="100%")
            field.observe(self._show_code, "value")
        rows = widgets.Box(form, layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__([rows, self.button, self.send_log])
        self.topic.observe(self._list_partitions, "value")
        self.button.on_click(self._clicked)
        self._list_partitions()
        self._show_code()

    def order(self) -> Order:
        """What the form says now.

        Raises:
            ValueError: the headers cannot be understood.
        """
        return Order(
            topic=self.topic.value.strip(),
            value=self.value.value,
            key=self.key.value,
            headers=parse_headers(self.headers.value),
            partition=None if self.partition.value == _PARTITIONER else int(self.partition.value),
            count=self.count.value,
            acks=_ACKS[self.acks.value],
        )

    def send(self) -> Outcome:
        """Send what the form says, wait for the broker's answer and show it."""
        try:
            if self._link.is_gone:
                raise ClusterGoneError
            outcome = self._sender.send(self.order())
        except (ValueError, ClusterGoneError) as error:
            outcome = Outcome(False, f"Not sent. {error}")
        self._answer(outcome.text)
        if outcome.acknowledged:
            self._list_partitions()  # the first record can have created the topic
        return outcome

    def close(self) -> None:
        """End the producers and remove the panel."""
        if self._sending is not None:
            self._sending.stop()
        self._sender.close()
        super().close()

    def _clicked(self, _button: widgets.Button) -> None:
        # In the background, so that a cluster that does not answer leaves the notebook usable.
        self.button.disabled = True
        self._sending = Background(self._send_once, self._answer, self._link, name="producer panel")

    def _send_once(self, background: Background) -> None:
        try:
            if background.goes_on(_TYPED_ARRIVES_S):
                self.send()
        finally:
            self.button.disabled = False

    def _answer(self, text: str) -> None:
        self.send_log.answers = [text, *self.send_log.answers][:_KEPT_ANSWERS]

    def _show_code(self, _change: object = None) -> None:
        try:
            self.send_log.codes = send_records(self.order(), self._link.client_settings)
        except ValueError as error:
            self.send_log.codes = [{**each, "text": f"# {error}"} for each in self.send_log.codes or [in_python([])]]

    def _list_partitions(self, _change: Any = None) -> None:
        """Offer the topic's own partitions; a topic that is not there yet has none to choose from."""
        from kafka.errors import KafkaError

        if self._link.is_gone:
            return
        try:
            partitions = self._sender.partitions(self.topic.value.strip())
        except KafkaError as error:
            self._answer(describe(error))
            return
        chosen = self.partition.value
        options = [_PARTITIONER, *map(str, partitions)]
        if list(self.partition.options) != options:
            self.partition.options = options
            self.partition.value = chosen if chosen in options else _PARTITIONER


def _field(label: str, value: str, placeholder: str = "") -> widgets.Text:
    # One message for each field, when it is left, and not one for each key: a topic is looked up when it is complete,
    # and a click on Send comes after all of it.
    return widgets.Text(value, placeholder=placeholder, description=label, style=_DESCRIPTION, continuous_update=False)
