"""The log inspector: a partition's files, from the segments down to the bytes of one batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import anywidget
import traitlets

from kit.errors import ArgumentError
from kit.lessons import log_files
from kit.lessons.log_files import Lookup, PlacedBatch, SegmentFiles
from kit.widgets._assets import script, style
from kit.widgets._background import Background, ClusterLike, Link

_LOOK_S = 1.0
_PAGE_BATCHES = 20
_MOST_SEGMENTS = 60
_MOST_TICKS = 200
_SHOWN_BYTES = 256
_MOST_HOPS_SHOWN = 1_000_000
_GONE = (
    "This file is not there any more. Retention may have removed it, or the cluster is closed and its files with it."
)


class HasFiles(ClusterLike, Protocol):
    """A cluster that may keep its logs on this computer."""

    @property
    def data_dir(self) -> str | None:
        """The folder of the brokers' logs; None when they are elsewhere."""


class LogInspector(anywidget.AnyWidget):
    """One partition as it lies on disk: its segments, the batches in one, the bytes of one, and the way to an offset.

    It opens the files that the brokers write, and reads only what it shows. Clusters whose files are elsewhere
    (`kit.connect`, containers) get a sentence instead.

    Args:
        cluster: whose files; it may be closed under the widget, which then says so.
        topic: may be created later.
        partition: of the topic.
    """

    _esm = script("log_inspector")
    _css = style("log_inspector")

    title = traitlets.Unicode().tag(sync=True)
    # Each is one piece, so that what is shown is never half new.
    overview = traitlets.Dict().tag(sync=True)
    page = traitlets.Dict().tag(sync=True)
    batch = traitlets.Dict().tag(sync=True)
    found = traitlets.Dict().tag(sync=True)
    # Counts what the browser asked and got an answer to, even if nothing that is shown has changed by it.
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(self, cluster: HasFiles, topic: str, partition: int = 0) -> None:
        super().__init__(title=f"Files of {topic}-{partition}", overview=_overview({}, None, "Looking for the files …"))
        self._topic, self._partition = topic, partition
        self._data_dir = cluster.data_dir
        self._broker: str | None = None
        self._link = Link(cluster)
        self.on_msg(self._received)
        self._background = Background(self._run, self._failed, self._link, name=f"log inspector of {topic}")

    @property
    def alive(self) -> bool:
        """Whether it still looks."""
        return self._background.alive

    def close(self) -> None:
        """Look no longer, and remove the widget."""
        self._background.stop()
        super().close()

    def find(self, offset: int) -> Lookup | None:
        """Show the way to an offset, as the form does; gives it back, None when there is no such file.

        Raises:
            ArgumentError: this is no offset.
        """
        if not _is_offset(offset):
            raise ArgumentError(f"{offset!r} is no offset: give a whole number, 0 or more.")
        return self._find(offset)

    # -- looking ---------------------------------------------------------------------------------------------------

    def _run(self, background: Background) -> None:
        self._look()
        while background.goes_on(_LOOK_S):
            self._look()

    def _look(self) -> None:
        folders = self._folders()
        if not folders:
            status = (
                "The brokers' files are not on this computer: they can be looked at with kit.start() only."
                if self._data_dir is None
                else f"There is no {self._topic}-{self._partition} yet. Create the topic and its files appear here."
            )
            self._show_overview(_overview({}, None, status))
            return
        if self._broker not in folders:
            self._broker = next(iter(folders))
        self._show_overview(_overview(folders, self._broker, "", log_files.segments(folders[self._broker])))

    def _show_overview(self, overview: dict[str, Any]) -> None:
        if overview != self.overview:
            self.overview = overview

    def _failed(self, reason: str) -> None:
        self.overview = {**self.overview, "trouble": f"The inspector has stopped. {reason}"}

    def _folders(self) -> dict[str, Path]:
        """The broker's number to its folder of the partition."""
        if self._data_dir is None:
            return {}
        found = Path(self._data_dir).glob(f"broker-*/{self._topic}-{self._partition}")
        return {path.parent.name.removeprefix("broker-"): path for path in sorted(found)}

    def _segment(self, base_offset: object) -> SegmentFiles | None:
        folder = self._folders().get(self._broker or "")
        found = [each for each in log_files.segments(folder) if each.base_offset == base_offset] if folder else []
        return found[0] if found else None

    # -- what the browser asks -------------------------------------------------------------------------------------

    def _received(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if not isinstance(message, Mapping):
            return
        actions: dict[str, Callable[[Mapping[str, Any]], object]] = {
            "broker": self._choose_broker, "segment": self._open_segment, "batch": self._open_batch,
            "find": lambda wish: self._find(wish["offset"]),
        }  # fmt: skip
        action = actions.get(str(message.get("type")))
        try:
            if action is not None:
                action(message)
        except (OSError, KeyError, ValueError) as error:  # retention may take a file away at any time
            self._cannot(f"That cannot be read any more: {error}. Choose again.")
        self.answered += 1

    def _cannot(self, sentence: str) -> None:
        """Say why there is no answer, and show nothing that could be taken for one."""
        self.page, self.batch = {}, {}
        self.found = {"steps": [sentence], "at": time.time()}

    def _choose_broker(self, wish: Mapping[str, Any]) -> None:
        self._broker = str(wish["broker"])
        self.page, self.batch, self.found = {}, {}, {}
        if self.alive:
            self._look()
        else:
            self._cannot(_GONE)

    def _open_segment(self, wish: Mapping[str, Any]) -> None:
        segment = self._segment(wish["base_offset"])
        if segment is None:
            self._cannot(_GONE)
            return
        position = wish.get("position", 0)
        indexed = {entry.position for entry in log_files.offset_index(segment)}
        batches = list(islice(log_files.batches(segment, position), _PAGE_BATCHES + 1))
        rest = batches[_PAGE_BATCHES:]
        self.page = {
            "base_offset": segment.base_offset,
            "name": segment.path.name,
            "position": position,
            "rows": [{**_row(batch), "indexed": batch.position in indexed} for batch in batches[:_PAGE_BATCHES]],
            "next": rest[0].position if rest else None,
        }

    def _open_batch(self, wish: Mapping[str, Any]) -> None:
        segment = self._segment(wish["base_offset"])
        if segment is None:
            self._cannot(_GONE)
        else:
            self.batch = _opened(segment, wish["position"])

    def _find(self, offset: int) -> Lookup | None:
        folder = self._folders().get(self._broker or "")
        if folder is None:
            self._cannot(_GONE)
            return None
        try:
            lookup = log_files.look_up(folder, offset)
        except LookupError as error:
            self._cannot(str(error))
            return None
        self.found = {"steps": steps_of(lookup, offset), "at": time.time()}
        if lookup.found is not None:
            place = {"base_offset": lookup.segment.base_offset, "position": lookup.found.position}
            # From the index entry on, if they fit: so the way from header to header can be seen.
            first = lookup.entry.position if lookup.entry else 0
            self._open_segment({**place, "position": first} if lookup.hops <= _PAGE_BATCHES else place)
            self._open_batch(place)
        return lookup


def steps_of(lookup: Lookup, offset: int) -> list[str]:
    """The way to an offset, a sentence for each step."""
    segment = lookup.segment
    steps = [f"{segment.path.name} is the last file whose name is not above {offset:,}: names are first offsets."]
    if lookup.entry is None and not segment.index_bytes:
        steps.append("Its index is not in a file yet, the broker keeps it in memory while it writes: begin at byte 0.")
    elif lookup.entry is None:
        steps.append("Its index has no entry before that: begin at byte 0.")
    else:
        steps.append(
            f"Its index: the batch that ends with offset {lookup.entry.offset:,} begins at byte "
            f"{lookup.entry.position:,}. Nothing before it is read."
        )
    read = f"{min(lookup.hops, _MOST_HOPS_SHOWN):,} {'header' if lookup.hops == 1 else 'headers'} of 61 bytes"
    if lookup.found is None:
        return [*steps, f"{read} read, and the log ends: there is no offset {offset:,} yet."]
    header = lookup.found.header
    offsets = f"{header.base_offset:,} to {header.last_offset:,}"
    where = f"the batch at byte {lookup.found.position:,} holds the offsets {offsets}"
    return [*steps, f"{read} read of {segment.log_bytes:,} bytes in the file: {where}."]


def _is_offset(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _overview(
    folders: Mapping[str, Path], broker: str | None, status: str, segments: list[SegmentFiles] | None = None
) -> dict[str, Any]:
    newest = (segments or [])[-_MOST_SEGMENTS:]
    return {
        "status": status,
        "trouble": "",
        "brokers": list(folders),
        "broker": broker,
        "left_out": len(segments or []) - len(newest),
        "segments": [
            {
                "base_offset": each.base_offset,
                "name": each.path.name,
                "log_bytes": each.log_bytes,
                "index_bytes": each.index_bytes,
                "timeindex_bytes": each.timeindex_bytes,
                "ticks": [entry.position for entry in log_files.offset_index(each)][:_MOST_TICKS],
            }
            for each in newest
        ],
    }


def _row(batch: PlacedBatch) -> dict[str, Any]:
    header = batch.header
    return {
        "position": batch.position,
        "first": header.base_offset,
        "last": header.last_offset,
        "records": header.records_count,
        "size_bytes": header.size_bytes,
        "compression": header.compression,
        "leader_epoch": header.partition_leader_epoch,
    }


def _opened(segment: SegmentFiles, position: int) -> dict[str, Any]:
    data = log_files.batch_bytes(segment, position)
    return {
        "name": segment.path.name,
        "position": position,
        "size_bytes": len(data),
        "hex": data[:_SHOWN_BYTES].hex(),
        "parts": [part._asdict() for part in log_files.anatomy(data)],
    }
