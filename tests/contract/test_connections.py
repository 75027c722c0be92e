"""What is said before anything else, and what ends a connection."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.contract.talk import Talk, batch
from tests.support.raw_client import ConnectionClosed

Differs = Callable[..., Any]
_API_VERSIONS = 18
# By API: the first and last version of Apache Kafka 4.3.
APACHE: dict[int, tuple[int, int]] = {
    0: (0, 13), 1: (4, 18), 2: (1, 11), 3: (0, 13), 8: (2, 10), 9: (1, 10), 10: (0, 6), 11: (0, 9),
    12: (0, 4), 13: (0, 5), 14: (0, 5), 15: (0, 6), 16: (0, 5), 17: (0, 1), 18: (0, 4), 19: (2, 7),
    20: (1, 6), 21: (0, 2), 22: (0, 5), 23: (2, 4), 24: (0, 5), 25: (0, 4), 26: (0, 5), 27: (1, 2),
    28: (0, 5), 29: (1, 3), 30: (1, 3), 31: (1, 3), 32: (1, 4), 33: (0, 2), 34: (1, 2), 35: (1, 5),
    36: (0, 2), 37: (0, 3), 38: (1, 3), 39: (1, 2), 40: (1, 2), 41: (1, 3), 42: (0, 2), 43: (0, 2),
    44: (0, 1), 45: (0, 1), 46: (0, 0), 47: (0, 0), 48: (0, 1), 49: (0, 1), 50: (0, 0), 51: (0, 0),
    55: (0, 2), 57: (0, 2), 60: (0, 2), 61: (0, 0), 64: (0, 0), 65: (0, 0), 66: (0, 2), 68: (0, 1),
    69: (0, 1), 74: (0, 1), 75: (0, 0), 76: (1, 1), 77: (1, 1), 78: (1, 2), 79: (1, 2), 80: (0, 1),
    81: (0, 0), 83: (0, 0), 84: (0, 0), 85: (0, 1), 86: (0, 0), 87: (0, 1), 88: (0, 0), 89: (0, 0),
    90: (0, 1), 91: (0, 0), 92: (0, 0),
}  # fmt: skip
# What Apache Kafka 4.3 offers and the embedded broker does not; each is in the last list of differences.md.
NOT_THERE_YET = {
    "Transactions": {24, 25, 26, 27, 28, 65, 66},
    "KIP-848 groups": {68, 69},
    "Streams groups": {88, 89},
    "Share groups": {76, 77, 78, 79, 83, 84, 85, 86, 87, 90, 91, 92},
    "ACLs": {29, 30, 31},
    "Quotas": {48, 49},
    "Delegation tokens": {38, 39, 40, 41},
    "Credentials over the protocol": {50, 51},
    "Log directories to choose from": {34},
    "Features": {57},
    "DescribeProducers": {61},
    "UnregisterBroker": {64},
    "Voters": {80, 81},
}


def versions(talk: Talk, version: int | None = 4) -> Any:
    """What a broker says that it can."""
    return talk.ask(m.ApiVersionsRequest(client_software_name="x", client_software_version="1"), None, version)


def test_offered_versions_are_those_of_this_kafka(talk: Talk, differs: Differs) -> None:
    """ApiVersions: each API with the same range of versions; what the embedded broker lacks it does not offer."""
    offered = {each.api_key: (each.min_version, each.max_version) for each in versions(talk).api_keys}
    lacking = set().union(*(differs(name, apache=set(), embedded=keys) for name, keys in NOT_THERE_YET.items()))

    assert set(offered) == set(APACHE) - lacking
    assert offered == {key: APACHE[key] for key in offered}


def test_newer_client_is_answered_in_version_0(talk: Talk) -> None:
    """A client that asks in a version of ApiVersions that the broker does not know must understand the answer."""
    with talk.connect() as client:
        client.send_bytes(struct.pack(">ihhihb", 11, _API_VERSIONS, 99, 7, -1, 0))
        correlation_id, answer = codec.decode_response(_API_VERSIONS, 0, memoryview(client.receive_frame()))

    assert (correlation_id, answer.error_code) == (7, ErrorCode.UNSUPPORTED_VERSION)
    assert [(each.api_key, each.max_version) for each in answer.api_keys if each.api_key == _API_VERSIONS] == [(18, 4)]


@pytest.mark.parametrize(("name", "version"), [("", "1"), ("x", ""), ("a b", "1"), ("-x", "1"), ("x", "1/2")])
def test_software_name_that_metrics_could_not_show_is_refused(talk: Talk, name: str, version: str) -> None:
    """KIP-511: letters, digits, dots and hyphens, a letter or digit at both ends."""
    answer = talk.ask(m.ApiVersionsRequest(client_software_name=name, client_software_version=version), None, 3)

    assert answer.error_code == ErrorCode.INVALID_REQUEST


def frame(api_key: int, api_version: int, body: bytes = b"") -> bytes:
    """A request frame."""
    return struct.pack(">ihhih", 10 + len(body), api_key, api_version, 1, -1) + body


NONSENSE = {
    "unknown API": frame(999, 0),
    "version that is gone": frame(0, 2),
    "version to come": frame(3, 99),
    "API of other brokers": frame(56, 2),
    "API of controllers": frame(52, 0),
    "negative size": struct.pack(">i", -1),
    "size of 2 GiB": struct.pack(">i", 2**31 - 1),
    "size of 200 MiB": struct.pack(">i", 200 << 20),
    "body cut off": frame(3, 1, b"\0\0"),
    "another protocol": b"GET / HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_closes_the_connection(talk: Talk, data: bytes) -> None:
    """Where no answer could be understood there is none; other connections do not notice."""
    with talk.connect() as client:
        client.send_bytes(data)
        with pytest.raises(ConnectionClosed):
            client.receive_frame()
    assert versions(talk).error_code == ErrorCode.NONE


def test_answers_come_in_the_order_of_requests(talk: Talk, topic: str) -> None:
    """A client may send before it has the answers; a slow request holds up what is behind it on its connection."""
    with talk.connect(talk.leader(topic)) as client:
        client.send(talk.fetch_request(topic, 0, min_bytes=1, max_wait_ms=200), 12)
        for _ in range(5):
            client.send(talk.produce_request(topic, batch(b"x")), 12)
        client.send(m.MetadataRequest(topics=[]))
        fetched = client.receive()
        offsets = [client.receive().responses[0].partition_responses[0].base_offset for _ in range(5)]
        assert client.receive().cluster_id

    assert fetched.responses[0].partitions[0].high_watermark == 0
    assert offsets == [0, 1, 2, 3, 4]


def test_bytes_behind_a_request_are_passed_over(talk: Talk) -> None:
    """As librdkafka sends some after a request for the Metadata of all topics."""
    with talk.connect() as client:
        data = codec.encode_request(3, 1, 9, "x", m.MetadataRequest(topics=[])) + b"\0\0\0"
        client.send_bytes(struct.pack(">i", len(data) - 4) + data[4:])

        assert codec.decode_response(3, 1, memoryview(client.receive_frame()))[0] == 9
