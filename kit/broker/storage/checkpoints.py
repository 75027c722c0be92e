"""The small text files beside the logs, in Kafka's formats.

A checkpoint file is three parts in text: the format's version, the number of entries, one entry per line. In a
broker's directory there are three that map partitions to offsets, and the marker of a clean shutdown; in a
partition's directory there are ``leader-epoch-checkpoint`` and ``partition.metadata``.
Source: Kafka's ``CheckpointFile``, ``CleanShutdownFileHandler``, ``PartitionMetadataFile``.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from kit.broker.storage.files import replace_file, storage_error
from kit.wire.errors import BrokerError, ErrorCode

LOG_START_OFFSETS = "log-start-offset-checkpoint"
RECOVERY_POINTS = "recovery-point-offset-checkpoint"
HIGH_WATERMARKS = "replication-offset-checkpoint"
LEADER_EPOCHS = "leader-epoch-checkpoint"
PARTITION_METADATA = "partition.metadata"
CLEAN_SHUTDOWN = ".kafka_cleanshutdown"
REGISTRATION = ".kit_registration"  # not Kafka's

_VERSION = 0


class BadCheckpoint(Exception):
    """A checkpoint file whose content is not what Kafka writes; the text says which file and what is wrong."""


def read_entries(path: Path) -> list[list[str]] | None:
    """The entries of a checkpoint file, each split into words; None when there is no file.

    Raises:
        BadCheckpoint: unreadable, another version, or not as many entries as it says.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BadCheckpoint(f"{path} cannot be read: {error}") from error
    if len(lines) < 2 or lines[0].strip() != str(_VERSION):
        raise BadCheckpoint(f"{path} does not start with version {_VERSION} and a number of entries")
    entries = [line.split() for line in lines[2:] if line.strip()]
    if lines[1].strip() != str(len(entries)):
        raise BadCheckpoint(f"{path} announces {lines[1].strip()!r} entries and has {len(entries)}")
    return entries


def write_entries(path: Path, entries: Iterable[Iterable[object]]) -> None:
    """Replace a checkpoint file."""
    lines = [" ".join(map(str, entry)) for entry in entries]
    replace_file(path, "\n".join([str(_VERSION), str(len(lines)), *lines, ""]).encode())


def read_offsets(path: Path) -> dict[str, int]:
    """Offsets by partition directory name ("topic-0"); empty when there is no file.

    Raises:
        BadCheckpoint: the file is damaged.
    """
    try:
        return {f"{topic}-{int(partition)}": int(offset) for topic, partition, offset in read_entries(path) or ()}
    except ValueError as error:
        raise BadCheckpoint(f"{path} has a line that is not 'topic partition offset': {error}") from error


def write_offsets(path: Path, offsets: Mapping[str, int]) -> None:
    """Replace a file of offsets by partition directory name."""
    write_entries(path, ((*name.rsplit("-", 1), offset) for name, offset in sorted(offsets.items())))


def read_epochs(path: Path) -> list[tuple[int, int]] | None:
    """(leader_epoch, start_offset) pairs, both ascending; None when there is no file.

    Raises:
        BadCheckpoint: the file is damaged.
    """
    entries = read_entries(path)
    if entries is None:
        return None
    try:
        epochs = [(int(epoch), int(start_offset)) for epoch, start_offset in entries]
    except ValueError as error:
        raise BadCheckpoint(f"{path} has a line that is not 'epoch start_offset': {error}") from error
    if any(lower[0] >= upper[0] or lower[1] > upper[1] for lower, upper in itertools.pairwise(epochs)):
        raise BadCheckpoint(f"{path} has epochs that do not ascend")
    return epochs


def read_topic_id(directory: Path) -> uuid.UUID | None:
    """The topic id in ``partition.metadata``; None when there is no (readable) file."""
    try:
        lines = (directory / PARTITION_METADATA).read_text(encoding="utf-8").splitlines()
        fields = dict(line.split(": ", 1) for line in lines if line.strip())
        return uuid.UUID(bytes=base64.urlsafe_b64decode(fields["topic_id"] + "=="))
    except (OSError, ValueError, KeyError, binascii.Error):
        return None


def claim_topic_id(directory: Path, topic_id: uuid.UUID) -> None:
    """Write ``partition.metadata`` unless it is there. Kafka writes ids as base64url without padding.

    Raises:
        BrokerError: INCONSISTENT_TOPIC_ID when the file has another id, KAFKA_STORAGE_ERROR when it cannot be written.
    """
    known = read_topic_id(directory)
    if known is None:
        text = base64.urlsafe_b64encode(topic_id.bytes).decode().rstrip("=")
        try:
            replace_file(directory / PARTITION_METADATA, f"version: {_VERSION}\ntopic_id: {text}\n".encode())
        except OSError as error:
            raise storage_error(f"cannot write to {directory}", error) from error
    elif known != topic_id:
        raise BrokerError(
            ErrorCode.INCONSISTENT_TOPIC_ID,
            f"{directory} holds the topic with id {known}, not {topic_id}; move that folder away",
        )


def write_clean_shutdown(directory: Path, broker_epoch: int) -> None:
    """Leave the marker that all logs below ``directory`` were closed properly (KIP-966 adds the epoch)."""
    content = json.dumps({"version": _VERSION, "brokerEpoch": broker_epoch}, separators=(",", ":"))
    replace_file(directory / CLEAN_SHUTDOWN, content.encode())


def take_clean_shutdown(directory: Path) -> int | None:
    """The broker epoch in the marker, -1 for one without; None when there is no marker.

    It is removed, so that it vouches for one shutdown only.
    """
    path = directory / CLEAN_SHUTDOWN
    try:
        content = path.read_text(encoding="utf-8", errors="replace")
        path.unlink()
    except FileNotFoundError:
        return None
    try:
        return int(json.loads(content)["brokerEpoch"])
    except (ValueError, KeyError, TypeError):
        return -1


def write_registration(directory: Path, broker_epoch: int, boot_id: str) -> None:
    """Note under which epoch a broker runs, and since which start of the machine."""
    replace_file(directory / REGISTRATION, json.dumps({"brokerEpoch": broker_epoch, "bootId": boot_id}).encode())


def read_registration(directory: Path) -> tuple[int, str] | None:
    """What `write_registration` noted last; None when there is nothing of the kind."""
    try:
        found = json.loads((directory / REGISTRATION).read_text(encoding="utf-8"))
        return int(found["brokerEpoch"]), str(found["bootId"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
