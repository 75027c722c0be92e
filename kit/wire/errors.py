"""Kafka's error codes, and the exception that carries one through the broker.

Rules for the file: a code, its name and whether it is retriable are facts of the protocol and never change; the
description is ours, for a student who meets the code in a trace.
Source: Kafka protocol guide, "Error codes"; Kafka class ``org.apache.kafka.common.protocol.Errors`` as of 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Self


class ErrorCode(IntEnum):
    """An error code as it stands in a response.

    ``retriable``: whether the same request may succeed later, so that clients try again by themselves.
    ``description``: what it means, in one sentence.
    """

    _value_: int
    retriable: bool
    description: str

    def __new__(cls, code: int, retriable: bool = False, description: str = "") -> Self:
        """Make one member of the table below."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.retriable = retriable
        member.description = description
        return member

    UNKNOWN_SERVER_ERROR = -1, False, "The broker failed in a way it did not foresee; its log says how."
    NONE = 0, False, "No error."
    OFFSET_OUT_OF_RANGE = 1, False, "The offset is below the log start offset or beyond the end of the partition."
    CORRUPT_MESSAGE = 2, True, "A record batch has a wrong checksum, a wrong size or is otherwise damaged."
    UNKNOWN_TOPIC_OR_PARTITION = 3, True, "The broker does not have this topic or partition."
    INVALID_FETCH_SIZE = 4, False, "The fetch asks for an impossible number of bytes."
    LEADER_NOT_AVAILABLE = 5, True, "The partition has no leader at the moment, for instance during an election."
    NOT_LEADER_OR_FOLLOWER = 6, True, "This broker is not the replica that may answer; the client's metadata is old."
    REQUEST_TIMED_OUT = 7, True, "The request was not completed within its time limit."
    BROKER_NOT_AVAILABLE = 8, False, "The broker is not available."
    REPLICA_NOT_AVAILABLE = 9, True, "The broker does not have this replica now, for instance while it moves."
    MESSAGE_TOO_LARGE = 10, False, "A record batch is larger than max.message.bytes allows."
    STALE_CONTROLLER_EPOCH = 11, False, "The request comes from a controller that has been replaced."
    OFFSET_METADATA_TOO_LARGE = 12, False, "The note committed with an offset is longer than the broker accepts."
    NETWORK_EXCEPTION = 13, True, "The connection broke before the answer came."
    COORDINATOR_LOAD_IN_PROGRESS = 14, True, "The coordinator is still reading its state from its log."
    COORDINATOR_NOT_AVAILABLE = (
        15,
        True,
        "The coordinator cannot be reached, for instance because its log has no leader.",
    )
    NOT_COORDINATOR = 16, True, "Another broker is the coordinator of this group or transaction."
    INVALID_TOPIC_EXCEPTION = 17, False, "The topic's name is not legal, or the operation is not allowed on it."
    RECORD_LIST_TOO_LARGE = 18, False, "A record batch is larger than a whole segment may be."
    NOT_ENOUGH_REPLICAS = 19, True, "Fewer replicas are in sync than min.insync.replicas demands; nothing was written."
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20, True, "The records were written, but then too few replicas were in sync."
    INVALID_REQUIRED_ACKS = 21, False, "acks must be 0, 1 or -1 (all)."
    ILLEGAL_GENERATION = 22, False, "The generation is not the group's current one; the member must join again."
    INCONSISTENT_GROUP_PROTOCOL = 23, False, "The member shares no protocol with the other members of its group."
    INVALID_GROUP_ID = 24, False, "The group's id is empty or not legal."
    UNKNOWN_MEMBER_ID = 25, False, "The coordinator does not know this member; it may have been expelled."
    INVALID_SESSION_TIMEOUT = 26, False, "The session timeout is outside the range that the broker allows."
    REBALANCE_IN_PROGRESS = 27, False, "The group is rebalancing; the member has to join again."
    INVALID_COMMIT_OFFSET_SIZE = 28, False, "The commit was refused because its data is too large."
    TOPIC_AUTHORIZATION_FAILED = 29, False, "The principal may not do this with the topic."
    GROUP_AUTHORIZATION_FAILED = 30, False, "The principal may not do this with the group."
    CLUSTER_AUTHORIZATION_FAILED = 31, False, "The principal may not do this with the cluster."
    INVALID_TIMESTAMP = 32, False, "A record's timestamp is outside the range that the topic accepts."
    UNSUPPORTED_SASL_MECHANISM = 33, False, "The broker does not offer this SASL mechanism."
    ILLEGAL_SASL_STATE = 34, False, "The request does not fit the present state of the authentication."
    UNSUPPORTED_VERSION = 35, False, "The broker does not serve this version of the API."
    TOPIC_ALREADY_EXISTS = 36, False, "A topic of this name exists."
    INVALID_PARTITIONS = 37, False, "The number of partitions is not possible."
    INVALID_REPLICATION_FACTOR = 38, False, "The replication factor is below 1 or above the number of brokers."
    INVALID_REPLICA_ASSIGNMENT = 39, False, "The replica assignment names unknown or repeated brokers, or has gaps."
    INVALID_CONFIG = 40, False, "A setting is unknown or its value is not allowed."
    NOT_CONTROLLER = 41, True, "This node is not the active controller."
    INVALID_REQUEST = 42, False, "The request contradicts itself or the protocol."
    UNSUPPORTED_FOR_MESSAGE_FORMAT = 43, False, "The log's message format does not allow this request."
    POLICY_VIOLATION = 44, False, "A policy of the cluster forbids this."
    OUT_OF_ORDER_SEQUENCE_NUMBER = (
        45,
        False,
        "The producer's sequence number does not follow its last one: a batch is lost.",
    )
    DUPLICATE_SEQUENCE_NUMBER = 46, False, "The producer sent a batch that the log already has."
    INVALID_PRODUCER_EPOCH = 47, False, "The producer's epoch is old: a newer instance has taken over."
    INVALID_TXN_STATE = 48, False, "The transaction's state does not allow this step."
    INVALID_PRODUCER_ID_MAPPING = 49, False, "The producer id does not belong to this transactional id."
    INVALID_TRANSACTION_TIMEOUT = 50, False, "The transaction timeout is longer than the broker allows."
    CONCURRENT_TRANSACTIONS = 51, True, "The previous transaction of this producer is still being completed."
    TRANSACTION_COORDINATOR_FENCED = 52, False, "The transaction marker comes from a replaced coordinator."
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53, False, "The principal may not use this transactional id."
    SECURITY_DISABLED = 54, False, "The cluster has no security switched on, so there is nothing to manage."
    OPERATION_NOT_ATTEMPTED = 55, False, "Another part of the request failed first, so this part was not tried."
    KAFKA_STORAGE_ERROR = 56, True, "The broker could not read or write its disk."
    LOG_DIR_NOT_FOUND = 57, False, "The broker is not configured with this log directory."
    SASL_AUTHENTICATION_FAILED = 58, False, "The credentials were refused."
    UNKNOWN_PRODUCER_ID = 59, False, "The broker has no state for this producer id, perhaps because it expired."
    REASSIGNMENT_IN_PROGRESS = 60, False, "Replicas of this partition are being moved already."
    DELEGATION_TOKEN_AUTH_DISABLED = 61, False, "Delegation tokens are not switched on."
    DELEGATION_TOKEN_NOT_FOUND = 62, False, "The broker does not know this delegation token."
    DELEGATION_TOKEN_OWNER_MISMATCH = 63, False, "The principal is neither owner nor renewer of the delegation token."
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED = (
        64,
        False,
        "Delegation tokens cannot be managed over this kind of connection.",
    )
    DELEGATION_TOKEN_AUTHORIZATION_FAILED = 65, False, "The principal may not do this with delegation tokens."
    DELEGATION_TOKEN_EXPIRED = 66, False, "The delegation token has expired."
    INVALID_PRINCIPAL_TYPE = 67, False, "The broker does not support this type of principal."
    NON_EMPTY_GROUP = 68, False, "The group still has members."
    GROUP_ID_NOT_FOUND = 69, False, "There is no group with this id."
    FETCH_SESSION_ID_NOT_FOUND = 70, True, "The broker does not know this fetch session."
    INVALID_FETCH_SESSION_EPOCH = 71, True, "The fetch session's epoch is not the expected one."
    LISTENER_NOT_FOUND = 72, True, "The leader has no listener of the name that the client uses."
    TOPIC_DELETION_DISABLED = 73, False, "delete.topic.enable is false."
    FENCED_LEADER_EPOCH = 74, True, "The client knows an older leader epoch than the broker."
    UNKNOWN_LEADER_EPOCH = 75, True, "The client knows a newer leader epoch than the broker."
    UNSUPPORTED_COMPRESSION_TYPE = 76, False, "The client's version cannot read the compression of these records."
    STALE_BROKER_EPOCH = 77, False, "The broker has been registered anew since it sent this."
    OFFSET_NOT_AVAILABLE = 78, True, "A new leader's high watermark is not known yet."
    MEMBER_ID_REQUIRED = 79, False, "The member has to join again with the member id that came with this answer."
    PREFERRED_LEADER_NOT_AVAILABLE = 80, True, "The preferred leader is not available."
    GROUP_MAX_SIZE_REACHED = 81, False, "The group has as many members as group.max.size allows."
    FENCED_INSTANCE_ID = 82, False, "Another member has taken over this group.instance.id."
    ELIGIBLE_LEADERS_NOT_AVAILABLE = 83, True, "No replica that may become leader is available."
    ELECTION_NOT_NEEDED = 84, True, "The partition already has the leader that was asked for."
    NO_REASSIGNMENT_IN_PROGRESS = 85, False, "No replicas of this partition are being moved."
    GROUP_SUBSCRIBED_TO_TOPIC = 86, False, "The group is subscribed to the topic, so its offsets cannot be deleted."
    INVALID_RECORD = 87, False, "A record breaks a rule of the topic, for instance it has no key where one is needed."
    UNSTABLE_OFFSET_COMMIT = 88, True, "A transaction that commits this offset is still open."
    THROTTLING_QUOTA_EXCEEDED = 89, True, "The quota is used up; try again later."
    PRODUCER_FENCED = 90, False, "A newer producer with the same transactional id has taken over."
    RESOURCE_NOT_FOUND = 91, False, "The resource does not exist."
    DUPLICATE_RESOURCE = 92, False, "The request names a resource twice."
    UNACCEPTABLE_CREDENTIAL = 93, False, "The credential does not meet the requirements."
    INCONSISTENT_VOTER_SET = 94, False, "The sender or the receiver is not one of the expected voters."
    INVALID_UPDATE_VERSION = 95, False, "The version of the update is not valid."
    FEATURE_UPDATE_FAILED = 96, False, "The feature could not be changed."
    PRINCIPAL_DESERIALIZATION_FAILURE = 97, False, "The forwarded principal could not be read."
    SNAPSHOT_NOT_FOUND = 98, False, "The snapshot does not exist."
    POSITION_OUT_OF_RANGE = 99, False, "The position is outside the snapshot."
    UNKNOWN_TOPIC_ID = 100, True, "The broker does not have a topic with this id."
    DUPLICATE_BROKER_REGISTRATION = 101, False, "A live broker has this id already."
    BROKER_ID_NOT_REGISTERED = 102, False, "No broker with this id is registered."
    INCONSISTENT_TOPIC_ID = 103, True, "The topic's id is not the one in the log: the topic was deleted and made again."
    INCONSISTENT_CLUSTER_ID = 104, False, "The request is meant for another cluster."
    TRANSACTIONAL_ID_NOT_FOUND = 105, False, "The coordinator does not know this transactional id."
    FETCH_SESSION_TOPIC_ID_ERROR = 106, True, "The fetch session mixes requests with and without topic ids."
    INELIGIBLE_REPLICA = 107, False, "A replica that was proposed as in sync may not be."
    NEW_LEADER_ELECTED = 108, False, "The change was made, and another replica leads now."
    OFFSET_MOVED_TO_TIERED_STORAGE = 109, False, "The offset is in remote storage only."
    FENCED_MEMBER_EPOCH = (
        110,
        False,
        "The coordinator has fenced this member: it gives up its partitions and joins again.",
    )
    UNRELEASED_INSTANCE_ID = 111, False, "Another member still holds this group.instance.id."
    UNSUPPORTED_ASSIGNOR = 112, False, "The group does not support this assignor."
    STALE_MEMBER_EPOCH = 113, False, "The member has not heard of its newest epoch yet; its next heartbeat tells it."
    MISMATCHED_ENDPOINT_TYPE = 114, False, "The request was sent to a controller instead of a broker, or the reverse."
    UNSUPPORTED_ENDPOINT_TYPE = 115, False, "This type of endpoint is not supported."
    UNKNOWN_CONTROLLER_ID = 116, False, "There is no controller with this id."
    UNKNOWN_SUBSCRIPTION_ID = 117, False, "The telemetry subscription is unknown or old."
    TELEMETRY_TOO_LARGE = 118, False, "The telemetry is larger than the broker accepts."
    INVALID_REGISTRATION = 119, False, "The controller refuses the broker's registration."
    TRANSACTION_ABORTABLE = 120, False, "The transaction cannot be completed, but it can be aborted."
    INVALID_RECORD_STATE = 121, False, "The record's state does not allow this acknowledgement."
    SHARE_SESSION_NOT_FOUND = 122, True, "The broker does not know this share session."
    INVALID_SHARE_SESSION_EPOCH = 123, True, "The share session's epoch is not the expected one."
    FENCED_STATE_EPOCH = 124, False, "The epoch of the share group's state does not match."
    INVALID_VOTER_KEY = 125, False, "The voter's key is not the receiver's."
    DUPLICATE_VOTER = 126, False, "The voter is in the set of voters already."
    VOTER_NOT_FOUND = 127, False, "The voter is not in the set of voters."
    INVALID_REGULAR_EXPRESSION = 128, False, "The regular expression cannot be read."
    REBOOTSTRAP_REQUIRED = (
        129,
        False,
        "The client's metadata is too old: it has to begin again at its bootstrap servers.",
    )
    STREAMS_INVALID_TOPOLOGY = 130, False, "The Kafka Streams topology is not valid."
    STREAMS_INVALID_TOPOLOGY_EPOCH = 131, False, "The epoch of the Kafka Streams topology is not valid."
    STREAMS_TOPOLOGY_FENCED = 132, False, "The Kafka Streams topology is older than the group's."
    SHARE_SESSION_LIMIT_REACHED = 133, True, "The broker has as many share sessions as it allows."


class BrokerError(Exception):
    """A refusal, raised inside the broker and turned into the protocol's answer by the API's handler.

    Args:
        code: what the client is told.
        message: more about this case, for responses that carry a text; None leaves the code to speak for itself.
    """

    def __init__(self, code: ErrorCode, message: str | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message or self.code.description}"


class InvalidRecordsError(BrokerError):
    """Single records of a batch are to blame.

    Args:
        indexes: their places in the batch, from 0.
        reason: what is wrong with each of them.
    """

    def __init__(self, indexes: Sequence[int], message: str, reason: str) -> None:
        super().__init__(ErrorCode.INVALID_RECORD, message)
        self.indexes = tuple(indexes)
        self.reason = reason
