"""The name linter: what Kafka and a team think of a topic's name, while it is typed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from kit.errors import ClusterClosedError, KitError
from kit.lessons import naming
from kit.lessons.naming import Convention, Finding
from kit.widgets._assets import script, style
from kit.widgets._background import Background, ClusterGoneError, ClusterLike, LastingLink, describe, kafka_error
from kit.widgets._code import NewTopic
from kit.widgets.topics.admin import TopicAdmin
from kit.widgets.topics.wishes import Wishes, text_in

_PAUSE_S = 0.05
_MAX_NAME = 400  # longer than Kafka allows, so that it can be seen refusing


class NameLinter(anywidget.AnyWidget):
    """A field for a name. Below it: what a team's convention says, and what the cluster says when it is asked.

    The cluster is asked to check only (``validate_only``): no topic is ever made here.

    Args:
        cluster: a `kit.Cluster`; None leaves Kafka's answer out.
        name: what the field begins with.
        convention: what the team agreed on.
    """

    _esm = script("linter", Path(__file__).parent)
    _css = style("linter", Path(__file__).parent)

    name = traitlets.Unicode().tag(sync=True)
    # Each is one piece, so that what is shown is never half new.
    verdict = traitlets.Dict().tag(sync=True)
    kafka = traitlets.Dict().tag(sync=True)
    ended = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, cluster: ClusterLike | None = None, name: str = "Music_Plays!", convention: Convention = naming.TEAM
    ) -> None:
        super().__init__(name=name)
        self._convention = convention
        self._wishes = Wishes(("name",))
        self._background: Background | None = None
        self.on_msg(lambda _widget, message, _buffers: self._received(message))
        self._judge(name)
        if cluster is not None:
            self._link = LastingLink(cluster)
            self._admin = TopicAdmin(self._link.client_settings)
            self.kafka = {"name": name, "text": "is being asked …", "takes": None}
            self._wishes.put({"type": "name", "name": name})
            self._background = Background(self._run, self._failed, self._link, name="name linter")

    @property
    def alive(self) -> bool:
        """Whether it still asks the cluster."""
        return self._background is not None and self._background.alive

    @property
    def text(self) -> str:
        """The judgement as plain text."""
        return "\n".join(
            [naming.shown(naming.lint(self.verdict["name"], self._convention)), self.kafka.get("text", "")]
        )

    def close(self) -> None:
        """Ask no longer, and remove the widget."""
        if self._background is not None:
            self._background.stop()
        super().close()

    def _received(self, message: object) -> None:
        if isinstance(message, Mapping) and message.get("type") == "name":
            self._judge(text_in(message, "name", _MAX_NAME))
            self._wishes.put(message)

    def _judge(self, name: str) -> None:
        found = naming.lint(name, self._convention)
        better = naming.suggest(name, self._convention)
        # "dev.v1" would be no suggestion: it says nothing.
        is_useful = better != name and not any(each.rule == "flat" for each in naming.lint(better, self._convention))
        self.verdict = {
            "name": name,
            "findings": [_shown(each) for each in found],
            "better": better if is_useful else "",
            "characters": len(name),
        }

    # -- the thread ------------------------------------------------------------------------------------------------

    def _run(self, background: Background) -> None:
        try:
            while background.goes_on(_PAUSE_S):
                message = self._wishes.next()
                if message is not None:
                    self._ask(text_in(message, "name", _MAX_NAME))
                self._check_open()
        finally:
            self._admin.close()

    def _failed(self, reason: str) -> None:
        # What Kafka said of a name before is no answer of a cluster that is gone.
        self.ended = f"Kafka is not asked any more: what stands below comes from the written rules alone. {reason}"
        self.kafka = {}

    def _check_open(self) -> None:
        """End with the cluster. That all brokers are down is no end."""
        cluster = self._link.cluster
        if cluster is None:
            raise ClusterGoneError
        if not any(broker.is_alive for broker in cluster.brokers):
            with contextlib.suppress(KitError, kafka_error()):
                self._look_at(cluster)

    def _look_at(self, cluster: Any) -> None:
        """See whether the cluster is there: it says at once when it is closed, where a client would wait."""
        try:
            cluster.topics([], wait=False)
        except ClusterClosedError:
            raise ClusterGoneError from None

    def _ask(self, name: str) -> None:
        cluster = self._link.cluster
        if cluster is None:
            raise ClusterGoneError
        try:
            self._look_at(cluster)
        except (KitError, kafka_error()) as error:
            self._admin.close()  # it would go on knocking
            self.kafka = {"name": name, "text": f"cannot be asked. {describe(error)}", "takes": None}
            return
        outcome = self._admin.create(NewTopic(name), validate_only=True)
        text = "would take this name." if outcome.is_done else outcome.text.replace("Kafka refused.", "refuses it.")
        self.kafka = {"name": name, "text": text, "takes": outcome.is_done}


def _shown(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "rule": finding.rule.replace("-", " "),
        "reason": finding.reason,
        "suggestion": finding.suggestion or "",
    }
