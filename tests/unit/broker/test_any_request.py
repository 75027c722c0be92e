"""Any request at all: it is answered or refused, and the broker goes on. Fresh clusters, so every failure repeats."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.broker import handlers
from kit.broker.auto_topics import ensure_internal_topic
from kit.broker.broker import InvalidRequest
from kit.wire import codec, schema
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.memory_cluster import METADATA, MemoryCluster, batch_of
from tests.support.wire_messages import INTEGERS, for_version

CLIENT_APIS = sorted(key for key, handler in handlers.load_all().items() if not handler.internal)
MAKES_PARTITIONS = {19, 37}
TOPIC_ID = uuid.UUID(int=42)
TOPIC, GROUP = "listens", "charts"

_batches = st.sampled_from(
    [
        batch_of(b"a", b"b"),
        batch_of(b"a" * 500, compression="gzip"),
        batch_of(b"a", producer_id=1, producer_epoch=0, base_sequence=0),
        batch_of(b"a", is_control=True),
        batch_of(b"a") + batch_of(b"b"),
        batch_of(b"a")[:-1],
    ]
).map(bytes)
_small = st.integers(-6, 6)
_scalars: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "float64": st.floats(allow_nan=False),
    "uuid": st.sampled_from([TOPIC_ID, TOPIC_ID, m.NULL_UUID, uuid.UUID(int=7)]),
    "string": st.sampled_from(
        [TOPIC, TOPIC, GROUP, GROUP, "", "plays", "__consumer_offsets", "1", "consumer", "range", "retention.ms", "ä/b"]
    ),
    "bytes": st.binary(max_size=20),
    "records": _batches | _batches | st.binary(max_size=80),
}


def requests(message: Any, struct: schema.Struct) -> st.SearchStrategy[Any]:
    """Requests that speak of things that exist, more often than not."""
    made = message if struct is message.SCHEMA else getattr(message, struct.name)
    return st.builds(made, **{field.name: _value(message, field) for field in struct.fields})


def _value(message: Any, field: schema.Field) -> st.SearchStrategy[Any]:
    if field.struct is not None:
        one = requests(message, field.struct)
    elif field.type in INTEGERS:
        low, high = INTEGERS[field.type]
        one = _small.filter(lambda number: number >= low) | st.sampled_from([low, high])
    else:
        one = _scalars[field.type]
    values = st.lists(one, max_size=3) if field.array else one
    return values | st.none() if field.nullable else values


@contextmanager
def fresh_cluster() -> Iterator[MemoryCluster]:
    """Two brokers; topic "listens" with an id that is known beforehand and two partitions, a batch in each."""
    with tempfile.TemporaryDirectory() as directory:
        cluster = MemoryCluster(Path(directory), brokers=2, offsets_topic_num_partitions=2)
        partitions = [
            m.PartitionRecord(
                partition_id=index,
                topic_id=TOPIC_ID,
                replicas=[index + 1],
                isr=[index + 1],
                leader=index + 1,
                leader_epoch=0,
                partition_epoch=0,
            )
            for index in range(2)
        ]
        cluster.commit(m.TopicRecord(name=TOPIC, topic_id=TOPIC_ID), *partitions)
        for index in range(2):
            assert cluster.produce_code(TOPIC, batch_of(b"a", b"b"), partition=index) is ErrorCode.NONE
        ensure_internal_topic(cluster.broker(), "__consumer_offsets")
        yield cluster
        cluster.close()


def check_in_order(cluster: MemoryCluster) -> None:
    """Both brokers answer as before."""
    for node_id in cluster.cluster.brokers:
        response = cluster.send(node_id, METADATA, 12, m.MetadataRequest(topics=None))
        assert [each.node_id for each in response.brokers] == [1, 2]


@pytest.mark.fuzz
@pytest.mark.parametrize("api_key", CLIENT_APIS, ids=lambda api_key: codec.api(api_key).name)
@settings(max_examples=25)
@given(data=st.data())
def test_any_request_is_answered(api_key: int, data: st.DataObject) -> None:
    """A request that fits its table gets an answer that fits its table, at once or later."""
    handler = handlers.load_all()[api_key]
    with fresh_cluster() as cluster:
        for _ in range(data.draw(st.integers(1, 3))):
            version = data.draw(st.integers(handler.min_version, handler.max_version))
            message_class = codec.api(api_key).request
            message = for_version(data.draw(requests(message_class, message_class.SCHEMA)), version)
            try:
                cluster.ask(data.draw(st.sampled_from([1, 2])), api_key, version, message)
            except InvalidRequest as error:
                assert "acks=0" in str(error)  # noqa: PT017 - only this one, and most requests are not refused
            cluster.clock.advance(data.draw(st.sampled_from([0, 10, 10_000])))
            check_in_order(cluster)


_frames = st.binary(max_size=60) | st.builds(
    lambda api_key, version, rest: api_key.to_bytes(2) + version.to_bytes(2, signed=True) + rest,
    st.sampled_from(CLIENT_APIS),
    st.integers(-1, 19),
    st.binary(max_size=100),
)


@pytest.mark.fuzz
@settings(max_examples=200)
@given(frames=st.lists(_frames, min_size=1, max_size=5))
def test_any_bytes_are_answered_or_refused(frames: list[bytes]) -> None:
    """`InvalidRequest` is the one way to say no."""
    with fresh_cluster() as cluster:
        for frame in frames:
            _deliver(cluster, frame)
        check_in_order(cluster)


@pytest.mark.fuzz
@settings(max_examples=250)
@given(data=st.data())
def test_any_damaged_request_is_answered_or_refused(data: st.DataObject) -> None:
    """A real request with bytes changed, taken out or put in, as a broken client would send it."""
    # A changed count could ask for thousands of partitions, which is allowed and only slow.
    api_key = data.draw(st.sampled_from([each for each in CLIENT_APIS if each not in MAKES_PARTITIONS]))
    handler = handlers.load_all()[api_key]
    version = data.draw(st.integers(handler.min_version, handler.max_version))
    message_class = codec.api(api_key).request
    message = for_version(data.draw(requests(message_class, message_class.SCHEMA)), version)
    frame = bytearray(codec.encode_request(api_key, version, 1, "tests", message)[4:])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(frame)))
        frame[start : start + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    with fresh_cluster() as cluster:
        _deliver(cluster, bytes(frame))
        cluster.clock.advance(1000)
        check_in_order(cluster)


def _deliver(cluster: MemoryCluster, frame: bytes) -> None:
    try:
        cluster.receive(1, frame)
    except InvalidRequest as error:
        assert str(error)  # noqa: PT017 - a reason for the log
