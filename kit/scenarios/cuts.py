"""Broker 1 leads and is cut off from the others. Shall it go on alone (and lose), or refuse?"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from kit.scenarios.clients import Sent, values
from kit.scenarios.result import Ending, Step
from kit.scenarios.scenario import Scenario
from kit.scenarios.stage import Stage
from kit.scenarios.wording import all_acknowledged, all_refused, answers, listed, offsets_of

_TIMED_OUT = "REQUEST_TIMED_OUT"


@dataclass(frozen=True, slots=True)
class CutFacts:
    """What was seen on both sides of the cut.

    Attributes:
        before, alone, after: what was sent before the cut, to the old leader alone, and to the new leader.
        old_side_saw, new_side_saw: what a consumer on that side could read during the cut.
        old_end_offset: up to where the old leader lets consumers read.
        in_sync: as the controller decided during the cut.
    """

    topic: str
    old_leader: int
    others: tuple[int, ...]
    new_leader: int | None
    leader_epoch: int
    in_sync: list[int]
    before: Sequence[Sent]
    alone: Sequence[Sent]
    after: Sequence[Sent]
    old_side_saw: Sequence[str]
    old_end_offset: int
    new_side_saw: Sequence[str]


def _play(stage: Stage, *, acks: int | str, alone: int) -> CutFacts:
    old, *others = stage.broker_ids
    topic = stage.topic("cap", [[old, *others[:2]]], **{"min.insync.replicas": "2"})
    # Retries would hide what the first answer was; they would also find the new leader in the end.
    on_old_side = stage.writer(
        "old-side producer", [old], acks=acks, retries=0, enable_idempotence=False, request_timeout_ms=1_500
    )
    old_reader = stage.reader("old-side reader", topic, [old])
    before = on_old_side.write(topic, 2)
    seen_before = old_reader.read_to_end()

    stage.cut_off(old, ["old-side producer", "old-side reader"], ["new-side producer", "new-side reader"])
    sent_alone = on_old_side.write(topic, alone)
    election = stage.wait_for_election(topic)
    after = stage.writer("new-side producer", others).write(topic, 2)
    return CutFacts(
        topic=topic,
        old_leader=old,
        others=tuple(others),
        new_leader=election.leader,
        leader_epoch=election.leader_epoch,
        in_sync=list(election.isr),
        before=before,
        alone=sent_alone,
        after=after,
        old_side_saw=values(seen_before + old_reader.read_to_end()),
        old_end_offset=old_reader.end_offset(),
        new_side_saw=values(stage.reader("new-side reader", topic, others).read_to_end()),
    )


def _beginning(facts: CutFacts) -> list[Step]:
    around = f"{{{facts.old_leader}}} from {{{listed(facts.others)}}}"
    return [
        Step(
            f"Two records were sent to broker {facts.old_leader}, the leader, while the network was whole.",
            f"{answers(facts.before)}.",
            all_acknowledged(facts.before),
            {"offsets": offsets_of(facts.before)},
        ),
        Step(
            f"The network was cut: {around}.",
            f"The majority elected broker {facts.new_leader} in leader epoch {facts.leader_epoch}; "
            f"the in-sync replicas are {facts.in_sync}.",
            facts.new_leader in facts.others and facts.old_leader not in facts.in_sync,
            {"leader": facts.new_leader, "leader_epoch": facts.leader_epoch, "isr": facts.in_sync},
        ),
    ]


def _consumers(facts: CutFacts) -> list[Step]:
    old_values, new_values = [each.value for each in facts.before], [each.value for each in facts.after]
    return [
        Step(
            f"Two records were sent to broker {facts.new_leader} with acks=all.",
            f"{answers(facts.after)}.",
            all_acknowledged(facts.after),
            {"offsets": offsets_of(facts.after)},
        ),
        Step(
            "A consumer on the majority's side read everything.",
            f"It read {len(facts.new_side_saw)} records: {listed(facts.new_side_saw)}.",
            list(facts.new_side_saw) == old_values + new_values,
            {"values": facts.new_side_saw},
        ),
        Step(
            f"After that a consumer beside broker {facts.old_leader} read on.",
            f"It knows {len(facts.old_side_saw)} records, and nothing of the {len(facts.after)} that were acknowledged "
            f"on the other side: it reads old data. The high watermark of broker {facts.old_leader} stays at "
            f"{facts.old_end_offset}, because the replicas that it believes in sync do not fetch.",
            list(facts.old_side_saw) == old_values and facts.old_end_offset == len(old_values),
            {"values": facts.old_side_saw, "high_watermark": facts.old_end_offset},
        ),
    ]


def _healed(facts: CutFacts, ending: Ending) -> Step:
    cuts = [each for each in ending.events("truncated", facts.topic) if each.node_id == facts.old_leader]
    kept = ending.values(facts.topic)
    gone = [each.value for each in facts.alone if each.value not in kept]
    seen = " ".join(each.text for each in cuts) if cuts else "Nothing was cut off."
    return Step(
        f"The network was healed, and broker {facts.old_leader} followed the new leader.",
        f"{seen} No longer in the log: {listed(gone)}.",
        bool(cuts) and len(gone) == len(facts.alone),
        {"truncated": [each.details for each in cuts], "log": kept},
    )


def tell_acks_1(facts: CutFacts, ending: Ending) -> list[Step]:
    """The minority went on, and what it said was written is gone."""
    lost = ending.report.by_name("lost-write")
    return [
        *_beginning(facts),
        Step(
            f"{len(facts.alone)} records were sent to broker {facts.old_leader} alone, with acks=1.",
            f"{answers(facts.alone)}.",
            all_acknowledged(facts.alone),
            {"offsets": offsets_of(facts.alone)},
        ),
        *_consumers(facts),
        _healed(facts, ending),
        Step(
            "kit.history judged what the clients were told.",
            " ".join(finding.text for finding in lost) if lost else "It found no lost write.",
            len(lost) == len(facts.alone) == len(ending.report.by_name("lost-write")),
            {"counts": ending.report.counts},
        ),
    ]


def tell_acks_all(facts: CutFacts, ending: Ending) -> list[Step]:
    """The minority acknowledged nothing, so nothing is lost."""
    # That the leader had it: its time was up, or it was healed just before (the producer's time is the same).
    kinds = ("write_timed_out", "truncated")
    late, cuts = ([e for e in ending.events(kind, facts.topic) if e.node_id == facts.old_leader] for kind in kinds)
    return [
        *_beginning(facts),
        Step(
            f"{len(facts.alone)} record was sent to broker {facts.old_leader} alone, with acks=all.",
            f"{answers(facts.alone)}. It lay in the log of broker {facts.old_leader}, which waited for in-sync "
            "replicas that it could not reach, and that only the controller could have taken out.",
            all_refused(facts.alone, _TIMED_OUT) and bool(late or cuts),
            {"errors": [each.error for each in facts.alone], "timed_out": [each.details for each in late]},
        ),
        *_consumers(facts),
        _healed(facts, ending),
        Step(
            "kit.history judged what the clients were told.",
            ending.report.explain(),
            ending.report.ok,
            {"counts": ending.report.counts},
        ),
    ]


cut_acks_1 = Scenario(
    name="cut_acks_1",
    title="A cut, and a producer with acks=1",
    question=(
        "Broker 1 leads a topic with three replicas; a cut separates it from all others. A producer beside it goes on "
        "with acks=1. Is it told that its records are written? Who can read them? And what has become of them when the "
        "network is whole again?"
    ),
    rules=(
        "Broker 1 acknowledges alone, and no consumer sees these records. The majority elects another leader. When the "
        "network is healed, broker 1 follows it and cuts off what only it had: acknowledged, and lost."
    ),
    choices=("refused", "acknowledged and kept", "acknowledged and lost"),
    answer="acknowledged and lost",
    play=functools.partial(_play, acks=1, alone=3),
    tell=tell_acks_1,
)

cut_acks_all = Scenario(
    name="cut_acks_all",
    title="A cut, and a producer with acks=all",
    question=(
        "Broker 1 leads a topic with three replicas and min.insync.replicas=2; a cut separates it from all others. A "
        "producer beside it sends with acks=all, without retries. Which answer does it get?"
    ),
    rules=(
        "No acknowledgement: REQUEST_TIMED_OUT. Not NOT_ENOUGH_REPLICAS, because the in-sync replicas stay as they "
        "were: only the controller may change them, and broker 1 cannot reach it. Clients on the majority's side go "
        "on as soon as they have another leader, and nothing that was acknowledged is lost."
    ),
    choices=("acknowledged", "NOT_ENOUGH_REPLICAS, at once", "REQUEST_TIMED_OUT, after a wait"),
    answer="REQUEST_TIMED_OUT, after a wait",
    play=functools.partial(_play, acks="all", alone=1),
    tell=tell_acks_all,
)
