"""Forms that make and delete topics, and say what Kafka thinks of it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from kit.errors import ClusterClosedError, KitError
from kit.lessons import naming
from kit.widgets._assets import with_code_ways
from kit.widgets._background import Background, ClusterGoneError, ClusterLike, LastingLink, describe, kafka_error
from kit.widgets._code import create_topic, delete_topic
from kit.widgets.topics.admin import Outcome, TopicAdmin, counted, hints, new_topic
from kit.widgets.topics.wishes import Message, Wishes, text_in

_PAUSE_S = 0.1
_MOST_NAMES = 50
_FIELDS = (
    "name",
    "partitions",
    "replication_factor",
    "retention.ms",
    "min.insync.replicas",
    "cleanup.policy",
    "configs",
)


class TopicForms(anywidget.AnyWidget):
    """Make a topic, with a dry run first if wanted; delete one, after its name was typed a second time.

    Args:
        cluster: a `kit.Cluster`.
        name: what the form begins with.
    """

    _esm, _css = with_code_ways("forms", Path(__file__).parent)

    first_name = traitlets.Unicode().tag(sync=True)
    # Each is one piece, so that what is shown is never half new.
    draft = traitlets.Dict().tag(sync=True)
    created = traitlets.Dict().tag(sync=True)
    names: traitlets.List[str] = traitlets.List().tag(sync=True)
    confirmation = traitlets.Dict().tag(sync=True)
    deleted = traitlets.Dict().tag(sync=True)
    codes: traitlets.List[Any] = traitlets.List().tag(sync=True)
    delete_codes: traitlets.List[Any] = traitlets.List().tag(sync=True)
    ended = traitlets.Unicode().tag(sync=True)

    def __init__(self, cluster: ClusterLike, name: str = "") -> None:
        super().__init__(first_name=name)
        self._link = LastingLink(cluster)
        self._admin = TopicAdmin(self._link.client_settings)
        self._asked: tuple[str, str] | None = None  # name and id of the topic that is to be confirmed
        self._wishes = Wishes(("draft", "names", "create", "forget", "ask", "delete"))
        self.on_msg(lambda _widget, message, _buffers: self._wishes.put(message))
        self._show_draft({"name": name})
        self._background = Background(self._run, self._failed, self._link, name="topic forms")

    @property
    def alive(self) -> bool:
        """Whether it still listens."""
        return self._background.alive

    def close(self) -> None:
        """Listen no longer, and remove the widget."""
        self._background.stop()
        super().close()

    # -- the thread ------------------------------------------------------------------------------------------------

    def _run(self, background: Background) -> None:
        try:
            while background.goes_on(_PAUSE_S):
                while (message := self._wishes.next()) is not None:
                    self._serve(message)
                self._check_open()
        finally:
            self._admin.close()

    def _failed(self, reason: str) -> None:
        self.ended = f"These forms have stopped. {reason}"

    def _check_open(self) -> None:
        """End with the cluster. That all brokers are down is no end."""
        cluster = self._link.cluster
        if cluster is None:
            raise ClusterGoneError
        if not any(broker.is_alive for broker in cluster.brokers):
            self._admin.close()  # it would go on knocking
            with contextlib.suppress(KitError, kafka_error()):
                self._topics()

    def _serve(self, message: Message) -> None:
        serve = {
            "draft": self._draft, "names": self._list_names, "create": self._create, "ask": self._ask,
            "delete": self._delete, "forget": self._forget,
        }[message["type"]]  # fmt: skip
        try:
            serve(message)
        except (KitError, kafka_error()) as error:
            outcome = Outcome(f"Kafka did not answer. {describe(error)}", type(error).__name__)
            if message["type"] == "create":
                self.created = _shown(outcome, message)
            elif message["type"] in ("ask", "delete"):
                self.confirmation = {}
                self.deleted = _shown(outcome, message)

    def _topics(self) -> Mapping[str, Any]:
        cluster = self._link.cluster
        if cluster is None:
            raise ClusterGoneError
        try:
            found: Mapping[str, Any] = cluster.topics(wait=False)
        except ClusterClosedError:
            raise ClusterGoneError from None
        return found

    # -- make --------------------------------------------------------------------------------------------------------

    def _draft(self, message: Message) -> None:
        self._show_draft(_fields(message))

    def _show_draft(self, fields: Mapping[str, str]) -> None:
        try:
            wanted = new_topic(fields)
        except ValueError as error:
            self.draft = {"hints": [], "mistake": str(error)}
            return
        found = naming.lint(wanted.name, naming.LECTURE) if wanted.name else []
        told = [
            f"{'Kafka will refuse the name' if each.kind == naming.KAFKA else 'The name'}: {each.reason}"
            for each in found
        ]
        self.draft = {"hints": [*told[:3], *hints(wanted)], "mistake": ""}
        self.codes = list(create_topic(wanted, self._link.client_settings))

    def _create(self, message: Message) -> None:
        fields = _fields(message)
        self._show_draft(fields)
        try:
            wanted = new_topic(fields)
        except ValueError as error:
            self.created = _shown(Outcome(f"Nothing was asked of Kafka. {error}", "not sent"), message)
            return
        self._topics()  # says at once when the cluster is closed, where a client would wait
        self.created = _shown(self._admin.create(wanted, validate_only=message.get("dry_run") is True), message)

    # -- delete ------------------------------------------------------------------------------------------------------

    def _list_names(self, message: Message) -> None:
        needle = text_in(message, "needle").casefold()
        found = sorted(
            name for name, each in self._topics().items() if not each.is_internal and needle in name.casefold()
        )
        self.names = found[:_MOST_NAMES]

    def _ask(self, message: Message) -> None:
        """Show what would be lost. Only what was shown can be deleted."""
        name = text_in(message, "name")
        self._asked, self.confirmation = None, {}
        found = self._topics().get(name)
        if found is None:
            self.deleted = _shown(
                Outcome(f"There is no topic {name!r}." if name else "Which topic?", "no topic"), message
            )
            return
        if found.is_internal:
            text = f"{name} is Kafka's own topic. Groups would lose their place: these forms leave it alone."
            self.deleted = _shown(Outcome(text, "internal"), message)
            return
        topic_id = self._admin.topic_id(name)
        if topic_id is None:
            self.deleted = _shown(Outcome(f"There is no topic {name!r} any more.", "no topic"), message)
            return
        self._asked = name, topic_id
        counts = [
            each.high_watermark - each.log_start_offset
            for each in found.partitions
            if each.high_watermark is not None and each.log_start_offset is not None
        ]
        known = (
            counted(sum(counts), "record") if len(counts) == len(found.partitions) else "an unknown number of records"
        )
        spread = counted(len(found.partitions), "partition")
        self.delete_codes = list(delete_topic(name, self._link.client_settings))
        self.confirmation = {
            "name": name,
            "text": f"{name} has {spread} with {known}. They will be gone for everybody.",
            "answered": message.get("request"),
        }

    def _forget(self, _message: Message) -> None:
        """What was asked about shall be kept."""
        self._asked, self.confirmation = None, {}

    def _delete(self, message: Message) -> None:
        """Delete what was asked about and typed again, if it is still the same topic."""
        name, typed, asked = text_in(message, "name"), text_in(message, "typed"), self._asked
        self._asked, self.confirmation = None, {}
        if asked is None or asked[0] != name or typed != name:
            outcome = Outcome(
                "Nothing was deleted: the name that was typed is another one. Begin again.", "not confirmed"
            )
        elif self._admin.topic_id(name) != asked[1]:
            outcome = Outcome(
                f"Nothing was deleted: {name} is not the topic any more that you saw. Begin again.", "changed"
            )
        else:
            outcome = self._admin.delete(name)
        self.deleted = _shown(outcome, message)


def _fields(message: Message) -> dict[str, str]:
    given = message.get("fields")
    return {name: text_in(given, name, 2_000) for name in _FIELDS} if isinstance(given, Mapping) else {}


def _shown(outcome: Outcome, message: Message) -> dict[str, Any]:
    return {"text": outcome.text, "is_done": outcome.is_done, "answered": message.get("request")}
