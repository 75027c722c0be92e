"""Topics that brokers make by themselves: what a client asks for first, and ``__consumer_offsets``.

Source: Kafka's ``AutoTopicCreationManager``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kit.broker.deferred import Deferred
from kit.broker.metadata import CONSUMER_OFFSETS_TOPIC
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker


def create_topics(broker: Broker, names: Iterable[str]) -> Deferred[dict[str, ErrorCode]]:
    """Ask the controller for topics with default partitions and replication factor.

    Resolves with an error code per name; TOPIC_ALREADY_EXISTS is no error here.
    """
    topics = [_wanted(broker, name) for name in names]
    done: Deferred[dict[str, ErrorCode]] = Deferred()

    def finish(response: m.CreateTopicsResponse) -> None:
        codes = {topic.name: ErrorCode(topic.error_code) for topic in response.topics}
        for name, code in codes.items():
            if code is ErrorCode.TOPIC_ALREADY_EXISTS:
                codes[name] = ErrorCode.NONE
        done.resolve(codes)

    broker.ask_for_topics(topics).then(finish)
    return done


def ensure_internal_topic(broker: Broker, name: str) -> Deferred[ErrorCode]:
    """Make sure that an internal topic exists; resolves with NONE or why it does not."""
    done: Deferred[ErrorCode] = Deferred()
    if name in broker.image.topics:
        done.resolve(ErrorCode.NONE)
    else:
        create_topics(broker, [name]).then(lambda codes: done.resolve(codes[name]))
    return done


def _wanted(broker: Broker, name: str) -> m.CreatableTopic:
    if name != CONSUMER_OFFSETS_TOPIC:
        return m.CreatableTopic(name=name, num_partitions=-1, replication_factor=-1)
    config = broker.config
    settings = {
        "cleanup.policy": "compact",
        "compression.type": "producer",
        "segment.bytes": str(config["offsets.topic.segment.bytes"]),
    }
    return m.CreatableTopic(
        name=name,
        num_partitions=config["offsets.topic.num.partitions"],
        replication_factor=min(config["offsets.topic.replication.factor"], len(broker.image.brokers)),
        configs=[m.CreatableTopicConfig(name=key, value=value) for key, value in settings.items()],
    )
