"""Requests as clients really send them."""

from __future__ import annotations

from kit.wire import codec

# librdkafka 2.16.0 asks for the Metadata of all topics: the body is 00 00 00 00, the last three bytes are its slip.
ALL_TOPICS = bytes.fromhex("0003 000d 00000003 0007 72646b61666b61 00 00 00 00 00 01 00 00")


def test_decode_request_ignores_bytes_behind_the_request() -> None:
    """Kafka reads what the table says and no further, and a client in wide use relies on it."""
    header, body_offset = codec.decode_request_header(memoryview(ALL_TOPICS))
    request = codec.decode_request(header.api_key, header.api_version, memoryview(ALL_TOPICS), body_offset)
    assert (header.client_id, request.topics, request.allow_auto_topic_creation) == ("rdkafka", None, False)
