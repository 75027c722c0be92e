"""What the settings of topics say about elections, as the controller sees them.

A topic's own setting counts before what was changed for all brokers, and that before what the controller was started
with. Source: Kafka class ``ConfigurationControlManager``.
"""

from __future__ import annotations

from typing import Any

from kit.broker.config.configs import BrokerConfig
from kit.broker.config.topic_settings import BROKER_NAME, TOPIC_SETTINGS
from kit.broker.metadata import BROKER_RESOURCE, TOPIC_RESOURCE, MetadataImage

MIN_INSYNC_REPLICAS = "min.insync.replicas"
UNCLEAN_LEADER_ELECTION = "unclean.leader.election.enable"


class TopicRules:
    """The settings of the topics of one image.

    Args:
        config: what the controller was started with.
    """

    def __init__(self, image: MetadataImage, config: BrokerConfig) -> None:
        self._image = image
        self._config = config

    def min_insync_replicas(self, topic: str) -> int:
        """How many replicas must be in sync for a topic's writes, as set: it may be more than the topic has."""
        return int(self._value(topic, MIN_INSYNC_REPLICAS))

    def is_unclean_election_allowed(self, topic: str) -> bool:
        """Whether a replica that is not in sync may lead when no other is left."""
        return bool(self._value(topic, UNCLEAN_LEADER_ELECTION))

    def _value(self, topic: str, name: str) -> Any:
        text = self._image.config(TOPIC_RESOURCE, topic).get(name)
        if text is None:
            text = self._image.config(BROKER_RESOURCE, "").get(BROKER_NAME[name])
        return self._config.topic_default(name) if text is None else TOPIC_SETTINGS[name].parse(text)
