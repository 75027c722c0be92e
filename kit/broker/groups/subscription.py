"""What a consumer says it wants to read: the part of the consumer protocol that the coordinator looks into.

The coordinator treats a member's metadata as bytes, with one exception: it must know the subscribed topics to refuse
deleting or expiring their offsets. Only version 0 is read, which every later version begins with.
Source: ``ConsumerProtocolSubscription.json``, ``ClassicGroup.computeSubscribedTopics``.
"""

from __future__ import annotations

import struct

CONSUMER_PROTOCOL_TYPE = "consumer"


def subscribed_topics(metadata: bytes) -> frozenset[str] | None:
    """The topics in one member's subscription; None when the bytes are not a consumer subscription."""
    try:
        version, count = struct.unpack_from(">hi", metadata)
        if version < 0 or not 0 <= count <= len(metadata):
            return None
        topics = []
        position = 6
        for _ in range(count):
            (length,) = struct.unpack_from(">h", metadata, position)
            position += 2
            if length < 0 or position + length > len(metadata):
                return None
            topics.append(metadata[position : position + length].decode())
            position += length
        return frozenset(topics)
    except (struct.error, UnicodeDecodeError):
        return None
