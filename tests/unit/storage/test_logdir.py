"""The directory of a broker's logs: restarts, checkpoints, deletion."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.storage import LogConfig, LogDirectory
from kit.broker.storage.volatile import VolatileDisk
from kit.wire.errors import BrokerError, ErrorCode
from tests.support.logs import START_MS, append_values, contents

pytestmark = pytest.mark.portable

CONFIG = LogConfig(segment_bytes=200, file_delete_delay_ms=1000)


def open_directory(path: Path, clock: VirtualClock | None = None) -> LogDirectory:
    """A broker's log directory."""
    return LogDirectory(path, clock=clock or VirtualClock(START_MS))


def test_clean_shutdown_is_noticed_once(tmp_path: Path) -> None:
    """The second start without a shutdown in between is one after a crash."""
    first = open_directory(tmp_path)
    append_values(first.open_log("t-0", CONFIG), b"a")
    first.close(broker_epoch=5)

    assert [open_directory(tmp_path).was_clean, open_directory(tmp_path).was_clean] == [True, False]


def test_epoch_of_the_last_broker_is_known_when_nothing_was_lost(tmp_path: Path) -> None:
    """After a clean shutdown and after a crash; not when the power was lost, even if nothing was registered since."""
    disk = VolatileDisk()

    def restart() -> LogDirectory:
        return LogDirectory(tmp_path, clock=VirtualClock(START_MS), pool=disk)

    restart().close(broker_epoch=5)
    after_close = restart()
    after_close.note_registered(7)
    after_crash = restart()
    disk.lose_power(tmp_path)
    after_loss, after_loss_and_crash = restart(), restart()

    assert after_close.previous_broker_epoch == 5
    assert after_crash.previous_broker_epoch == 7
    assert [after_loss.previous_broker_epoch, after_loss_and_crash.previous_broker_epoch] == [-1, -1]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"brokerEpoch": "x", "bootId": ""}', b"\xff"])
def test_damaged_note_of_the_last_broker_is_none(tmp_path: Path, content: bytes) -> None:
    """Then it is taken for lost."""
    (tmp_path / ".kit_registration").write_bytes(content)

    assert LogDirectory(tmp_path, clock=VirtualClock(START_MS), pool=VolatileDisk()).previous_broker_epoch == -1


def test_unknown_boot_id_vouches_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not say whether the machine went on."""
    monkeypatch.setattr("kit.broker.storage.files.BOOT_ID", tmp_path / "missing")
    open_directory(tmp_path).note_registered(7)

    assert open_directory(tmp_path).previous_broker_epoch == -1


def test_records_and_log_start_offset_survive_any_restart(tmp_path: Path) -> None:
    """DeleteRecords in the middle of a segment is remembered, after a crash too."""
    for close in (False, True, False):
        directory = open_directory(tmp_path)
        log = directory.open_log("t-0", CONFIG)
        append_values(log, *[b"x"] * 3)
        log.delete_records_before(log.log_end_offset - 1)
        expected = contents(log)
        if close:
            directory.close()

        log = open_directory(tmp_path).open_log("t-0", CONFIG)

        assert len(expected) == 1
        assert contents(log) == expected


def test_clean_start_does_not_read_the_batches(tmp_path: Path) -> None:
    """A damaged byte that nobody reads goes unnoticed: that is what the marker is for."""
    first = open_directory(tmp_path)
    append_values(first.open_log("t-0", CONFIG), b"a")
    first.close()
    path = tmp_path / "t-0" / "00000000000000000000.log"
    path.write_bytes(path.read_bytes()[:-1] + b"?")

    assert open_directory(tmp_path).open_log("t-0", CONFIG).log_end_offset == 1
    assert open_directory(tmp_path).open_log("t-0", CONFIG).log_end_offset == 0


def test_checkpoint_writes_recovery_points_of_closed_segments(tmp_path: Path) -> None:
    """Files in Kafka's format; what was closed since the last checkpoint, and the active segment, wait for the next."""
    directory = open_directory(tmp_path)
    log = directory.open_log("plays-3", CONFIG)
    for value in (b"a" * 100, b"b" * 100, b"c" * 100):
        append_values(log, value)
    directory.high_watermarks["plays-3"] = 2

    directory.checkpoint()

    assert (tmp_path / "recovery-point-offset-checkpoint").read_text() == "0\n1\nplays 3 0\n"

    directory.checkpoint()

    assert (tmp_path / "recovery-point-offset-checkpoint").read_text() == "0\n1\nplays 3 2\n"
    assert (tmp_path / "replication-offset-checkpoint").read_text() == "0\n1\nplays 3 2\n"
    assert open_directory(tmp_path).high_watermarks == {"plays-3": 2}


def test_damaged_checkpoints_cost_nothing_but_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """They are named in the log and written again."""
    first = open_directory(tmp_path)
    append_values(first.open_log("t-0", CONFIG), b"a")
    first.close()
    for path in tmp_path.glob("*-checkpoint"):
        path.write_text("nonsense")

    with caplog.at_level(logging.WARNING):
        log = open_directory(tmp_path).open_log("t-0", CONFIG)

    assert contents(log) == [(0, b"a")]
    assert caplog.text.count("going on without it") == 3


def test_partitions_lists_folders_with_their_topic_ids(tmp_path: Path) -> None:
    """What a broker finds at its start; other folders are not partitions."""
    directory = open_directory(tmp_path)
    topic_id = uuid.uuid4()
    directory.open_log("a-b-10", CONFIG).set_topic_id(topic_id)
    directory.open_log("plain-0", CONFIG)
    (tmp_path / "notes").mkdir()

    assert directory.partitions() == {"a-b-10": topic_id, "plain-0": None}


def test_topic_id_of_another_topic_is_refused(tmp_path: Path) -> None:
    """A folder left over from a deleted topic must not give its records to a new one of the same name."""
    log = open_directory(tmp_path).open_log("t-0", CONFIG)
    log.set_topic_id(uuid.UUID(int=1))
    log.set_topic_id(uuid.UUID(int=1))

    with pytest.raises(BrokerError, match="move that folder away") as caught:
        log.set_topic_id(uuid.UUID(int=2))

    assert caught.value.code == ErrorCode.INCONSISTENT_TOPIC_ID


def test_deleted_log_can_be_created_again_at_once(tmp_path: Path) -> None:
    """The new one starts at offset 0 and inherits nothing."""
    directory = open_directory(tmp_path)
    log = directory.open_log("t-0", CONFIG)
    append_values(log, b"a", b"b")
    log.delete_records_before(1)

    directory.delete_log("t-0")
    again = directory.open_log("t-0", CONFIG)

    assert (again.log_start_offset, again.log_end_offset) == (0, 0)


def test_deleted_folders_that_a_crash_left_are_removed(tmp_path: Path) -> None:
    """At the next start, in the background of the first moments."""
    directory = open_directory(tmp_path)
    append_values(directory.open_log("t-0", CONFIG), b"a")
    directory.delete_log("t-0")
    clock = VirtualClock(START_MS)

    open_directory(tmp_path, clock)
    clock.advance(0)

    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_close_finishes_pending_deletions(tmp_path: Path) -> None:
    """Nothing that was given up is left on the disk."""
    directory = open_directory(tmp_path)
    append_values(directory.open_log("t-0", CONFIG), b"a")
    directory.delete_log("t-0")

    directory.close()

    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_unusable_directory_is_a_storage_error(tmp_path: Path) -> None:
    """The message has the path and says where to look."""
    (tmp_path / "file").write_text("")

    with pytest.raises(BrokerError, match=r"file.*permissions") as caught:
        open_directory(tmp_path / "file")

    assert caught.value.code == ErrorCode.KAFKA_STORAGE_ERROR
