"""Settings on the command line: pairs, files, and librdkafka's names for kafka-python's settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from kafka.partitioner import DefaultPartitioner

from kit.practice.configurations import CONSUMER, PRODUCER, client_pairs, client_settings, read_pairs
from kit.practice.errors import CliError
from kit.practice.partitioners import partitioner


def test_pairs_may_have_commas_and_equals_signs_in_their_values() -> None:
    """The flag's list is parted at commas; the last value of a name counts."""
    texts = ["cleanup.policy=compact", "delete", "a=b=c", "retention.ms=1", "retention.ms=2"]

    assert read_pairs(texts) == {"cleanup.policy": "compact,delete", "a": "b=c", "retention.ms": "2"}


def test_pairs_are_read_from_a_file(tmp_path: Path) -> None:
    """Comments and empty lines are passed over, and a backslash goes on in the next line."""
    path = tmp_path / "topic.config"
    path.write_text("# mine\n\nretention.ms = 1000\ncleanup.policy=compact,\\\ndelete\n")

    assert read_pairs([str(path)]) == {"retention.ms": "1000", "cleanup.policy": "compact,delete"}


@pytest.mark.parametrize("text", ["retention.ms", "/nowhere/topic.config", ""])
def test_pairs_without_an_equals_sign_are_refused(text: str) -> None:
    """The real CLI's words."""
    with pytest.raises(CliError, match=r'^failed to parse "key=value" pattern from configuration: '):
        read_pairs([text])


def test_client_pairs_come_from_a_json_file(tmp_path: Path) -> None:
    """One object; true and numbers are taken as text."""
    path = tmp_path / "producer.json"
    path.write_text('{"acks": "all", "linger.ms": 5, "enable.idempotence": true}')

    assert client_pairs((), str(path)) == {"acks": "all", "linger.ms": "5", "enable.idempotence": "true"}


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", None])
def test_client_pairs_of_a_bad_file_are_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    """The sentence names the file."""
    path = tmp_path / "producer.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(CliError, match=r"producer\.json"):
        client_pairs((), str(path))


def test_client_settings_have_kafka_pythons_names() -> None:
    """What the labs need, in librdkafka's names."""
    pairs = {"acks": "all", "linger.ms": "5", "compression.type": "none", "enable.idempotence": "false"}

    assert client_settings(PRODUCER, pairs, "producer") == {
        "acks": -1,
        "linger_ms": 5,
        "compression_type": None,
        "enable_idempotence": False,
    }
    assert client_settings(CONSUMER, {"auto.offset.reset": "smallest"}, "consumer") == {"auto_offset_reset": "earliest"}
    assigned = client_settings(CONSUMER, {"partition.assignment.strategy": "range, roundrobin"}, "consumer")
    assert [each.name for each in assigned["partition_assignment_strategy"]] == ["range", "roundrobin"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("nope", "1", 'failed to create producer: No such configuration property: "nope"'),
        ("linger.ms", "x", 'failed to create producer: Invalid value "x" for configuration property "linger.ms"'),
        ("linger.ms", "-1", 'Invalid value "-1"'),
        ("acks", "2", 'Invalid value "2"'),
        ("partitioner", "best", 'Invalid value "best"'),
    ],
)
def test_unknown_settings_and_values_are_refused(name: str, value: str, words: str) -> None:
    """The words are those of librdkafka."""
    with pytest.raises(CliError) as raised:
        client_settings(PRODUCER, {name: value}, "producer")

    assert words in raised.value.text


class FakeCluster:
    """Metadata of a topic with six partitions, one of them without a leader."""

    def topics(self) -> set[str]:
        """The only topic."""
        return {"orders"}

    def partitions_for_topic(self, topic: str) -> set[int]:
        """All partitions."""
        return set(range(6)) if topic == "orders" else set()

    def available_partitions_for_topic(self, _topic: str) -> set[int]:
        """Those with a leader."""
        return set(range(5))


def _partition(name: str, key: bytes | None) -> int:
    return partitioner(name).partition("orders", key, key, b"v", b"v", FakeCluster())


def test_default_partitioner_hashes_keys_with_crc32() -> None:
    """Facts of CRC32: its check value of "123456789" is cbf43926, and nothing gives 0."""
    assert _partition("consistent_random", b"123456789") == 0xCBF4_3926 % 6
    assert _partition("consistent", None) == 0


def test_murmur2_random_agrees_with_kafka_python() -> None:
    """The setting that makes the CLI choose what Java and kafka-python choose."""
    for key in (b"alice", b"bob", b"carol", b"dave", b"x" * 99):
        own = _partition("murmur2_random", key)
        assert own == DefaultPartitioner().partition("orders", key, key, b"v", b"v", FakeCluster())


def test_records_without_a_key_go_where_a_leader_is() -> None:
    """An empty key counts as none."""
    chosen = {_partition("consistent_random", key) for key in (None, b"") for _ in range(200)}

    assert chosen == set(range(5))
