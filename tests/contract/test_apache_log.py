"""A log that Apache Kafka wrote, opened by ours: after its clean shutdown, and as if it had crashed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError

from kit.broker.clock import VirtualClock
from kit.broker.storage import Log, LogConfig, LogDirectory
from kit.wire.records import read_header
from tests.support.logs import contents, files
from tests.support.ports import free_port
from tests.support.requirements import need
from tests.support.wait import wait_until

pytestmark = pytest.mark.slow

TOPIC = "from-apache"
CODECS = [None, "gzip", "snappy", "lz4", "zstd"]
START_MS = 1_700_000_000_000
CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"


def write_properties(folder: Path, port: int) -> Path:
    """One broker that is its own controller, with small segments."""
    controller_port = free_port()
    path = folder / "server.properties"
    path.write_text(
        "\n".join(
            [
                "process.roles=broker,controller",
                "node.id=1",
                f"controller.quorum.voters=1@127.0.0.1:{controller_port}",
                f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
                f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}",
                "controller.listener.names=CONTROLLER",
                f"log.dirs={folder / 'data'}",
                "log.segment.bytes=1048576",
                "log.message.timestamp.before.max.ms=9223372036854775807",
                "log.retention.ms=-1",
            ]
        )
    )
    return path


def produce(port: int) -> list[tuple[int, bytes]]:
    """Write with every codec, idempotently; (offset, value) as acknowledged, in the order of the offsets."""
    noise = random.Random(1)  # does not compress, so that there are several segments
    acknowledged = []
    for number, codec in enumerate(CODECS):
        producer = KafkaProducer(bootstrap_servers=f"127.0.0.1:{port}", compression_type=codec, linger_ms=5)
        values = [b"%d-%d-" % (number, each) + noise.randbytes(each * 37 % 9000) for each in range(200)]
        sent = [
            producer.send(TOPIC, value, partition=0, timestamp_ms=START_MS + 1000 * number + each)
            for each, value in enumerate(values)
        ]
        acknowledged += [(future.get(timeout=60).offset, value) for future, value in zip(sent, values, strict=True)]
        producer.close()
    return sorted(acknowledged)


def answers(port: int) -> bool:
    """Whether a client can connect."""
    try:
        KafkaProducer(bootstrap_servers=f"127.0.0.1:{port}").close()
    except KafkaError:
        return False
    return True


@pytest.fixture(scope="module")
def apache(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[int, bytes]]]:
    """Apache's log directory after a clean shutdown, and the records in it."""
    need("java")
    home = Path(need("kafka-distribution"))
    folder = tmp_path_factory.mktemp("apache")
    port = free_port()
    properties = write_properties(folder, port)
    storage = [str(home / "bin" / "kafka-storage.sh"), "format", "--cluster-id", CLUSTER_ID, "--config", properties]
    subprocess.run(storage, check=True, capture_output=True, timeout=100)
    with (folder / "log").open("w") as output:
        server = subprocess.Popen(
            [str(home / "bin" / "kafka-server-start.sh"), str(properties)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LOG_DIR": str(folder), "KAFKA_HEAP_OPTS": "-Xmx512m"},
        )
    try:
        wait_until(lambda: "Kafka Server started" in (folder / "log").read_text(), "Apache Kafka", timeout_s=100)
        wait_until(lambda: answers(port), "Apache Kafka's port", timeout_s=60)
        records = produce(port)
    finally:
        server.terminate()
        server.wait(timeout=60)
    return folder / "data", records


def check(log: Log, records: list[tuple[int, bytes]]) -> None:
    """The log has these records, can find them by time and knows the epoch and the producers."""
    assert contents(log) == records
    assert len(log.segments) > 1
    assert log.leader_epochs.entries() == [(0, 0)]
    assert len(log.producers) == len(CODECS)
    for offset, value in records[::17]:
        number, each = map(int, value.split(b"-", 2)[:2])
        found = log.offset_for_timestamp(START_MS + 1000 * number + each)
        assert found is not None
        assert found.offset == offset
    last_batch = [read_header(log.read(log.log_end_offset - 1, 1).read())]  # type: ignore[union-attr]
    assert log.producers.check(last_batch[0], log_start_offset=log.log_start_offset) is not None


@pytest.mark.parametrize("crashed", [False, True])
def test_our_log_opens_what_apache_wrote(
    tmp_path: Path, apache: tuple[Path, list[tuple[int, bytes]]], crashed: bool
) -> None:
    """Same offsets, values, timestamps, epochs and producers, with its indexes or, after a crash, without."""
    source, records = apache
    shutil.copytree(source, tmp_path / "data")
    if crashed:
        (tmp_path / "data" / ".kafka_cleanshutdown").unlink()
        for name in files(tmp_path / "data" / f"{TOPIC}-0", "index"):
            (tmp_path / "data" / f"{TOPIC}-0" / name).unlink()

    directory = LogDirectory(tmp_path / "data", clock=VirtualClock(START_MS))
    log = directory.open_log(f"{TOPIC}-0", LogConfig())

    assert directory.was_clean is not crashed
    assert directory.partitions()[f"{TOPIC}-0"] is not None
    assert directory.high_watermarks[f"{TOPIC}-0"] == len(records)
    check(log, records)
