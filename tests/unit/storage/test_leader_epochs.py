"""Leader epochs: KIP-101 and KIP-279 by their own examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.storage import Log, LogConfig
from kit.broker.storage.epochs import LeaderEpochs
from kit.broker.storage.recovery import Opening
from kit.wire.errors import BrokerError, ErrorCode
from tests.support.logs import append_values, open_log


def epochs_of(directory: Path, *entries: tuple[int, int]) -> LeaderEpochs:
    """A cache with these (epoch, start offset) entries."""
    epochs = LeaderEpochs(directory)
    for epoch, start_offset in entries:
        assert epochs.assign(epoch, start_offset)
    return epochs


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (-1, (-1, -1)),  # no epoch: nothing can be said
        (1, (1, 0)),  # before the first one known: where the first one starts
        (2, (2, 10)),
        (3, (2, 10)),  # between two: the lower one, and where it ended
        (5, (5, 25)),
        (7, (7, 40)),  # the latest: ends where the log ends
        (8, (-1, -1)),  # later than anything known
    ],
)
def test_end_offset_for_follows_kip_279(tmp_path: Path, asked: int, expected: tuple[int, int]) -> None:
    """The largest known epoch up to the one asked for, and where the next one starts."""
    epochs = epochs_of(tmp_path, (2, 0), (5, 10), (7, 25))

    assert epochs.end_offset_for(asked, log_end_offset=40) == expected


def test_end_offset_for_knows_nothing_of_an_empty_log(tmp_path: Path) -> None:
    """No epochs, no answer."""
    assert epochs_of(tmp_path).end_offset_for(0, log_end_offset=0) == (-1, -1)


@pytest.mark.parametrize(("offset", "epoch"), [(9, None), (10, 2), (19, 2), (20, 5), (99, 5)])
def test_at_names_the_epoch_of_an_offset(tmp_path: Path, offset: int, epoch: int | None) -> None:
    """An epoch reaches up to where the next one starts."""
    assert epochs_of(tmp_path, (2, 10), (5, 20)).at(offset) == epoch


def test_assign_replaces_what_it_contradicts(tmp_path: Path) -> None:
    """A batch proves its epoch; entries at or above its offset or epoch cannot be right."""
    epochs = epochs_of(tmp_path, (1, 0), (3, 10), (4, 20))

    epochs.assign(6, 10)

    assert epochs.entries() == [(1, 0), (6, 10)]


def test_truncate_from_start_keeps_the_epoch_of_the_new_start(tmp_path: Path) -> None:
    """The first entry starts where the log starts."""
    epochs = epochs_of(tmp_path, (1, 0), (3, 10), (4, 20))

    assert epochs.truncate_from_start(15)
    assert not epochs.truncate_from_start(15)

    assert epochs.entries() == [(3, 15), (4, 20)]


def test_log_writes_each_new_epoch_to_its_checkpoint(tmp_path: Path) -> None:
    """The file is Kafka's text format, and there before the epoch's first batch."""
    log = open_log(tmp_path / "t-0")
    for epoch in (0, 0, 3):
        append_values(log, b"a", leader_epoch=epoch)

    assert (tmp_path / "t-0" / "leader-epoch-checkpoint").read_text() == "0\n2\n0 0\n3 2\n"
    assert (log.latest_epoch, log.end_offset_for_epoch(1), log.epoch_at(1)) == (3, (0, 2), 0)


def test_log_appends_nothing_when_a_new_epoch_cannot_be_saved(tmp_path: Path) -> None:
    """The checkpoint must not be behind the log."""
    log = open_log(tmp_path / "t-0")
    (tmp_path / "t-0" / "leader-epoch-checkpoint.tmp").mkdir()

    with pytest.raises(BrokerError, match="leader-epoch-checkpoint") as caught:
        append_values(log, b"a")

    assert caught.value.code == ErrorCode.KAFKA_STORAGE_ERROR
    assert log.size_bytes == 0


def test_recovery_keeps_older_epochs_when_it_checks_from_the_middle(tmp_path: Path) -> None:
    """Epochs below the recovery point are believed, later ones come from the batches."""
    log = open_log(tmp_path / "t-0")
    for epoch in (2, 2, 2, 5, 5):
        append_values(log, b"a", leader_epoch=epoch)

    again = Log(tmp_path / "t-0", config=LogConfig(), clock=VirtualClock(), opening=Opening(recovery_point=2))

    assert again.leader_epochs.entries() == [(2, 0), (5, 3)]
