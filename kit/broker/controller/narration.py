"""What the controller's records mean, as events of the timeline.

A record says what changed and not why; the reason is read from the other records of its batch: a broker that is fenced
there is why its partitions have new leaders.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from kit.broker.controller.brokers import FENCE, UNFENCE
from kit.broker.metadata import NO_LEADER, MetadataImage, PartitionState, TopicState
from kit.broker.timeline import Note
from kit.wire import messages as m

_Where = tuple[uuid.UUID, int]


def notes_on(image: MetadataImage, records: Sequence[Any]) -> list[Note]:
    """What one batch of records means; the image is that before the first of them.

    What becomes of a broker comes first, for it is why its partitions change, wherever its record is in the batch.
    """
    reason = _reason(image, records)
    seen: dict[_Where, PartitionState] = {}
    causes: list[Note] = []
    notes: list[Note] = []
    for record in records:
        if isinstance(record, m.RegisterBrokerRecord):
            causes += _registered(image, record)
        elif isinstance(record, m.BrokerRegistrationChangeRecord):
            causes += _registration_changed(image, record)
        elif isinstance(record, m.PartitionChangeRecord):
            topic = image.topics[image.topic_names[record.topic_id]]
            where = (record.topic_id, record.partition_id)
            before = seen.get(where, topic.partitions[record.partition_id])
            after = seen[where] = before.changed_by(record)
            notes += _partition_changed(topic, before, after, reason)
    return [*causes, *notes]


# -- why ---------------------------------------------------------------------------------------------------------


def _reason(image: MetadataImage, records: Sequence[Any]) -> str | None:
    """Why the partitions of this batch change, when it is for the sake of a broker."""
    for record in records:
        if isinstance(record, m.BrokerRegistrationChangeRecord):
            return _broker_reason(record)
        if isinstance(record, m.RegisterBrokerRecord) and record.broker_id in image.brokers:
            return f"broker {record.broker_id} was started again"
    return None


def _broker_reason(record: m.BrokerRegistrationChangeRecord) -> str:
    if record.in_controlled_shutdown:
        return f"broker {record.broker_id} is shutting down"
    return f"broker {record.broker_id} {'was fenced' if record.fenced == FENCE else 'is back'}"


def _election_reason(before: PartitionState, after: PartitionState, reason: str | None) -> str:
    """Why this replica leads now: what it was before, and what brought the election about."""
    if after.leader in before.isr or _is_end_of_move(before, after):
        why = reason or _asked_for(before, after)
        return why if before.leader != after.leader else f"the same leader, {why}"
    if after.leader in before.elr:
        was = "it was out of sync, but has every committed record"
    elif before.last_known_elr == [after.leader]:
        was = "it led last, and nobody else is known to have more"
    else:
        was = "unclean election: it was out of sync, records may be lost"
    return was if reason is None else f"{was}; {reason}"


def _is_end_of_move(before: PartitionState, after: PartitionState) -> bool:
    """Whether a new replica takes over from a living leader that is no replica any more: it came into sync just now."""
    return before.leader != NO_LEADER and before.leader not in after.replicas and not after.is_recovering


def _asked_for(before: PartitionState, after: PartitionState) -> str:
    if before.replicas != after.replicas:
        return "the replicas were moved"
    return "it is the preferred leader" if after.leader == after.replicas[0] else "an election was asked for"


# -- what --------------------------------------------------------------------------------------------------------


def _registered(image: MetadataImage, record: m.RegisterBrokerRecord) -> Iterator[Note]:
    known = image.brokers.get(record.broker_id)
    if known is None or known.epoch != record.broker_epoch:
        if known is not None and record.fenced and not known.fenced:
            reason = "its last process is gone, another one registered"
            yield Note("broker_fenced", record.broker_id, details={"reason": reason})
        yield Note("broker_registered", record.broker_id, details={"broker_epoch": record.broker_epoch})


def _registration_changed(image: MetadataImage, record: m.BrokerRegistrationChangeRecord) -> Iterator[Note]:
    broker = image.brokers[record.broker_id]
    if record.fenced == FENCE:
        is_leaving = broker.in_controlled_shutdown or record.in_controlled_shutdown
        reason = "it shut down" if is_leaving else "no heartbeat came in time"
        yield Note("broker_fenced", record.broker_id, details={"reason": reason})
    elif record.fenced == UNFENCE:
        yield Note("broker_unfenced", record.broker_id)
    elif record.in_controlled_shutdown:
        yield Note("controlled_shutdown", record.broker_id)


def _partition_changed(
    topic: TopicState, before: PartitionState, after: PartitionState, reason: str | None
) -> Iterator[Note]:
    def note(kind: str, **details: Any) -> Note:
        return Note(kind, None, topic.name, before.partition, details)

    if after.leader == NO_LEADER != before.leader:
        yield note("leader_lost", reason=reason or "no replica that may lead is alive")
    elif before.leader_epoch != after.leader_epoch:
        yield note(
            "leader_elected",
            leader=after.leader,
            leader_epoch=after.leader_epoch,
            previous=before.leader,
            reason=_election_reason(before, after, reason),
        )
    if before.isr != after.isr:
        yield note("isr_changed", isr=after.isr, previous=before.isr)
    if before.elr != after.elr:
        yield note("elr_changed", elr=after.elr, previous=before.elr)
    if (before.replicas, before.adding, before.removing) != (after.replicas, after.adding, after.removing):
        yield note("reassignment", replicas=after.replicas, adding=after.adding, removing=after.removing)
