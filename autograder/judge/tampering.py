"""What no honest producer or consumer does to a cluster; each is in the brokers' own journal."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.judge.case import Case, short
from autograder.judge.finding import Finding
from kit.broker.witness import describe

BETWEEN_BROKERS = frozenset(
    {
        "AddRaftVoter", "AllocateProducerIds", "AlterPartition", "AssignReplicasToDirs", "BeginQuorumEpoch",
        "BrokerHeartbeat", "BrokerRegistration", "ControlledShutdown", "ControllerRegistration", "EndQuorumEpoch",
        "Envelope", "FetchSnapshot", "LeaderAndIsr", "RemoveRaftVoter", "StopReplica", "UnregisterBroker",
        "UpdateMetadata", "UpdateRaftVoter", "Vote", "WriteTxnMarkers",
        # those that the kit has no table for come by their number
        "4", "5", "6", "7", "27", "52", "53", "54", "56", "58", "59", "62", "63", "64", "67", "70", "73", "80", "81",
        "82",
    }
)  # fmt: skip
CHANGES = frozenset(describe.CHANGES.values()) - {"CreateTopics"}  # which careful students try


def tampering(case: Case, *, administers: bool = False) -> Iterator[Finding]:
    """Requests that only brokers send, changes of the cluster, a log cut short.

    Args:
        administers: whether the run asks a student to make topics: deleting and altering them is no tampering then.
    """
    for entry in case.evidence["entries"]:
        api = entry["api"]
        if api in BETWEEN_BROKERS:
            yield Finding(
                "tampering",
                f"A request that only brokers send one another came from a client: {api}. It was refused.",
                (case.line(entry, "as a client"),),
            )
        elif api == "Fetch" and entry["asked"].get("replica_id", -1) >= 0:
            yield Finding(
                "tampering",
                f"A client asked for records as if it were broker {entry['asked']['replica_id']}. It got none.",
                (case.line(entry, "as a replica"),),
            )
        elif api in CHANGES and not administers:
            yield Finding(
                "tampering",
                f"A client changed the cluster, or tried to: {api}.",
                (case.line(entry, short(entry["asked"].get("text"))),),
            )
    if case.evidence.get("is_flooded"):
        yield Finding("tampering", "There were far more requests or records than anybody needs: not all were kept.")
    if not administers and case.evidence["is_complete"]:  # else the arena may be why nobody leads a partition
        yield from _logs(case)


def writes(case: Case) -> Iterator[Finding]:
    """In a run in which a student is only to read: something was written, or a topic made to write to."""
    for entry in case.entries("Produce"):
        topics = sorted({batch["topic"] for batch in entry["asked"].get("batches", ())})
        yield Finding(
            "wrote",
            f"A client wrote to {', '.join(topics) or 'the cluster'} where it was only to read.",
            (case.line(entry, "with records"),),
        )
    for topic in sorted(case.evidence.get("described", {}).keys() - case.evidence["topics"].keys()):
        yield Finding("wrote", f"A client made topic {short(topic)} where it was only to read.")


def _logs(case: Case) -> Iterator[Finding]:
    for partition in range(case.evidence["topics"].get(case.topic, 0)):
        name = f"{case.topic}-{partition}"
        log = case.evidence["logs"].get(name)
        if log is None:
            yield Finding("tampering", f"{name} is gone, or nobody leads it.")
        elif log["log_start_offset"] > 0:
            yield Finding("tampering", f"{name} was cut: it begins at offset {log['log_start_offset']}.")


def foreign_records(case: Case) -> Iterator[Finding]:
    """A record is in the topic that nobody was given to write."""
    for value, places in case.places.items():
        if value not in case.given:
            attempts = case.attempts.get(value, [])
            proof = tuple(case.line(each.entry, f"with '{short(value)}'") for each in attempts[:2])
            yield Finding("foreign", f"{places[0]} holds '{short(value)}', which was not to be written.", proof)
