"""The small text files: golden content, damage, round trips."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.storage import checkpoints


def test_offsets_are_written_as_kafka_writes_them(tmp_path: Path) -> None:
    """Version, number of lines, then topic, partition and offset; a topic's name may have dashes."""
    path = tmp_path / checkpoints.RECOVERY_POINTS

    checkpoints.write_offsets(path, {"plays-0": 7, "a-b-12": 1 << 40})

    assert path.read_text() == "0\n2\na-b 12 1099511627776\nplays 0 7\n"
    assert checkpoints.read_offsets(path) == {"plays-0": 7, "a-b-12": 1 << 40}


def test_offsets_are_empty_without_a_file(tmp_path: Path) -> None:
    """A new broker has none."""
    assert checkpoints.read_offsets(tmp_path / "absent") == {}


@pytest.mark.parametrize(
    "content", [b"", b"1\n0\n", b"0\n2\nt 0 5\n", b"0\n1\nt 0\n", b"0\n1\nt zero 5\n", b"0\nmany\n", b"\xff\xfe0"]
)
def test_offsets_refuse_a_damaged_file_by_name(tmp_path: Path, content: bytes) -> None:
    """Half a checkpoint is worse than none."""
    path = tmp_path / "recovery-point-offset-checkpoint"
    path.write_bytes(content)

    with pytest.raises(checkpoints.BadCheckpoint, match="recovery-point-offset-checkpoint"):
        checkpoints.read_offsets(path)


@pytest.mark.parametrize("content", [b"0\n2\n1 5\n1 6\n", b"0\n2\n1 5\n2 4\n", b"0\n1\n1\n"])
def test_epochs_refuse_what_does_not_ascend(tmp_path: Path, content: bytes) -> None:
    """Epochs and start offsets only grow."""
    path = tmp_path / "leader-epoch-checkpoint"
    path.write_bytes(content)

    with pytest.raises(checkpoints.BadCheckpoint):
        checkpoints.read_epochs(path)


@given(
    offsets=st.dictionaries(
        st.from_regex(r"\A[a-zA-Z0-9._-]{1,20}-[0-9]{1,3}\Z").map(
            lambda name: f"{name.rpartition('-')[0]}-{int(name.rpartition('-')[2])}"
        ),
        st.integers(0, 2**62),
    )
)
def test_offsets_round_trip(tmp_path_factory: pytest.TempPathFactory, offsets: dict[str, int]) -> None:
    """Any partition name, any offset."""
    path = tmp_path_factory.mktemp("checkpoint") / "offsets"

    checkpoints.write_offsets(path, offsets)

    assert checkpoints.read_offsets(path) == offsets


def test_topic_id_is_written_as_kafka_writes_it(tmp_path: Path) -> None:
    """base64url without padding."""
    checkpoints.claim_topic_id(tmp_path, uuid.UUID("6f1b0a5e-93cc-4f7f-8d21-fbfe3e1a2c4d"))

    expected = "version: 0\ntopic_id: bxsKXpPMT3-NIfv-PhosTQ\n"
    assert (tmp_path / "partition.metadata").read_text() == expected


def test_topic_id_is_unknown_when_the_file_is_damaged(tmp_path: Path) -> None:
    """Then it is written anew."""
    (tmp_path / "partition.metadata").write_text("version: 0\ntopic_id: x\n")

    assert checkpoints.read_topic_id(tmp_path) is None


def test_clean_shutdown_marker_counts_once(tmp_path: Path) -> None:
    """The content is Kafka's JSON; reading it takes it away."""
    checkpoints.write_clean_shutdown(tmp_path, broker_epoch=12)

    assert (tmp_path / ".kafka_cleanshutdown").read_text() == '{"version":0,"brokerEpoch":12}'
    assert checkpoints.take_clean_shutdown(tmp_path) == 12
    assert checkpoints.take_clean_shutdown(tmp_path) is None
