"""Assignment 2: what brokers saw of a producer, of a consumer and of two choices, while leaders died."""

import json
from collections.abc import Callable, Iterable, Iterator

from autograder.job import Outcome, Score
from autograder.judge import consuming, evidence, producing
from autograder.judge.case import Case
from autograder.judge.finding import Finding
from autograder.judge.tampering import foreign_records
from autograder.judge.timeline import picture

TOPICS = {"survive": "orders", "process": "orders", "refuse": "ledger", "lose": "likes"}
ENOUGH = 50  # results: nearly none of them would prove nothing


def judge(outcome: Outcome, seed: int) -> list[Score]:
    """One score for each property of assignment.yaml."""
    del seed
    return evidence.judged(_cases(outcome), RULES)


def pictures(outcome: Outcome, seed: int) -> dict[str, str]:
    """The run that costs a property its points, for each such one; where there is none, what was lived through."""
    del seed
    cases = _cases(outcome)
    grade_ids = {run: rule.grade_id for rule in RULES for run in rule.runs or ()}
    drawn = {
        grade_ids[case.evidence["run"]]: picture(case) for case in reversed(cases) if not case.evidence.get("problem")
    }
    return drawn | evidence.pictures(cases, RULES)


def _cases(outcome: Outcome) -> list[Case]:
    return evidence.cases_of(outcome.evidence, TOPICS, "results")


# -- the producer ------------------------------------------------------------------------------------------------------


def _when_the_leader_died(checker: evidence.Checker) -> evidence.Checker:
    """What nothing could happen to proves nothing."""

    def look(case: Case) -> Iterator[Finding]:
        if producing.fired_at(case, "kill") is None:
            text = f"Your producer sent too few requests for a leader to die in the middle: {len(case.places):,} of "
            text += f"{len(case.given):,} records are in the log."
            yield Finding("unproven", text, _failures(case))
        else:
            yield from checker(case)

    return look


def _once(case: Case) -> Iterator[Finding]:
    yield from producing.duplicates(case)
    yield from foreign_records(case)


def _recovery(case: Case) -> Iterator[Finding]:
    return producing.recovery(case, "kill", 0)


def _failures(case: Case) -> tuple[str, ...]:
    return tuple(f"{each['name']} failed: {each['error']}" for each in case.evidence["steps"] if each["error"])


# -- the consumer ------------------------------------------------------------------------------------------------------


def _amount(_key: str, value: str) -> int:
    return int(json.loads(value)["amount"])


def _results(case: Case) -> Iterator[Finding]:
    for found in consuming.results(case, _amount):
        yield Finding(found.name, found.text, (*_failures(case), *found.proof), found.places, found.events)


def _committed_first(case: Case) -> Iterator[Finding]:
    if not _has_committed(case):
        yield Finding("committed-before-processed", "No consumer has committed anything.", _failures(case))
    yield from consuming.committed_first(case)


def _repeats(case: Case) -> Iterator[Finding]:
    if len(case.rows) < ENOUGH:
        yield Finding("repeat", f"Only {len(case.rows)} results are stored, which proves nothing.", _failures(case))
    yield from consuming.repeats(case)


def _committed(case: Case) -> Iterator[Finding]:
    yield from consuming.committed_unread(case)
    at = {
        partition: offset
        for _, group, topic, partition, offset in case.evidence["commits"]
        if (group, topic) == ("tally", case.topic)
    }
    for partition, records in case.logs.items():
        if records and at.get(partition) != len(records):
            said = "nothing" if at.get(partition) is None else f"offset {at[partition]}"
            text = f"At the end of {case.topic}-{partition} is offset {len(records)}, and the group committed {said}."
            yield Finding("committed", text, _failures(case))


def _has_committed(case: Case) -> bool:
    return any(topic == case.topic for each in case.entries("OffsetCommit") for topic, *_ in each["asked"]["offsets"])


# -- the two choices ---------------------------------------------------------------------------------------------------


def _refuses(case: Case) -> Iterator[Finding]:
    return _told(case, producing.refuses(case, "cut"))


def _keeps(case: Case) -> Iterator[Finding]:
    if producing.fired_at(case, "cut") is None:
        yield Finding("keeps", "The network was never cut: the producer wrote too little before.", _failures(case))
    if not case.acknowledged:
        yield Finding("keeps", "No record was acknowledged, so there was nothing to keep.", _failures(case))
    yield from producing.lost_writes(case)


def _goes_on(case: Case) -> Iterator[Finding]:
    if producing.fired_at(case, "kill") is None:
        text = "While the network was cut, the leader that was alone did not go on: it had fewer than 300 records."
        yield Finding("goes on", text, _failures(case))


def _loses(case: Case) -> Iterator[Finding]:
    return _told(case, producing.loses(case))


def _told(case: Case, findings: Iterable[Finding]) -> Iterator[Finding]:
    for found in findings:
        yield Finding(found.name, found.text, (*_failures(case), *found.proof), found.places, found.events)


def _rules() -> Iterator[evidence.Rule]:
    safe: Callable[[evidence.Checker], evidence.Checker] = _when_the_leader_died
    standard = evidence.STANDARD
    for grade_id, run, name, points, checker, kept in (
        ("produce", "survive", "lost-write", 3, safe(producing.nothing_lost), standard["lost-write"][1]),
        ("produce", "survive", "duplicate", 2, safe(_once), "Every record is in the log once, and nothing else is."),
        ("produce", "survive", "partitioning", 1, safe(producing.partitioning), standard["partitioning"][1]),
        ("produce", "survive", "order", 1, safe(producing.order), standard["order"][1]),
        ("produce", "survive", "recovery", 1, safe(_recovery), "The producer went on with the next leader."),
        ("consume", "process", "results", 3, _results, "Every record has its result."),
        ("consume", "process", "committed-before-processed", 2, _committed_first,
         standard["committed-before-processed"][1]),
        ("consume", "process", "repeat", 2, _repeats, standard["repeat"][1]),
        ("consume", "process", "committed", 1, _committed, "The group has committed what it read, up to the end."),
        ("consistent", "refuse", "refuses", 2, _refuses, "Nothing was acknowledged in the cut, and you said so."),
        ("consistent", "refuse", "keeps", 1, _keeps, "Nothing that was acknowledged got lost."),
        ("available", "lose", "goes on", 1, _goes_on, "The leader that was alone went on acknowledging."),
        ("available", "lose", "loses", 2, _loses, "What it acknowledged alone got lost, as you chose."),
    ):  # fmt: skip
        yield evidence.Rule(f"{grade_id}-check", name, points, checker, kept, (run,))


RULES = list(_rules())
