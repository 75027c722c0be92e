"""The widget: it looks at a cluster's groups twice a second and hands the browser what it saw."""

from __future__ import annotations

import threading
import time
from typing import Any

import traitlets

from kit import cells
from kit.errors import ClusterClosedError, KitError
from kit.widgets._assets import joined, scripts, style
from kit.widgets._background import Background, ClusterGoneError, ClusterLike, LastingLink, describe
from kit.widgets._text_twin import TextTwin
from kit.widgets.groups.past import Pasts
from kit.widgets.groups.picture import BY_LAG, BY_NAME, as_text, detail, listed, matching, timeline_lines
from kit.widgets.groups.reading import GroupLook, GroupReader

_FRONT = "groups/front"
_PERIOD_S = 0.5
_NOTHING_YET = "No consumer group yet. A consumer with a group_id that reads from this cluster appears here."


class GroupsAndLag(TextTwin):
    """The consumer groups of a cluster: members, partitions, lag, and how that changed since the widget was made.

    It asks as an admin client does and joins no group. What the cluster does not tell it (a group of others, without
    the right to see it) is said.

    Args:
        cluster: whose groups; it may be closed under the widget, which then says so.
        group_id: the group to show first; None for the first of the list.
    """

    _esm = scripts(_FRONT, "parts.js", "chart.js", "timeline.js", "view.js")
    _css = style("shared") + joined(_FRONT, "groups.css")

    picture = traitlets.Dict().tag(sync=True)  # one piece, so that what is shown is never half new
    chosen = traitlets.Unicode("").tag(sync=True)
    needle = traitlets.Unicode("").tag(sync=True)
    order = traitlets.Enum([BY_LAG, BY_NAME], BY_LAG).tag(sync=True)

    def __init__(self, cluster: ClusterLike, group_id: str | None = None) -> None:
        cells.close_earlier()
        self._looks: dict[str, GroupLook] = {}
        self._pasts = Pasts()
        self._status = "Looking for consumer groups …"
        self._event = ""
        self._is_over = False
        self._lock = threading.RLock()  # the notebook and the thread that looks both read and show what was seen
        super().__init__(chosen=group_id or "")
        self._show()
        self.observe(self._chosen_anew, ["chosen", "needle", "order"])
        self._link = LastingLink(cluster)
        self._reader = GroupReader(self._link.client_settings)
        self._background = Background(self._run, self._failed, self._link, name="groups and lag")
        cells.remember(self)

    @property
    def alive(self) -> bool:
        """Whether it still looks."""
        return self._background.alive

    def group(self, group_id: str) -> GroupLook:
        """A group as it was at the last look; one that is not there is ``Dead`` and has no members."""
        return self._looks.get(group_id, GroupLook(group_id, "Dead"))

    def timeline(self, group_id: str, since_ms: int = 0) -> str:
        """What was seen of a group, a line for each stretch of time in which nothing changed.

        Args:
            since_ms: leaves out what was over before that time (milliseconds since 1970).
        """
        with self._lock:
            past = self._pasts.of.get(group_id)
            return "\n".join(timeline_lines(past, since_ms)) if past else f"No group {group_id} was seen so far."

    def close(self) -> None:
        """Look no longer, and remove the widget."""
        self._background.stop()
        super().close()

    def __str__(self) -> str:
        with self._lock:
            return as_text(matching(self._looks, self.needle, self.order), self._pasts, self._status)

    # -- looking ---------------------------------------------------------------------------------------------------

    def _run(self, background: Background) -> None:
        pause_s = 0.0
        try:
            while background.goes_on(pause_s):
                began_s = time.monotonic()
                self._look()
                took_s = time.monotonic() - began_s
                pause_s = max(_PERIOD_S - took_s, took_s)  # what answers slowly is given time
        finally:
            self._reader.close()

    def _look(self) -> None:
        from kafka.errors import KafkaError

        cluster = self._link.cluster
        if cluster is None:
            raise ClusterGoneError
        try:
            looks, trouble = self._reader.read(cluster)
        except (KafkaError, KitError, OSError) as error:
            _check_open(cluster)
            self._reader.close()
            with self._lock:
                self._pasts.missed(_now_ms())
                self._status = f"The last look failed, this is what was seen before. {describe(error)}"
        else:
            with self._lock:
                events = self._pasts.add(_now_ms(), looks, is_whole=not trouble)
                self._event = " ".join(events[:3]) or self._event
                self._looks = looks
                self._status = trouble or ("" if looks else _NOTHING_YET)
        self._show()

    def _failed(self, reason: str) -> None:
        self._is_over = True
        self._status = f"The view has stopped, this is the last that was seen. {reason}"
        self._show()

    # -- showing ---------------------------------------------------------------------------------------------------

    def _chosen_anew(self, _change: object) -> None:
        self._show()

    def _show(self) -> None:
        with self._lock:
            looks = matching(self._looks, self.needle, self.order)
            status = self._status
            if self._looks and not looks and not status:
                status = "No group, member or topic holds this text."
            self.picture = {
                "at_ms": _now_ms(),
                "status": status,
                "over": self._is_over,
                "event": self._event,
                "total": len(self._looks),
                "groups": listed(looks),
                "detail": self._detail(looks),
            }

    def _detail(self, looks: list[GroupLook]) -> dict[str, Any]:
        """Of the chosen group, also when it is gone or the filter hides it; else of the first one."""
        chosen = self._looks.get(self.chosen)
        if chosen is None and self.chosen in self._pasts.of:
            chosen = GroupLook(self.chosen, "Dead")
        if chosen is None and looks:
            chosen = looks[0]
        past = None if chosen is None else self._pasts.of.get(chosen.group_id)
        return {} if chosen is None or past is None else detail(chosen, past, self._pasts, self.order)


def _check_open(cluster: Any) -> None:
    """Tell a cluster that is closed from one that does not answer."""
    try:
        cluster.state()
    except ClusterClosedError as error:
        raise ClusterGoneError from error
    except KitError:
        return


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
