"""Reading from a follower in the consumer's own rack (KIP-392)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kafka.admin import ConfigResource

from kit.errors import ScenarioError
from kit.scenarios.clients import Reader, Sent, values
from kit.scenarios.result import Ending, Step
from kit.scenarios.scenario import Scenario
from kit.scenarios.stage import Stage
from kit.scenarios.wording import all_acknowledged

_SETTING = "replica.selector.class"
_RACK_AWARE = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
_NUM_RECORDS = 100  # so many that they weigh more than whatever else a consumer and a broker have to say


@dataclass(frozen=True, slots=True)
class ReadingFacts:
    """What was seen.

    Attributes:
        rack: of the follower, and of the consumer that says where it is.
        far_bytes, near_bytes: what the consumer without a rack, and the one with it, got from each broker, in bytes
            per second.
        far_values, near_values: what they read.
    """

    topic: str
    leader: int
    follower: int
    rack: str
    sent: Sequence[Sent]
    far_bytes: Mapping[int, float]
    near_bytes: Mapping[int, float]
    far_values: Sequence[str]
    near_values: Sequence[str]


def play(stage: Stage) -> ReadingFacts:
    """Let two consumers read the same; one says in which rack it is."""
    leader, follower, *others = stage.broker_ids
    rack = _rack_of(stage, follower)
    topic = stage.topic("plays", [[leader, follower, *others[:1]]])
    sent = stage.writer("producer").write(topic, _NUM_RECORDS)
    far = stage.reader("consumer", topic)
    near = stage.reader(f"consumer in {rack}", topic, client_rack=rack)
    far_values, near_values = values(far.read_to_end()), values(near.read_to_end())
    return ReadingFacts(
        topic=topic,
        leader=leader,
        follower=follower,
        rack=rack,
        sent=sent,
        far_bytes=_bytes_from(far, stage.broker_ids),
        near_bytes=_bytes_from(near, stage.broker_ids),
        far_values=far_values,
        near_values=near_values,
    )


def tell(facts: ReadingFacts, ending: Ending) -> list[Step]:
    """Who read from whom."""
    sent = [each.value for each in facts.sent]
    return [
        Step(
            f"{len(sent)} records were sent to a topic that broker {facts.leader} leads.",
            f"{sum(each.is_acknowledged for each in facts.sent)} of them were acknowledged.",
            all_acknowledged(facts.sent),
        ),
        _told(facts, "A consumer that does not say where it is", facts.far_bytes, facts.far_values, facts.leader),
        _told(facts, f"A consumer in {facts.rack}", facts.near_bytes, facts.near_values, facts.follower),
        Step(
            "kit.history judged all that was acknowledged, and read, against the logs at the end.",
            ending.report.explain(),
            ending.report.ok,
            {"counts": ending.report.counts},
        ),
    ]


def _told(facts: ReadingFacts, who: str, rates: Mapping[int, float], read: Sequence[str], source: int) -> Step:
    most = max(rates, key=lambda broker_id: rates[broker_id], default=None)
    return Step(
        f"{who} read the topic from its beginning.",
        f"It read {len(read)} records, nearly all from broker {most}, which is "
        f"{'the leader' if most == facts.leader else 'a follower'}.",
        most == source and list(read) == [each.value for each in facts.sent],
        {"bytes_per_s": {str(broker_id): round(rate) for broker_id, rate in rates.items()}},
    )


def _rack_of(stage: Stage, broker_id: int) -> str:
    """The rack of a broker; refuses a cluster whose leaders send nobody to another rack."""
    with stage.admin() as admin:
        resource = ConfigResource("BROKER", str(broker_id))
        [settings] = admin.describe_configs([resource], config_filter="all")["broker"].values()
        racks = {broker["broker_id"]: broker["rack"] for broker in admin.describe_cluster()["brokers"]}
    if settings.get(_SETTING, {}).get("value") != _RACK_AWARE or not racks[broker_id]:
        raise ScenarioError(
            "In this cluster everybody reads from leaders. Start one whose leaders know better: "
            f'kit.start(config={{"{_SETTING}": "{_RACK_AWARE}"}}).'
        )
    return str(racks[broker_id])


def _bytes_from(reader: Reader, broker_ids: Sequence[int]) -> dict[int, float]:
    metrics = reader.client.metrics()
    return {
        broker_id: metrics.get(f"consumer-node-metrics.node-{broker_id}", {}).get("incoming-byte-rate", 0.0)
        for broker_id in broker_ids
    }


follower_reads = Scenario(
    name="follower_reads",
    title="Reading from a follower nearby",
    question=(
        "Two consumers read the same partition. One of them says that it is in the rack of a follower. From which "
        "brokers do the records come?"
    ),
    choices=(
        "from the leader, for both",
        "from a follower, for both",
        "from the leader for one, from a follower for the other",
    ),
    answer="from the leader for one, from a follower for the other",
    rules=(
        "Reading goes to the leader, unless the leaders are told to choose by rack (replica.selector.class) and the "
        "consumer says where it is (client.rack): then the leader sends it to the follower in its rack, which serves "
        "what is below the high watermark. Writing always goes to the leader."
    ),
    play=play,
    tell=tell,
    config={_SETTING: _RACK_AWARE},
)
