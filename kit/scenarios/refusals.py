"""Fewer replicas in sync than `min.insync.replicas`: acks=all is refused, and acks=1 is taken but not shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kit.scenarios.clients import Sent
from kit.scenarios.result import Ending, Step
from kit.scenarios.scenario import Scenario
from kit.scenarios.stage import Stage
from kit.scenarios.wording import all_acknowledged, all_refused, answers, brokers, listed

_REFUSED = "NOT_ENOUGH_REPLICAS"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was seen with some brokers dead.

    Attributes:
        in_sync: the replicas that were left in sync.
        before, refused, after: sent with acks=all before the kill, during it, and once all were back.
        hidden: sent with acks=1 during it.
        end_offset: up to where consumers could read then.
    """

    topic: str
    killed: Sequence[int]
    min_isr: int
    in_sync: Sequence[int]
    before: Sequence[Sent]
    refused: Sequence[Sent]
    hidden: Sequence[Sent]
    end_offset: int
    after: Sequence[Sent]


def play(stage: Stage) -> list[Refusal]:
    """One broker dead of three; where the controller is a node of its own, also two."""
    refusals = [_refuse(stage, "strict", num_killed=1, min_isr=3)]
    if stage.controller_before not in stage.broker_ids:
        refusals.append(_refuse(stage, "usual", num_killed=2, min_isr=2))
    return refusals


def _refuse(stage: Stage, base: str, *, num_killed: int, min_isr: int) -> Refusal:
    replicas = stage.broker_ids[:3]
    killed = replicas[-num_killed:]
    topic = stage.topic(base, [replicas], **{"min.insync.replicas": str(min_isr)})
    # Retries would try until the broker is back: then nothing could be seen.
    careful = stage.writer(f"{base} acks=all", retries=0, enable_idempotence=False)
    quick = stage.writer(f"{base} acks=1", acks=1, enable_idempotence=False)
    before = careful.write(topic)
    for broker_id in killed:
        stage.cluster.kill(broker_id)
    left = set(replicas) - set(killed)
    in_sync = stage.wait_for_isr(topic, left).isr
    refused = careful.write(topic)
    hidden = quick.write(topic)
    end_offset = stage.reader(f"{base} reader", topic, left).end_offset()
    for broker_id in killed:
        stage.cluster.restart(broker_id)
    stage.in_sync([topic])
    after = stage.writer(f"{base} producer afterwards").write(topic)
    return Refusal(topic, killed, min_isr, in_sync, before, refused, hidden, end_offset, after)


def tell(facts: Sequence[Refusal], ending: Ending) -> list[Step]:
    """Four steps for each topic, one for the verdict."""
    return [
        *(step for refusal in facts for step in _tell_one(refusal, ending)),
        Step(
            "kit.history judged all that was acknowledged, and read, against the logs at the end.",
            ending.report.explain(),
            bool(facts) and ending.report.ok,
            {"counts": ending.report.counts},
        ),
    ]


def _tell_one(refusal: Refusal, ending: Ending) -> list[Step]:
    log = ending.values(refusal.topic)
    refused = [each.value for each in refusal.refused]
    events = ending.events("write_refused", refusal.topic)
    return [
        Step(
            f"A record was sent with acks=all to a topic of three replicas and min.insync.replicas={refusal.min_isr}.",
            f"{answers(refusal.before)}.",
            all_acknowledged(refusal.before),
        ),
        Step(
            f"With {brokers(refusal.killed)} dead, another one was sent.",
            f"{answers(refusal.refused)}. In sync were {list(refusal.in_sync)}, {refusal.min_isr} are demanded.",
            all_refused(refusal.refused, _REFUSED) and len(refusal.in_sync) < refusal.min_isr and bool(events),
            {"errors": [each.error for each in refusal.refused], "isr": list(refusal.in_sync)},
        ),
        Step(
            "One was sent with acks=1.",
            f"{answers(refusal.hidden)}; consumers read up to offset {refusal.end_offset}: the high watermark stands "
            "still while too few replicas are in sync.",
            all_acknowledged(refusal.hidden) and refusal.end_offset == len(refusal.before),
            {"high_watermark": refusal.end_offset},
        ),
        Step(
            f"One more was sent with acks=all when {brokers(refusal.killed)} had come back.",
            f"{answers(refusal.after)}; the log holds {listed(log)}.",
            all_acknowledged(refusal.after) and not set(refused) & set(log),
            {"log": log},
        ),
    ]


not_enough_replicas = Scenario(
    name="not_enough_replicas",
    title="Too few replicas in sync",
    question=(
        "A topic has three replicas and min.insync.replicas=3; one broker is killed. (And where the controller is not "
        "one of the brokers: min.insync.replicas=2, and two are killed.) What happens to a write with acks=all? To one "
        "with acks=1? What do consumers see of it?"
    ),
    rules=(
        "acks=all is refused with NOT_ENOUGH_REPLICAS before anything is written. acks=1 is taken, but consumers do "
        "not see it until enough replicas are in sync again. Then all goes on, and nothing acknowledged is lost."
    ),
    play=play,
    tell=tell,
    controllers=1,
)
