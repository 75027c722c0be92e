"""Assignment 1: the same facts as its check in the notebook, on a cluster and listens that nobody has seen before."""

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping

from autograder.job import Outcome, Probe, Score
from autograder.judge import answers, evidence
from autograder.judge.case import Case
from autograder.judge.finding import Finding
from kit.checks import pipeline_facts as facts
from kit.checks.evidence import SeenPartition, SeenRecord

MOST = 1_000_000_000  # plays of a song; a number of a million digits would stop whoever adds it up
SONGS = ("Slow Umbrella", "Night Lanterns", "Last Tide Radio", "Übermorgen", "7")


def probes(seed: int) -> list[Probe]:
    """Eight topics full of values that are not always listens, and six groups that are behind."""
    chance = random.Random(seed)
    made = [Probe(f"plays-{number}", "plays_of_texts", (_texts(chance, number),)) for number in range(8)]
    made += [Probe(f"lag-{number}", "lag_of_lists", _offsets(chance)) for number in range(6)]
    return made


def _texts(chance: random.Random, number: int) -> list[str | None]:
    """Values as text in which each character is a byte; the first topic is empty."""
    good = [json.dumps({"id": f"listen-{each}", "song": chance.choice(SONGS)}) for each in range(5 * number)]
    bad = ["", "not JSON", "[]", "3", "null", '{"song": 5}', '{"title": "x"}', "\xff\xfe", None, '"song"']
    found = good + chance.sample(bad, min(len(bad), 2 * number))
    chance.shuffle(found)
    return found


def _offsets(chance: random.Random) -> tuple[list[list[int]], list[list[int]]]:
    ends = [[partition, chance.randrange(1_000)] for partition in range(chance.randrange(1, 9))]
    return ends, [[partition, chance.randrange(end + 1)] for partition, end in ends if chance.random() < 0.7]


def judge(outcome: Outcome, seed: int) -> list[Score]:
    """One score for each property of assignment.yaml."""
    asked = probes(seed)
    plays = [each for each in asked if each.function == "plays_of_texts"]
    lags = [each for each in asked if each.function == "lag_of_lists"]
    expected = {each.name: facts.plays_of(_bytes(each.arguments[0])) for each in plays}
    expected |= {each.name: facts.lag_of(dict(each.arguments[0]), dict(each.arguments[1])) for each in lags}
    return [
        # Who makes a topic may delete an older one first, or give it its settings afterwards.
        *evidence.judged([Case(each, facts.TOPIC) for each in outcome.evidence], RULES, administered=("topic",)),
        answers.share(outcome, plays, expected, grade_id="plays-check", name="plays", points=3),
        answers.share(outcome, lags, expected, grade_id="lag-check", name="lag", points=2),
    ]


def pictures(outcome: Outcome, seed: int) -> dict[str, str]:
    """The run that costs a property its points, for each such one."""
    del seed
    return evidence.pictures([Case(each, facts.TOPIC) for each in outcome.evidence], RULES)


def _bytes(texts: list[str | None]) -> list[bytes | None]:
    return [None if each is None else each.encode("latin-1") for each in texts]


def _topic(case: Case) -> list[facts.Fact]:
    described = case.evidence["described"].get(facts.TOPIC, {"partitions": [], "configs": {}})
    partitions = [
        SeenPartition(number, leader, epoch, tuple(replicas), tuple(isr))
        for number, leader, epoch, replicas, isr in described["partitions"]
    ]
    return facts.topic_facts(partitions, described["configs"])


def _records(case: Case) -> list[SeenRecord]:
    return [
        SeenRecord(facts.TOPIC, partition, record[0], 0, _encoded(record[1]), _encoded(record[2]))
        for partition, records in case.logs.items()
        for record in records
    ]


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _produce(case: Case) -> list[facts.Fact]:
    listens = [json.loads(value) for _, value in case.evidence["given"]]
    return facts.produce_facts(_records(case), listens, len(case.logs))


def _consume(case: Case) -> list[facts.Fact]:
    one, two, again = (_value(case, name) for name in ("consume-one", "consume-two", "consume-again"))
    both = Counter(one)
    both.update(two)
    values = [each.value for each in _records(case)]
    ends = {partition: len(records) for partition, records in case.logs.items()}
    committed = {
        partition: offset
        for _, group, topic, partition, offset in case.evidence["commits"]
        if (group, topic) == ("charts", facts.TOPIC) and offset is not None
    }
    counted = {"the first": sum(one.values()), "the second": sum(two.values())}
    found = facts.consume_facts((dict(both), again), values, ends, committed, "charts")
    return [*found, facts.shared_fact(counted)]


def _value(case: Case, step: str) -> dict[str, int]:
    """What a step returned, as far as it is a count of plays."""
    value = next((each["value"] for each in case.evidence["steps"] if each["name"] == step), None)
    counts = value.items() if isinstance(value, Mapping) else ()
    return {song: number for song, number in counts if type(number) is int and abs(number) < MOST}


def _found(case: Case, found: list[facts.Fact], name: str) -> Iterator[Finding]:
    failed = [f"{each['function']} failed: {each['error']}" for each in case.evidence["steps"] if each["error"]]
    for fact in found:
        if fact.name == name and not fact.holds:
            yield Finding(name, f"{fact.happened} {fact.try_next}", (*failed, *fact.proof))


def _rules() -> Iterator[evidence.Rule]:
    for grade_id, run, look, names in (
        ("topic-check", "topic", _topic, {"partitions": 1, "replication factor": 1, "min.insync.replicas": 1,
                                          "retention.ms": 1}),
        ("produce-check", "produce", _produce, {"complete": 2, "key": 1, "value": 1, "partition": 1, "order": 1}),
        ("consume-check", "consume", _consume, {"counts": 2, "committed": 1, "nothing twice": 1, "shared": 1}),
    ):  # fmt: skip
        for name, points in names.items():

            def checker(case: Case, look=look, name=name) -> Iterator[Finding]:  # type: ignore[no-untyped-def]
                return _found(case, look(case), name)

            yield evidence.Rule(grade_id, name, points, checker, KEPT[name], (run,))


KEPT = {
    "partitions": "The topic has 6 partitions.",
    "replication factor": "Each partition has 3 replicas.",
    "min.insync.replicas": "min.insync.replicas is 2.",
    "retention.ms": "Records are kept for one day.",
    "complete": "Every listen is in the log, each once.",
    "key": "Every record has the user as key.",
    "value": "Every record holds its listen as JSON.",
    "partition": "Every record lies where Kafka's default puts its key.",
    "order": "The listens of each user are in their order.",
    "counts": "The plays of all songs are right.",
    "committed": "The group has committed everything.",
    "nothing twice": "A second run counted nothing again.",
    "shared": "Two members shared the partitions.",
}
RULES = list(_rules())
