"""Assignment 1: the same facts as its check in the notebook, on a cluster and listens that nobody has seen before.

What is right for such data is worked out here and nowhere else: no jail has this file.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from autograder.job import Outcome, Probe, Score
from autograder.judge import answers, consuming, evidence, membership, producing
from autograder.judge.case import Case, Place
from autograder.judge.finding import Finding
from kit.checks import pipeline_facts as facts
from kit.checks import producer_facts
from kit.checks.evidence import SeenPartition, SeenRecord

SONGS = ("Slow Umbrella", "Night Lanterns", "Last Tide Radio", "Übermorgen", "7")
SHARED, STOPPED = "charts", "careful"  # the groups, as in assignment.yaml
TOO_LARGE = 10  # error code MESSAGE_TOO_LARGE
REFUSING = 4  # listens that the run refuse gives, as in assignment.yaml
STOPS_AT = '"listen-0000400"'


def plays_of(values: Iterable[str | bytes | None]) -> dict[str, int]:
    """How often each song was played; what is no JSON object with a song does not count."""
    songs: Counter[str] = Counter()
    for value in values:
        try:
            read = json.loads(value or b"")
        except (ValueError, RecursionError):
            continue
        song = read.get("song") if isinstance(read, dict) else None
        if isinstance(song, str):
            songs[song] += 1
    return dict(songs)


def lag_of(log_end_offsets: Mapping[int, int], committed: Mapping[int, int]) -> int:
    """How many records a group has not committed yet; a partition without a committed offset counts from 0."""
    return sum(end - committed.get(partition, 0) for partition, end in log_end_offsets.items())


# -- what the kernel is asked ------------------------------------------------------------------------------------------


def probes(seed: int) -> list[Probe]:
    """Eight topics full of values that are not always listens, six groups that are behind; no answer is {} or 0."""
    chance = random.Random(seed)
    made = [Probe(f"plays-{number}", "plays_of_texts", (_texts(chance, number),)) for number in range(1, 9)]
    made += [Probe(f"lag-{number}", "lag_of_lists", _offsets(chance)) for number in range(6)]
    return made


def _texts(chance: random.Random, number: int) -> list[str | None]:
    """Values as text in which each character is a byte."""
    good = [json.dumps({"id": f"listen-{each}", "song": chance.choice(SONGS)}) for each in range(5 * number)]
    bad = ["", "not JSON", "[]", "3", "null", '{"song": 5}', '{"title": "x"}', "\xff\xfe", None, '"song"']
    found = good + chance.sample(bad, min(len(bad), 2 * number))
    chance.shuffle(found)
    return found


def _offsets(chance: random.Random) -> tuple[list[list[int]], list[list[int]]]:
    """Log end offsets and commits; partition 0 was read in part, partition 1 never, and others one way or the other."""
    ends = [[partition, chance.randrange(10, 1_000)] for partition in range(chance.randrange(2, 9))]
    committed = [[0, chance.randrange(1, ends[0][1])]]
    return ends, committed + [[number, chance.randrange(end + 1)] for number, end in ends[2:] if chance.random() < 0.7]


def _bytes(texts: list[str | None]) -> list[bytes | None]:
    return [None if each is None else each.encode("latin-1") for each in texts]


# -- scores ------------------------------------------------------------------------------------------------------------


def judge(outcome: Outcome, seed: int) -> list[Score]:
    """One score for each property of assignment.yaml."""
    asked = probes(seed)
    plays = [each for each in asked if each.function == "plays_of_texts"]
    lags = [each for each in asked if each.function == "lag_of_lists"]
    expected = {each.name: plays_of(_bytes(each.arguments[0])) for each in plays}
    expected |= {each.name: lag_of(dict(each.arguments[0]), dict(each.arguments[1])) for each in lags}
    cases = evidence.cases_of(outcome.evidence, facts.TOPIC)
    return [
        # Who makes a topic may delete an older one first, or give it its settings afterwards.
        *evidence.judged(cases, RULES, administered=("topic",), reading=("consume", "stop")),
        answers.share(outcome, plays, expected, grade_id="plays-check", name="plays", points=3),
        answers.share(outcome, lags, expected, grade_id="lag-check", name="lag", points=2),
    ]


def pictures(outcome: Outcome, seed: int) -> dict[str, str]:
    """The run that costs a property its points, for each such one."""
    del seed
    return evidence.pictures(evidence.cases_of(outcome.evidence, facts.TOPIC), RULES)


# -- the topic and the producer ----------------------------------------------------------------------------------------


def _topic(case: Case) -> list[facts.Fact]:
    described = case.evidence["described"].get(facts.TOPIC, {"partitions": [], "configs": {}})
    partitions = [
        SeenPartition(number, leader, epoch, tuple(replicas), tuple(isr))
        for number, leader, epoch, replicas, isr in described["partitions"]
    ]
    return facts.topic_facts(partitions, described["configs"])


def _produce(case: Case) -> list[facts.Fact]:
    listens = [json.loads(value) for _, value in case.evidence["given"]]
    records = [
        SeenRecord(facts.TOPIC, partition, record[0], 0, _encoded(record[1]), _encoded(record[2]))
        for partition, found in case.logs.items()
        for record in found
    ]
    return producer_facts.produce_facts(records, listens, len(case.logs))


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _acknowledged(case: Case) -> Iterator[Finding]:
    run = case.evidence["run"]
    if run == "refuse" and case.step(run)["error"] and _was_split(case):
        return
    yield from _with_failures(case, producing.acknowledgements(case, run))
    sent = sum(map(len, case.attempts.values()))
    given = len(case.given)
    if run == "produce" and 0 < 2 * sent < given:
        text = f"Only {sent:,} of {given:,} listens were sent: that your function knew of so few says nothing."
        yield Finding("acknowledged", text)
    # After the first refusal an idempotent producer of kafka-python 3.0.12 sends nothing more, whatever it is told.
    if run == "refuse" and 0 < sent < REFUSING and not _is_idempotent(case):
        text = f"After a listen that brokers refused, you stopped: {sent} of {REFUSING} were sent, and the rest never."
        yield Finding("acknowledged", text)


def _was_split(case: Case) -> bool:
    """Whether kafka-python had to split a batch: its flush() fails then, so nobody knows what the function would say.

    That is so in kafka-python 3.0.12 ("Future not done"). It happens to whoever sends several of the listens to one
    partition, which has its own points.
    """
    for entry in case.entries("Produce"):
        codes = {(answer[0], answer[1]): answer[2] for answer in entry["answered"] or ()}
        for batch in entry["asked"].get("batches", ()):
            if len(batch["records"]) > 1 and codes.get((batch["topic"], batch["partition"])) == TOO_LARGE:
                return True
    return False


def _is_idempotent(case: Case) -> bool:
    batches = (batch for entry in case.entries("Produce") for batch in entry["asked"].get("batches", ()))
    return any(batch.get("producer_id", -1) >= 0 for batch in batches)


# -- the consumer group ------------------------------------------------------------------------------------------------


def _consume(case: Case) -> list[facts.Fact]:
    steps = ("consume-one", "consume-two")
    no_counts = [value for value in (case.step(step)["value"] for step in steps) if not isinstance(value, Mapping)]
    both = membership.counted(case, steps[0])
    both.update(membership.counted(case, steps[1]))
    right, done = plays_of(_values(case)), _committed_at_end(case, SHARED)
    odd = {song: value for step in steps for song, value in membership.odd(case, step)}
    returned = no_counts[0] if no_counts else {**both, **odd}
    return facts.consume_facts((returned, {}), right, _ends(case), done, SHARED)


def _committed(case: Case) -> Iterator[Finding]:
    yield from _found(case, _consume(case), "committed")
    yield from consuming.committed_unread(case)


def _shared(case: Case) -> Iterator[Finding]:
    steps = ("consume-one", "consume-two")
    return _with_failures(case, membership.shared(case, SHARED, steps, plays_of))


def _after_counting(case: Case) -> Iterator[Finding]:
    """The first run stops at a record, the second one goes on: at that record, or before it."""
    found = (
        Place(case.topic, partition, record[0])
        for partition, records in case.logs.items()
        for record in records
        if STOPS_AT in (record[2] or "")
    )
    place = next(found, None)
    if place is None:
        yield Finding("after counting", "The listen at which counting was to stop is not in the log.")
        return
    # What the kernel says counts only where brokers saw it come that far.
    came_so_far = any(
        first <= place.offset < after and entry["began"] <= case.step("stopped")["ended"]
        for first, after, entry in case.fetched.get(place.partition, ())
    ) and any(entry["asked"].get("group") == STOPPED for entry in case.during("stopped", "SyncGroup"))
    if (error := case.step("stopped")["error"]) is not None:
        yield Finding("after counting", f"Your consume failed before it came to the listen at {place}: {error}.")
    else:
        used = facts.counted_first_fact(case.step("stopped")["value"] if came_so_far else None, place[1:], None)
        yield from _found(case, [used], used.name)
    yield from _with_failures(case, consuming.committed_beyond(case, "stopped", place))
    yield from _with_failures(case, _left(case, "goes-on"))


def _left(case: Case, step: str) -> Iterator[Finding]:
    """A step did not count what the group had not committed before it."""
    taken = membership.taken(case, STOPPED)
    began = case.step(step)["began"]
    start = {each.partition: each.after for each in taken if each.entry["began"] < began}
    left = [
        record[2]
        for number, records in case.logs.items()
        for record in records
        if record[0] >= start.get(number, 0)
    ]  # fmt: skip
    if (counts := membership.counted(case, step)) != plays_of(left):
        number = counts.total()
        text = f"When counting had stopped, {len(left):,} records were left, and the next run counted {number:,} plays."
        yield Finding("after counting", text)


def _nothing_twice(case: Case) -> Iterator[Finding]:
    """A second run in one kernel counts nothing, once the group has read everything; and it had read it."""
    taken = membership.taken(case, STOPPED)
    before = membership.counted(case, "goes-on").total() + sum(each.after > each.first for each in taken)
    again = case.step("again")
    if again["error"] is not None:
        text = f"The run after the end did not return: {again['error']}. If it waited: was the first consumer closed?"
        yield Finding(TWICE, text)
    else:
        yield from _found(case, facts.consume_facts(({"": before}, again["value"]), {}, {}, {}, STOPPED), TWICE)
    # Who has not committed everything before the last run could only count nothing by knowing that it is the last one.
    began = case.step("again")["began"]
    done = {each.partition: each.after for each in taken if each.entry["began"] < began}
    yield from _found(case, facts.consume_facts(({}, {}), {}, _ends(case), done, STOPPED), "committed")
    yield from membership.other_groups(case, STOPPED, TWICE)
    yield from consuming.committed_unread(case)
    for each in taken:
        if each.after < each.first:
            text = f"The group went back in partition {each.partition}, from offset {each.first} to {each.after}."
            yield Finding(TWICE, text, (case.line(each.entry, f"commits offset {each.after}"),))


def _values(case: Case) -> list[str | None]:
    return [record[2] for records in case.logs.values() for record in records]


def _ends(case: Case) -> dict[int, int]:
    return {partition: len(records) for partition, records in case.logs.items()}


def _committed_at_end(case: Case, group: str) -> dict[int, int]:
    return {
        partition: offset
        for _, of, topic, partition, offset in case.evidence["commits"]
        if (of, topic) == (group, facts.TOPIC) and offset is not None
    }


# -- rules -------------------------------------------------------------------------------------------------------------


def _found(case: Case, found: Iterable[facts.Fact], name: str) -> Iterator[Finding]:
    wrong = (fact for fact in found if fact.name == name and not fact.holds)
    return _with_failures(case, (Finding(name, f"{fact.happened} {fact.try_next}", fact.proof) for fact in wrong))


def _with_failures(case: Case, findings: Iterable[Finding]) -> Iterator[Finding]:
    failed = [f"{each['function']} failed: {each['error']}" for each in case.evidence["steps"] if each["error"]]
    for each in findings:
        yield Finding(each.name, each.text, (*failed, *each.proof), each.places, each.events)


def _fact(look, name: str) -> evidence.Checker:  # type: ignore[no-untyped-def]
    return lambda case: _found(case, look(case), name)


TWICE = "nothing twice"
RULES = [
    *(
        evidence.Rule(f"{run}-check", name, 1, _fact(look, name), kept, (run,))
        for run, look, name, kept in (
            ("topic", _topic, "partitions", "The topic has 6 partitions."),
            ("topic", _topic, "replication factor", "Each partition has 3 replicas."),
            ("topic", _topic, "min.insync.replicas", "min.insync.replicas is 2."),
            ("topic", _topic, "retention.ms", "Records are kept for one day."),
            ("produce", _produce, "complete", "Every listen is in the log, each once."),
            ("produce", _produce, "key", "Every record has the user as key."),
            ("produce", _produce, "value", "Every record holds its listen as JSON."),
            ("produce", _produce, "partition", "Every record lies where Kafka's default puts its key."),
            ("produce", _produce, "order", "The listens of each user are in their order."),
        )
    ),
    *(
        evidence.Rule(grade_id, name, 1, checker, kept, runs)
        for grade_id, name, checker, kept, runs in (
            ("produce-check", "acknowledged", _acknowledged,
             "All in-sync replicas were asked for, and your function knew how many listens they have.",
             ("produce", "refuse")),
            ("consume-check", "counts", _fact(_consume, "counts"), "The plays of all songs are right.", ("consume",)),
            ("consume-check", "committed", _committed, "The group has committed everything, as it was read.",
             ("consume",)),
            ("consume-check", "after counting", _after_counting, "Nothing was committed before it was counted.",
             ("stop",)),
            ("consume-check", TWICE, _nothing_twice, "A run after the end counted nothing again.", ("stop",)),
            ("consume-check", "shared", _shared, "Two members shared the partitions, and counted what they read.",
             ("consume",)),
        )
    ),
]  # fmt: skip
