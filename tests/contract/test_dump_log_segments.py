"""Our files before Apache's own reader, and Apache's files before ours."""

from __future__ import annotations

import re
import subprocess
import uuid
from pathlib import Path

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.storage import LogConfig, LogDirectory
from kit.wire.batch_builder import build_batch
from kit.wire.records import Header, Record
from tests.support.logs import START_MS, append, batch, contents, files
from tests.support.requirements import need

pytestmark = pytest.mark.slow

CONFIG = LogConfig(segment_bytes=12_000, index_interval_bytes=1000)
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
NUM_BATCHES = 120
# The tool counts from 0 in every file, so the first offset of a later segment surprises it, Apache's own too.
_FIRST_OFFSET = re.compile(r"Non-consecutive offsets in .*\n  -1 is followed by \d+\n")


@pytest.fixture(scope="module")
def our_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A partition of several segments with every codec, headers, idempotent producers and unordered timestamps."""
    directory = LogDirectory(tmp_path_factory.mktemp("ours"), clock=VirtualClock(START_MS))
    log = directory.open_log("plays-0", CONFIG)
    log.set_topic_id(uuid.uuid4())
    for number in range(NUM_BATCHES):
        at_ms = START_MS + 10 * (number ^ 5)
        records = [
            Record(0, at_ms + each, b"key-%d" % each, b"v" * 40 * each, (Header("h", None), Header("k", b"1")))
            for each in range(1 + number % 7)
        ]
        data = build_batch(
            records,
            compression=CODECS[number % 5],
            producer_id=number % 2,
            producer_epoch=3,
            base_sequence=sum(1 + each % 7 for each in range(number % 2, number, 2)),
        )
        append(log, data, leader_epoch=number // 50)
    assert len(log.segments) >= 3
    directory.close()
    return directory.directory / "plays-0"


def dump(*options: str | Path) -> str:
    """What ``kafka-dump-log.sh`` prints; it must not complain."""
    need("java")
    command = [Path(need("kafka-distribution")) / "bin" / "kafka-dump-log.sh", *options]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=100, check=False)
    complaints = _FIRST_OFFSET.sub("", done.stderr)
    assert (done.returncode, complaints) == (0, "")
    return done.stdout


def all_files(directory: Path, suffix: str) -> str:
    """The files as the tool wants them: in one argument, with commas."""
    return ",".join(str(directory / name) for name in files(directory, suffix))


def test_apache_reads_every_record_of_our_log(our_log: Path) -> None:
    """Deep iteration opens each batch; all are valid and the offsets have no gap."""
    printed = dump("--files", all_files(our_log, ".log"), "--deep-iteration")

    assert [int(offset) for offset in re.findall(r"^\| offset: (\d+)", printed, re.MULTILINE)] == list(
        range(sum(1 + number % 7 for number in range(NUM_BATCHES)))
    )
    assert re.findall(r"isvalid: (\w+)", printed) == ["true"] * NUM_BATCHES
    assert {int(epoch) for epoch in re.findall(r"partitionLeaderEpoch: (\d+)", printed)} == {0, 1, 2}


@pytest.mark.parametrize("option", ["--index-sanity-check", "--verify-index-only"])
def test_apache_accepts_our_indexes(our_log: Path, option: str) -> None:
    """Every offset index entry points at its batch, every time index entry has its batch's largest timestamp."""
    indexes = f"{all_files(our_log, '.index')},{all_files(our_log, '.timeindex')}"

    printed = dump("--files", indexes, option)

    assert printed.count("Dumping") == 2 * len(files(our_log, ".log"))
    if option == "--index-sanity-check":
        assert printed.count("passed sanity check") == printed.count("Dumping")


def test_apache_reads_our_producer_snapshot(our_log: Path) -> None:
    """The state of both producers as of the end of the log."""
    newest = our_log / files(our_log, ".snapshot")[-1]

    printed = dump("--files", newest)

    for producer_id in (0, 1):
        mine = [1 + number % 7 for number in range(producer_id, NUM_BATCHES, 2)]
        assert re.search(rf"producerId: {producer_id} producerEpoch: 3 .*lastSequence: {sum(mine) - 1} ", printed), (
            printed
        )


def test_our_log_opens_what_apache_reads_as_damaged(our_log: Path, tmp_path: Path) -> None:
    """After our recovery of a torn log Apache's reader finds nothing to complain of."""
    torn = tmp_path / "plays-0"
    torn.mkdir()
    source = our_log / files(our_log, ".log")[0]
    (torn / source.name).write_bytes(source.read_bytes()[:-7])
    directory = LogDirectory(tmp_path, clock=VirtualClock(START_MS))
    log = directory.open_log("plays-0", CONFIG)
    append(log, batch([b"after"]))
    directory.close()

    printed = dump("--files", all_files(torn, ".log"), "--deep-iteration")
    dump("--files", f"{all_files(torn, '.index')},{all_files(torn, '.timeindex')}", "--verify-index-only")

    assert re.findall(r"^\| offset: (\d+)", printed, re.MULTILINE)[-1] == str(log.log_end_offset - 1)
    assert contents(log)[-1] == (log.log_end_offset - 1, b"after")
