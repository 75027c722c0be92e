"""From a frame to a handler: what is served, what is advertised, what ends the connection."""

from __future__ import annotations

import struct

import pytest

from kit.broker import handlers
from kit.broker.broker import InvalidRequest
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.memory_cluster import METADATA, PRODUCE, MemoryCluster

API_VERSIONS = 18
SERVED = sorted(handlers.load_all().items())
CLIENT_APIS = [(key, handler) for key, handler in SERVED if not handler.internal]
# What Apache Kafka 4.3 advertises, for the APIs that are served here or may be one day.
KAFKA_4_3 = {
    0: (0, 13), 1: (4, 18), 2: (1, 11), 3: (0, 13), 8: (2, 10), 9: (1, 10), 10: (0, 6), 11: (0, 9), 12: (0, 4),
    13: (0, 5), 14: (0, 5), 15: (0, 6), 16: (0, 5), 17: (0, 1), 18: (0, 4), 19: (2, 7), 20: (1, 6), 21: (0, 2),
    22: (0, 5), 23: (2, 4), 24: (0, 5), 25: (0, 4), 26: (0, 5), 27: (1, 2), 28: (0, 5), 29: (1, 3), 30: (1, 3),
    31: (1, 3), 32: (1, 4), 33: (0, 2), 34: (1, 2), 35: (1, 5), 36: (0, 2), 37: (0, 3), 42: (0, 2), 43: (0, 2),
    44: (0, 1), 45: (0, 1), 46: (0, 0), 47: (0, 0), 48: (0, 1), 49: (0, 1), 50: (0, 0), 51: (0, 0), 55: (0, 2),
    57: (0, 2), 60: (0, 2), 61: (0, 0), 64: (0, 0), 65: (0, 0), 66: (0, 2), 68: (0, 1), 69: (0, 1), 74: (0, 1),
    75: (0, 0),
}  # fmt: skip


def frame(api_key: int, api_version: int, body: bytes = b"") -> bytes:
    """A request frame without its size: header version 1 without a client id, and a body."""
    return struct.pack(">hhih", api_key, api_version, 7, -1) + body


def api_versions(cluster: MemoryCluster, version: int) -> m.ApiVersionsResponse:
    """Ask with a well-formed request."""
    request = m.ApiVersionsRequest(client_software_name="tests", client_software_version="1.0")
    response = cluster.send(1, API_VERSIONS, version, request)
    assert isinstance(response, m.ApiVersionsResponse)
    return response


@pytest.mark.parametrize("version", range(5))
def test_api_versions_advertises_kafkas_own_table(cluster: MemoryCluster, version: int) -> None:
    """Each API that is served is served in every version of Kafka 4.3, and nothing else is advertised."""
    response = api_versions(cluster, version)

    assert response.error_code == ErrorCode.NONE
    assert {each.api_key: (each.min_version, each.max_version) for each in response.api_keys} == {
        api_key: KAFKA_4_3[api_key] for api_key, _ in CLIENT_APIS
    }


@pytest.mark.parametrize("version", [5, 99, 32767, -1])
@pytest.mark.parametrize("body", [b"", b"\xff\xff\xff"], ids=["empty", "unreadable"])
def test_api_versions_of_an_unknown_version_is_answered_in_version_0(
    cluster: MemoryCluster, version: int, body: bytes
) -> None:
    """With the error and with the table, so that a newer client can fall back (KIP-511)."""
    reply = cluster.receive(1, frame(API_VERSIONS, version, body)).value

    assert reply is not None
    correlation_id, response = codec.decode_response(API_VERSIONS, 0, memoryview(reply)[4:])
    assert (correlation_id, response.error_code) == (7, ErrorCode.UNSUPPORTED_VERSION)
    assert [each.api_key for each in response.api_keys] == [api_key for api_key, _ in CLIENT_APIS]


@pytest.mark.parametrize(
    ("name", "version"),
    [("", "1"), ("tests", ""), ("-tests", "1"), ("te sts", "1"), ("tests", "1.0."), ("tests\n", "1")],
)
def test_api_versions_checks_who_asks(cluster: MemoryCluster, name: str, version: str) -> None:
    """The names end up in metrics, so they are letters, digits, dots and dashes (KIP-511)."""
    request = m.ApiVersionsRequest(client_software_name=name, client_software_version=version)

    response = cluster.send(1, API_VERSIONS, 4, request)

    assert (response.error_code, response.api_keys) == (ErrorCode.INVALID_REQUEST, [])


def test_api_versions_before_version_3_does_not_know_who_asks(cluster: MemoryCluster) -> None:
    """The request has no fields there."""
    assert cluster.send(1, API_VERSIONS, 2, m.ApiVersionsRequest()).error_code == ErrorCode.NONE


@pytest.mark.parametrize("api_key", [-1, 4, 7, 52, 67, 93, 1000, 32767])
def test_unknown_api_ends_the_connection(cluster: MemoryCluster, api_key: int) -> None:
    """As in Kafka; inter-broker APIs are unknown to clients too."""
    with pytest.raises(InvalidRequest, match=f"API key {api_key} "):
        cluster.receive(1, frame(api_key, 0))


@pytest.mark.parametrize(("api_key", "handler"), [each for each in CLIENT_APIS if each[0] != API_VERSIONS])
def test_unknown_version_ends_the_connection(cluster: MemoryCluster, api_key: int, handler: handlers.Handler) -> None:
    """The reason names the API and what is served."""
    for version in (handler.min_version - 1, handler.max_version + 1, -32768, 32767):
        with pytest.raises(InvalidRequest, match=f"{codec.api(api_key).name} version {version} "):
            cluster.receive(1, frame(api_key, version))


@pytest.mark.parametrize("version", [0, 1, 2])
def test_old_produce_is_advertised_and_not_served(cluster: MemoryCluster, version: int) -> None:
    """Without the advertisement old librdkafka does not compress (KAFKA-18659)."""
    with pytest.raises(InvalidRequest, match="only 3 to 13"):
        cluster.receive(1, frame(PRODUCE, version))


@pytest.mark.parametrize("size_bytes", range(8))
def test_frame_too_short_for_a_header(cluster: MemoryCluster, size_bytes: int) -> None:
    """Seven bytes are not enough for key, version and correlation id."""
    with pytest.raises(InvalidRequest, match=f"{size_bytes} bytes"):
        cluster.receive(1, frame(METADATA, 0)[:size_bytes])


def test_every_truncation_of_a_request_is_refused(cluster: MemoryCluster) -> None:
    """Wherever the bytes end, the reason says which API they were for."""
    request = m.MetadataRequest(topics=[m.MetadataRequestTopic(name="listens")])
    whole = codec.encode_request(METADATA, 12, 1, "client", request)[4:]
    for size_bytes in range(8, len(whole)):
        with pytest.raises(InvalidRequest, match="Metadata v12"):
            cluster.receive(1, whole[:size_bytes])

    assert cluster.receive(1, whole).value is not None


def test_client_id_may_be_missing(cluster: MemoryCluster) -> None:
    """A null client id is no error."""
    assert cluster.receive(1, frame(METADATA, 0, struct.pack(">i", 0))).value is not None


@pytest.mark.parametrize(("api_key", "handler"), SERVED)
def test_handler_serves_versions_that_have_a_table(api_key: int, handler: handlers.Handler) -> None:
    """What is registered can be decoded and encoded."""
    api = codec.api(api_key)

    assert api.min_version <= handler.min_version <= handler.max_version <= api.max_version


def test_api_has_one_handler() -> None:
    """A second file for the same API is a mistake that shows at once."""
    with pytest.raises(ValueError, match="two handlers"):
        handlers.handles(METADATA, 0, 0)(lambda *_: None)
