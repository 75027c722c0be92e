"""The widget: it hands what was seen to the browser, and the browser's wishes to the cluster."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import anywidget

from kit import cells
from kit.errors import KitError
from kit.widgets._assets import joined, scripts, style
from kit.widgets._background import Background, describe
from kit.widgets.live_view.actions import Action, action_of
from kit.widgets.live_view.changes import changes
from kit.widgets.live_view.event_feed import FAMILIES, OF_PARTITIONS
from kit.widgets.live_view.in_words import in_words
from kit.widgets.live_view.look import Listed, Watched
from kit.widgets.live_view.picture import Choice, picture
from kit.widgets.live_view.watching import watch

_FRONT = "live_view/front"
_SCRIPTS = ("parts.js", "store.js", "racks.js", "network.js", "grid.js", "cutting.js", "timeline.js", "view.js")
_STYLES = ("racks.css", "grid.css", "timeline.css")
# A browser that missed something, or came while the kernel was busy, has everything again after this time.
_WHOLE_EVERY_S = 5.0
_EVENTS_AT_ONCE = 200
_QUIET_TICK_MS = 1_000
_MOST_ACTIONS = 4  # at a time
_MAX_NEEDLE = 249  # no topic has a longer name


class ClusterView(anywidget.AnyWidget):
    """A live picture of a cluster, with its faults as buttons and its past to go back to.

    What it shows was read from the cluster; what its buttons do are the cluster's own methods. Nothing of it is saved
    in the notebook.

    Args:
        cluster: what to show. It may be closed under the view, which then says so.
        topic: what the filter begins with.
    """

    _esm = scripts(_FRONT, *_SCRIPTS)
    _css = style("shared") + joined(_FRONT, *_STYLES)

    def __init__(self, cluster: Watched, topic: str | None = None) -> None:
        cells.close_earlier()
        super().__init__()
        self.choice = Choice(needle=topic or "")
        self._servers = cluster.bootstrap_servers
        self._lock = threading.Lock()
        self._sent: dict[str, Any] | None = None
        self._sent_s = 0.0
        self._sent_event = 0
        self._number = 0
        self._viewers: set[str] = set()
        self._is_left = False
        self._acting: list[Background] = []
        self._is_closed = False
        self._watch = watch(cluster)
        self.on_msg(self._received)
        self._watch.join(self)
        cells.remember(self)

    def __repr__(self) -> str:
        return f"<ClusterView of the brokers at {self._servers}, {'following' if self.alive else 'ended'}>"

    @property
    def alive(self) -> bool:
        """Whether it still follows the cluster."""
        return not self._is_closed and self._watch.alive and not self._watch.end

    @property
    def text(self) -> str:
        """The picture in words."""
        if self._watch.end:
            return self._watch.end
        look = self._watch.latest
        return "Looking at the cluster …" if look is None else in_words(picture(look, self.choice))

    def close(self) -> None:
        """Look no longer, and remove the view."""
        self._is_closed = True
        self._watch.leave(self)
        super().close()

    # -- what the watch asks of a view -----------------------------------------------------------------------------

    @property
    def is_seen(self) -> bool:
        """Whether a browser shows it, as far as is known: one that goes without a word counts."""
        return not self._is_left

    def wants(self, listed: tuple[Listed, ...]) -> set[str]:
        """The topics of the page that is shown."""
        keys, _ = self.choice.page_of(self.choice.matching(listed))
        return {name for name, _ in keys}

    def show(self) -> None:
        """Send what is new."""
        with self._lock:
            if self._is_closed or self._is_left:
                return
            if self._sent is None or time.monotonic() - self._sent_s > _WHOLE_EVERY_S or self._watch.end:
                self._send_whole()
            else:
                self._send_changes(self._sent)

    # -- to the browser --------------------------------------------------------------------------------------------

    def _send_whole(self) -> None:
        look = self._watch.latest
        self._sent = None if look is None else picture(look, self.choice)
        self._sent_s = time.monotonic()
        self._sent_event = self._watch.events.last_id
        self._post(
            "whole",
            picture=self._sent,
            events=self._watch.events.after(0, _EVENTS_AT_ONCE),
            families=FAMILIES,
            choice={"needle": self.choice.needle, "internal": self.choice.internal},
            refusal=self._watch.refusal,
            end=self._watch.end,
        )

    def _send_changes(self, sent: dict[str, Any]) -> None:
        look = self._watch.latest
        if look is None:
            return
        now = picture(look, self.choice)
        changed, events = changes(sent, now), self._watch.events.after(self._sent_event, _EVENTS_AT_ONCE)
        if changed or events or now["time_ms"] - sent["time_ms"] >= _QUIET_TICK_MS:
            self._sent = now
            self._sent_event = self._watch.events.last_id
            self._post("changes", changes={**changed, "time_ms": now["time_ms"]}, events=events)

    def _post(self, kind: str, **content: Any) -> None:
        self._number += 1
        self.send({"type": kind, "number": self._number, "oldest_ms": self._watch.memory.oldest_ms, **content})

    # -- from the browser ------------------------------------------------------------------------------------------

    def _received(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if not isinstance(message, Mapping) or self._is_closed:
            return
        answer = {
            "hello": self._hello, "bye": self._bye, "choose": self._choose, "then": self._show_then, "do": self._do,
        }.get(str(message.get("type")))  # fmt: skip
        if answer is not None:
            answer(message)

    def _hello(self, message: Mapping[str, Any]) -> None:
        self._viewers.add(str(message.get("viewer")))
        self._is_left = False
        with self._lock:
            self._send_whole()

    def _bye(self, message: Mapping[str, Any]) -> None:
        self._viewers.discard(str(message.get("viewer")))
        self._is_left = not self._viewers

    def _choose(self, message: Mapping[str, Any]) -> None:
        page = message.get("page")
        self.choice = Choice(
            needle=str(message.get("needle", "")).strip()[:_MAX_NEEDLE],
            internal=message.get("internal") is True,
            page=page if isinstance(page, int) and page > 0 else 0,
        )
        self.show()

    def _show_then(self, message: Mapping[str, Any]) -> None:
        time_ms = message.get("time_ms")
        if not isinstance(time_ms, int):
            return
        memory, family = self._watch.memory, message.get("family")
        look = memory.after(time_ms, of_partitions=family in OF_PARTITIONS) if family else memory.at(time_ms)
        if look is not None:
            with self._lock:
                self._post("then", asked_ms=time_ms, picture=picture(look, self.choice))

    # -- actions ---------------------------------------------------------------------------------------------------

    def _do(self, message: Mapping[str, Any]) -> None:
        number = message.get("id")
        try:
            action = action_of(message)
        except ValueError as error:
            self._tell(number, str(error), is_done=False)
            return
        self._acting = [each for each in self._acting if each.alive]
        if len(self._acting) >= _MOST_ACTIONS:
            self._tell(number, "Not yet: earlier actions are still going on.", is_done=False, python=action.python)
            return
        # In the background: a restart takes as long as it takes, and the notebook stays usable meanwhile.
        self._acting.append(
            Background(
                lambda _: self._act(number, action),
                lambda reason: self._tell(number, reason, is_done=False, python=action.python),
                self._watch.link,
                name=action.python,
            )
        )

    def _act(self, number: object, action: Action) -> None:
        cluster = self._watch.link.cluster
        if cluster is None:
            self._tell(number, self._watch.end or "The cluster is closed.", is_done=False, python=action.python)
            return
        began_s = time.monotonic()
        try:
            action.run(cluster)
        except KitError as error:
            self._tell(number, str(error).splitlines()[0], is_done=False, python=action.python)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs beside the button and not into a log
            self._tell(number, describe(error), is_done=False, python=action.python)
        else:
            self._tell(
                number, f"Done in {(time.monotonic() - began_s) * 1000:,.0f} ms.", is_done=True, python=action.python
            )

    def _tell(self, number: object, text: str, *, is_done: bool, python: str = "") -> None:
        with self._lock:
            if not self._is_closed:
                self._post("done", id=number, text=text, is_done=is_done, python=python)
