"""What the controller decides about brokers: who belongs to the cluster, who is fenced, who may go.

Each function judges one request, or one silence, and returns the records that carry it out; a broker's fate and that
of its partitions go into one batch. Source: Kafka 4.3 classes ``ClusterControlManager``, ``BrokerHeartbeatManager``
and ``ReplicationControlManager``; KIP-631, KIP-966 (unclean shutdown).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.elections import after_broker_change, leaderless
from kit.broker.controller.rules import TopicRules
from kit.broker.controller.sessions import BrokerSessions
from kit.broker.metadata import BrokerState, MetadataImage, PartitionState, TopicState
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

FENCE, UNFENCE = 1, -1  # BrokerRegistrationChangeRecord.fenced
HANDS_OVER = 1  # BrokerRegistrationChangeRecord.in_controlled_shutdown


# -- registration ------------------------------------------------------------------------------------------------


def register_broker(
    image: MetadataImage,
    config: BrokerConfig,
    request: m.BrokerRegistrationRequest,
    *,
    cluster_id: str,
    next_offset: int,
    is_alive: bool,
) -> tuple[m.BrokerRegistrationResponse, list[Any]]:
    """Take a broker into the cluster, fenced until it asks to be unfenced.

    A process with another incarnation id is refused while the last one of that broker id has a session; afterwards,
    what the last one was in sync with is settled first. Nothing was lost if the new one knows its epoch; or an earlier
    epoch, when it was not alive since (Kafka compares with the last one only, whose answer may have been lost).

    Args:
        next_offset: where the next record goes in the metadata log; the broker epoch is the offset of the
            registration's own record.
        is_alive: whether the broker id has a session: `BrokerSessions.is_alive`.
    """
    known = image.brokers.get(request.broker_id)
    error = _objection(known, request, cluster_id, is_alive)
    if error is not ErrorCode.NONE:
        return m.BrokerRegistrationResponse(error_code=error), []
    records: list[Any] = []
    if known is not None and known.incarnation_id == request.incarnation_id:
        record = _registration(request, known.epoch, known.fenced, known.in_controlled_shutdown)
    else:
        if known is not None:
            records = _settle_last_incarnation(image, config, known, request.previous_broker_epoch)
        record = _registration(request, next_offset + len(records), True, False)
    return m.BrokerRegistrationResponse(broker_epoch=record.broker_epoch), [*records, record]


def _objection(
    known: BrokerState | None, request: m.BrokerRegistrationRequest, cluster_id: str, is_alive: bool
) -> ErrorCode:
    if request.cluster_id != cluster_id:
        return ErrorCode.INCONSISTENT_CLUSTER_ID
    if known is not None and is_alive and known.incarnation_id != request.incarnation_id:
        return ErrorCode.DUPLICATE_BROKER_REGISTRATION
    return ErrorCode.NONE if request.listeners else ErrorCode.INVALID_REGISTRATION


def _settle_last_incarnation(
    image: MetadataImage, config: BrokerConfig, known: BrokerState, previous_epoch: int
) -> list[Any]:
    rules = TopicRules(image, config)
    node_id = known.node_id
    if previous_epoch >= known.last_alive_epoch:
        return after_broker_change(image, rules, _in_sync_on(image, node_id), leaving=node_id)
    return after_broker_change(image, rules, _complete_on(image, node_id), lost=node_id)


def _registration(
    request: m.BrokerRegistrationRequest, epoch: int, fenced: bool, in_controlled_shutdown: bool
) -> m.RegisterBrokerRecord:
    return m.RegisterBrokerRecord(
        broker_id=request.broker_id,
        incarnation_id=request.incarnation_id,
        broker_epoch=epoch,
        end_points=[
            m.BrokerEndpoint(name=at.name, host=at.host, port=at.port, security_protocol=at.security_protocol)
            for at in request.listeners
        ],
        features=[
            m.BrokerFeature(
                name=feature.name,
                min_supported_version=feature.min_supported_version,
                max_supported_version=feature.max_supported_version,
            )
            for feature in request.features
        ],
        rack=request.rack,
        fenced=fenced,
        in_controlled_shutdown=in_controlled_shutdown,
        log_dirs=list(request.log_dirs),
    )


# -- heartbeats --------------------------------------------------------------------------------------------------


class Standing(Enum):
    """What a heartbeat makes of a broker."""

    FENCED = "fenced"
    UNFENCED = "unfenced"
    HANDING_OVER = "in controlled shutdown"
    GONE = "may shut down"


def broker_heartbeat(
    image: MetadataImage, config: BrokerConfig, request: m.BrokerHeartbeatRequest, sessions: BrokerSessions
) -> tuple[m.BrokerHeartbeatResponse, list[Any]]:
    """Answer a heartbeat: unfence a broker that has caught up, let one hand over and go, fence one that wants it.

    Args:
        sessions: asked how far the others are; who sends the heartbeat is to be touched before.
    """
    broker = image.brokers.get(request.broker_id)
    if broker is None or broker.epoch != request.broker_epoch:
        return m.BrokerHeartbeatResponse(error_code=ErrorCode.STALE_BROKER_EPOCH), []
    is_caught_up = request.current_metadata_offset >= broker.epoch
    before, after = _standing(broker), _next_standing(image, broker, request, sessions, is_caught_up)
    response = m.BrokerHeartbeatResponse(
        is_caught_up=is_caught_up,
        is_fenced=after in (Standing.FENCED, Standing.GONE),
        should_shut_down=after is Standing.GONE,
    )
    if after is before:
        return response, []
    if after is Standing.UNFENCED:
        return response, unfence_broker(image, config, broker.node_id)
    if after is Standing.HANDING_OVER:
        return response, _hand_over(image, config, broker)
    return response, fence_broker(image, config, broker.node_id, is_leaving=request.want_shut_down)


def _standing(broker: BrokerState) -> Standing:
    if broker.fenced:
        return Standing.FENCED
    return Standing.HANDING_OVER if broker.in_controlled_shutdown else Standing.UNFENCED


def _next_standing(
    image: MetadataImage,
    broker: BrokerState,
    request: m.BrokerHeartbeatRequest,
    sessions: BrokerSessions,
    is_caught_up: bool,
) -> Standing:
    now = _standing(broker)
    if now is Standing.FENCED and not request.want_shut_down:
        may_lead = is_caught_up and not request.want_fence and not broker.in_controlled_shutdown
        return Standing.UNFENCED if may_lead else Standing.FENCED
    if now is Standing.HANDING_OVER:
        is_done = not _leads_any(image, broker.node_id) and sessions.is_handed_over(broker.node_id, image)
        return Standing.GONE if is_done else Standing.HANDING_OVER
    if request.want_shut_down:
        may_go = now is Standing.FENCED or request.want_fence or not _leads_any(image, broker.node_id)
        return Standing.GONE if may_go else Standing.HANDING_OVER
    return Standing.FENCED if request.want_fence else now


def _leads_any(image: MetadataImage, node_id: int) -> bool:
    return any(state.leader == node_id for _, state in image.partitions())


def _hand_over(image: MetadataImage, config: BrokerConfig, broker: BrokerState) -> list[Any]:
    change = m.BrokerRegistrationChangeRecord(
        broker_id=broker.node_id, broker_epoch=broker.epoch, in_controlled_shutdown=HANDS_OVER
    )
    return [change, *_out_of_sync(image, config, broker.node_id)]


# -- fencing -----------------------------------------------------------------------------------------------------


def fence_broker(image: MetadataImage, config: BrokerConfig, broker_id: int, *, is_leaving: bool = False) -> list[Any]:
    """The records that fence a broker and take its partitions from it; none if it is fenced or not registered.

    Args:
        is_leaving: it shuts down; if not, it is fenced because nothing was heard of it.
    """
    broker = image.brokers.get(broker_id)
    if broker is None or broker.fenced:
        return []
    change = m.BrokerRegistrationChangeRecord(
        broker_id=broker_id,
        broker_epoch=broker.epoch,
        fenced=FENCE,
        in_controlled_shutdown=HANDS_OVER if is_leaving else 0,
    )
    return [*_out_of_sync(image, config, broker_id), change]


def unfence_broker(image: MetadataImage, config: BrokerConfig, broker_id: int) -> list[Any]:
    """The records that unfence a registered broker and let partitions without a leader try again."""
    change = m.BrokerRegistrationChangeRecord(
        broker_id=broker_id, broker_epoch=image.brokers[broker_id].epoch, fenced=UNFENCE
    )
    rules = TopicRules(image, config)
    return [change, *after_broker_change(image, rules, leaderless(image), coming=broker_id)]


def _out_of_sync(image: MetadataImage, config: BrokerConfig, node_id: int) -> list[Any]:
    return after_broker_change(image, TopicRules(image, config), _in_sync_on(image, node_id), leaving=node_id)


def _in_sync_on(image: MetadataImage, node_id: int) -> Iterator[tuple[TopicState, PartitionState]]:
    return ((topic, state) for topic, state in image.partitions() if node_id in state.isr)


def _complete_on(image: MetadataImage, node_id: int) -> Iterator[tuple[TopicState, PartitionState]]:
    return ((topic, state) for topic, state in image.partitions() if node_id in state.isr or node_id in state.elr)
