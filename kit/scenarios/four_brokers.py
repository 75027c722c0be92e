"""The lecture's figure of four brokers, alive: topics A and B, and each broker killed in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kit.scenarios.clients import Sent, Writer
from kit.scenarios.result import Ending, Step
from kit.scenarios.scenario import Scenario
from kit.scenarios.stage import Stage
from kit.scenarios.wording import all_acknowledged, answers, listed

# By topic and partition the replicas, as places among the brokers; the first one leads. The leaders are the figure's
# (there partitions count from 1, here from 0 as in Kafka). It does not show the followers: these are ours.
FIGURE: Mapping[str, Sequence[Sequence[int]]] = {
    "A": [[0, 1, 2], [1, 2, 3], [3, 0, 1]],
    "B": [[2, 3, 0], [0, 2, 3]],
}


@dataclass(frozen=True, slots=True)
class Kill:
    """What was seen while one broker was dead.

    Attributes:
        led: the partitions that it led, as "A-0".
        leaders: by partition the leader while it was dead.
        in_sync: by partition the in-sync replicas then.
        sent: one record to every partition.
    """

    broker_id: int
    led: Sequence[str]
    leaders: Mapping[str, int | None]
    in_sync: Mapping[str, Sequence[int]]
    sent: Sequence[Sent]


@dataclass(frozen=True, slots=True)
class FourBrokersFacts:
    """What was seen.

    Attributes:
        leaders: by partition the leader at the beginning, and who should lead.
    """

    leaders: Mapping[str, tuple[int | None, int]]
    first: Sequence[Sent]
    kills: Sequence[Kill]


def play(stage: Stage) -> FourBrokersFacts:
    """Build the figure, then kill one broker after the other."""
    ids = stage.broker_ids[:4]
    names = {
        stage.topic(
            base, [[ids[place] for place in replicas] for replicas in figure], **{"min.insync.replicas": "2"}
        ): base
        for base, figure in FIGURE.items()
    }
    writer = stage.writer("producer")
    leaders = {
        f"{names[name]}-{each.partition}": (each.leader, ids[FIGURE[names[name]][each.partition][0]])
        for name in names
        for each in stage.topics_before[name].partitions
    }
    first = _write_everywhere(writer, names)
    kills = [_kill(stage, broker_id, writer, names) for broker_id in ids]
    return FourBrokersFacts(leaders, first, kills)


def _write_everywhere(writer: Writer, names: Mapping[str, str]) -> list[Sent]:
    return [
        sent
        for name, base in names.items()
        for partition in range(len(FIGURE[base]))
        for sent in writer.write(name, partition=partition)
    ]


def _kill(stage: Stage, broker_id: int, writer: Writer, names: Mapping[str, str]) -> Kill:
    partitions = {
        f"{base}-{each.partition}": (name, each)
        for name, base in names.items()
        for each in stage.topics_before[name].partitions
    }
    stage.cluster.kill(broker_id)
    sent = _write_everywhere(writer, names)
    meanwhile = {
        label: stage.wait_for_isr(name, set(each.replicas) - {broker_id}, each.partition)
        for label, (name, each) in partitions.items()
    }
    leaders = {label: now.leader for label, now in meanwhile.items()}
    in_sync = {label: now.isr for label, now in meanwhile.items()}
    stage.cluster.restart(broker_id)
    stage.elect_preferred(list(names))
    led = [label for label, (_name, each) in partitions.items() if each.leader == broker_id]
    return Kill(broker_id, led, leaders, in_sync, sent)


def tell(facts: FourBrokersFacts, ending: Ending) -> list[Step]:
    """One step for the figure, one for each broker, one for the verdict."""
    return [
        Step(
            "Topics A (3 partitions) and B (2 partitions) were made, with three replicas and the figure's leaders.",
            f"Leaders: {listed(f'{label} on broker {leader}' for label, (leader, _) in facts.leaders.items())}.",
            bool(facts.leaders) and all(leader == figure for leader, figure in facts.leaders.values()),
            {"leaders": {label: leader for label, (leader, _) in facts.leaders.items()}},
        ),
        Step(
            "A record was sent to every partition.",
            f"{answers(facts.first)}.",
            all_acknowledged(facts.first),
            {},
        ),
        *(_tell_kill(kill, facts) for kill in facts.kills),
        Step(
            "kit.history judged all that was acknowledged, and read, against the logs at the end.",
            ending.report.explain(),
            ending.report.ok,
            {"counts": ending.report.counts},
        ),
    ]


def _tell_kill(kill: Kill, facts: FourBrokersFacts) -> Step:
    figure = {label: leader for label, (_, leader) in facts.leaders.items()}
    moved = {label: leader for label, leader in kill.leaders.items() if leader != figure[label]}
    news = listed(f"{label} is led by broker {leader}" for label, leader in moved.items())
    fits = set(moved) == set(kill.led) and all(leader in kill.in_sync[label] for label, leader in kill.leaders.items())
    return Step(
        f"Broker {kill.broker_id}, the leader of {listed(kill.led)}, was killed and a record sent to every partition; "
        "then it was started again, and the figure's leaders elected.",
        f"{answers(kill.sent)}. Meanwhile {news}.",
        fits and all_acknowledged(kill.sent),
        {"leaders": dict(kill.leaders), "isr": {label: list(isr) for label, isr in kill.in_sync.items()}},
    )


four_brokers = Scenario(
    name="four_brokers",
    title="Four brokers, and each is killed in turn",
    question=(
        "Topic A has three partitions, led by brokers 1, 2 and 4, topic B has two, led by brokers 3 and 1; every "
        "partition has three replicas. One broker after the other is killed, and started again. Which partitions get "
        "another leader each time? Which writes fail? What is lost?"
    ),
    choices=("all five", "those with a replica on the dead broker", "those that the dead broker led"),
    answer="those that the dead broker led",
    rules=(
        "Only the partitions that the dead broker led get another leader, one of their in-sync replicas. Producers "
        "find it and go on. Two of three replicas are left, which is enough for acks=all with min.insync.replicas=2, "
        "and each of them has everything that was acknowledged: nothing is lost."
    ),
    play=play,
    tell=tell,
    brokers=4,
)
