"""Assignment 2: what brokers saw of a producer, of a consumer and of two choices, while leaders died."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from autograder.job import Outcome, Score
from autograder.judge import consuming, evidence, producing
from autograder.judge.case import Case, Entry, Row, is_place, short
from autograder.judge.finding import Finding
from autograder.judge.tampering import foreign_records
from autograder.judge.timeline import picture

TOPICS = {"survive": "orders", "process": "orders", "refuse": "ledger", "lose": "likes"}
ENOUGH = 50  # results, or records: nearly none of them would prove nothing
ALL = -1  # acks="all", as the protocol has it
EARLY = "committed-before-processed"
MOST_SILENT = 10  # of so many acknowledged records one may be reported as None: its wait was over a moment too early
LEAST, UNCLEAN = "min.insync.replicas", "unclean.leader.election.enable"
OF_THE_BROKER = {0, 3, 5, 6, 7, 8, 9, 13, 19, 20, 56, 72, 74, 75}  # error codes that are no fault of the request's


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
    return {each: text for each, text in (drawn | evidence.pictures(cases, RULES)).items() if text}


def _cases(outcome: Outcome) -> list[Case]:
    return evidence.cases_of(outcome.evidence, TOPICS, "results")


# -- what a function said ----------------------------------------------------------------------------------------------


def _report(case: Case, name: str) -> Iterator[Finding]:
    """What the function said of each record is what a broker told it, or what is in the log."""
    if not case.reported:
        text = "Your function returned no list that has [partition, offset] or None for each record."
        yield Finding(name, text, _failures(case))
    for value, place in case.reported.items():
        if place is None or place in case.places.get(value, ()):
            continue
        told = [(each.partition, each.offset) for each in case.attempts.get(value, ()) if each.offset is not None]
        if (place.partition, place.offset) not in told and not _is_known_to_be_there(case, value, place.offset):
            text = f"Your function reported '{short(value)}' at {place}; no broker said so, and it is not there."
            yield Finding(name, text, tuple(f"acknowledged at partition {one}, offset {two}" for one, two in told[:2]))
    in_time = {
        value: each.entry for value, each in case.acknowledged.items() if each.entry["ended"] < case.last_step_ended
    }
    silent = [value for value in in_time if value in case.reported and case.reported[value] is None]
    sure = _heard(case, in_time).intersection(silent)
    if MOST_SILENT * len(sure) > len(in_time) or 2 * len(silent) > len(in_time):
        text = (
            f"{len(in_time)} records were acknowledged in time, and of {len(silent)} of them your function said None."
        )
        yield Finding(name, text, (f"one of them is '{short(silent[0])}'",))


def _heard(case: Case, answers: Mapping[str, Entry]) -> set[str]:
    """What the client must have heard of: the function knows of it, or of a later answer on the same connection.

    Of other answers nobody knows: they may have come too late, or got lost with their connection.
    """
    last: dict[tuple[int, int], int] = {}
    for value, entry in answers.items():
        if case.reported.get(value) is not None:
            way = entry["node"], entry["connection"]
            last[way] = max(last.get(way, 0), entry["ended"])
    return {
        each for each, entry in answers.items() if entry["ended"] <= last.get((entry["node"], entry["connection"]), 0)
    }


def _is_known_to_be_there(case: Case, value: str, offset: int) -> bool:
    """A broker that has a record already may tell a client so without saying where: the offset is -1 then."""
    return offset < 0 and value in case.places


def _failures(case: Case) -> tuple[str, ...]:
    found = []
    for step in case.evidence["steps"]:
        found += [f"{step['name']} failed, and began again: {error}" for error in step.get("crashes", ())]
        if step["error"] and not step.get("was_killed"):  # the plan did that
            found.append(f"{step['name']} failed: {step['error']}")
    return tuple(found)


def _told(case: Case, findings: Iterable[Finding]) -> Iterator[Finding]:
    for found in findings:
        yield Finding(found.name, found.text, (*_failures(case), *found.proof), found.places, found.events)


# -- the producer ------------------------------------------------------------------------------------------------------


def _when_the_leader_died(checker: evidence.Checker) -> evidence.Checker:
    """What nothing could happen to proves nothing."""

    def look(case: Case) -> Iterator[Finding]:
        if producing.fired_at(case, "kill") is None:
            text = f"Your producer sent too few requests for a leader to die in the middle: {len(case.places):,} of "
            text += f"{len(case.given):,} records are in the log."
            yield Finding("unproven", text, _failures(case))
            return
        idle = [entry for rule in ("deaf", "cut-off") for entry in _hit(case, rule) if not _is_work(case, entry)]
        for entry in idle:
            yield _in_vain(case, entry)
        if not idle:
            yield from checker(case)

    return look


def _hit(case: Case, rule: str) -> list[Entry]:
    """The request that a rule's fault happened to."""
    at = producing.fired_at(case, rule) or 0
    before = [each for each in case.entries("Produce") if each["began"] < at and _values(case, each) is not None]
    return before[-1:]


def _values(case: Case, entry: Entry) -> list[str] | None:
    """What a request would have written to the topic; None when it is about another one."""
    batches = [batch for batch in entry["asked"].get("batches", ()) if batch["topic"] == case.topic]
    return [record[2] for batch in batches for record in batch["records"]] if batches else None


def _is_work(case: Case, entry: Entry) -> bool:
    """Whether a request had a record that was to be written, and nothing that brokers refuse for its own sake."""
    codes = {each[2] for each in entry["answered"] or () if each[0] == case.topic}
    return codes <= OF_THE_BROKER and any(value in case.given for value in _values(case, entry) or ())


def _in_vain(case: Case, entry: Entry) -> Finding:
    values = _values(case, entry) or [""]
    text = "A fault happened to a request that could write nothing of what you were given, so it proves nothing"
    line = case.line(entry, f"with {len(values)} records, such as '{short(values[0])}'")
    return Finding("unproven", f"{text}: '{short(values[0])}'.", (line,), events=(entry["began"],))


def _once(case: Case) -> Iterator[Finding]:
    if producing.fired_at(case, "deaf") is None:
        text = "No answer of yours could get lost, so nothing was sent twice: your producer wrote too little to "
        yield Finding("unproven", f"{text}{case.topic}-1, where Kafka's default puts a third of the keys.")
    yield from producing.duplicates(case)
    yield from foreign_records(case)


def _reported(case: Case) -> Iterator[Finding]:
    return _report(case, "report")


def _recovery(case: Case) -> Iterator[Finding]:
    return producing.recovery(case, "kill", 0)


# -- the consumer ------------------------------------------------------------------------------------------------------


def _amount(_key: str, value: str) -> int:
    return int(json.loads(value)["amount"])


def _results(case: Case) -> Iterator[Finding]:
    for found in (*consuming.results(case, _amount), *_unsafe(case)):
        yield Finding(found.name, found.text, (*_failures(case), *found.proof), found.places, found.events)


def _unsafe(case: Case) -> Iterator[Finding]:
    """Results that one replica alone has to have: they are gone with a leader that dies."""
    stored = [each for each in case.entries("Produce") if _writes_to(each, str(case.results))]
    alone = [each for each in stored if each["asked"].get("acks") != ALL]
    if alone:
        text = f"{len(alone)} of {len(stored)} requests with results did not ask for all in-sync replicas."
        line = case.line(alone[0], f"with results, acks={alone[0]['asked'].get('acks')}")
        yield Finding("results", f"{text} A leader that dies takes such results with it.", (line,))


def _writes_to(entry: Entry, topic: str) -> bool:
    return any(batch["topic"] == topic for batch in entry["asked"].get("batches", ()))


def _committed_first(case: Case) -> Iterator[Finding]:
    if not _has_committed(case):
        yield Finding(EARLY, "No consumer has committed anything.", _failures(case))
    elif len(case.rows) < ENOUGH:
        text = f"Only {len(case.rows)} results are stored, so nothing shows that they come before a commit."
        yield Finding(EARLY, text, _failures(case))
    yield from consuming.committed_first(case)


def _repeats(case: Case) -> Iterator[Finding]:
    wrong = [*consuming.repeats(case), *_other_values(case), *_shared_keys(case), *_keyless(case)]
    yield from wrong
    if len(case.rows) < ENOUGH:
        yield Finding("repeat", f"Only {len(case.rows)} results are stored, which proves nothing.", _failures(case))
    elif not wrong and not _has_read_again(case) and not any(consuming.committed_first(case)):  # has its own points
        text = "No consumer read again what had its result already, so nothing shows that a repeat changes nothing."
        yield Finding("repeat", text, _failures(case))


def _keyless(case: Case) -> Iterator[Finding]:
    keyless = [row for row in case.rows if row.key is None]
    if keyless:
        text = f"{len(keyless)} results have no key, so nothing says what they are to replace."
        yield Finding("repeat", text, (f"{keyless[0].place} holds '{short(keyless[0].text)}'",))


def _has_read_again(case: Case) -> bool:
    """Whether a record was fetched in a step after that in which its result was acknowledged."""
    known = {
        place: min(case.step(case.step_of(entry))["ended"] for _, entry in times)
        for place, times in case.stored.items()
    }
    return any(
        known.get((partition, offset), entry["began"]) < entry["began"]
        for partition, fetches in case.fetched.items()
        for first, after, entry in fetches
        for offset in range(first, after)
    )


def _other_values(case: Case) -> Iterator[Finding]:
    """The second result of a record is not the same, byte by byte."""
    first: dict[tuple[int, int], Row] = {}
    for row in case.rows:
        if not is_place(row.partition, row.offset):
            continue  # `consuming.repeats` tells
        before = first.setdefault((row.partition, row.offset), row)
        if (before.key, before.result) == (row.key, row.result) and before.text != row.text:
            text = f"The result of {case.topic}-{row.partition} offset {row.offset} was stored again as another value."
            yield Finding("repeat", text, tuple(f"{each.place} holds '{short(each.text)}'" for each in (before, row)))


def _shared_keys(case: Case) -> Iterator[Finding]:
    """Two records' results have one key: in a table the one would replace the other."""
    first: dict[str, Row] = {}
    for row in case.rows:
        before = first.setdefault(row.key, row) if row.key is not None else row
        if (before.partition, before.offset) != (row.partition, row.offset):
            one, two = (f"{case.topic}-{each.partition} offset {each.offset}" for each in (before, row))
            text = f"The results of {one} and of {two} have the same key, {short(row.key)}: one replaces the other."
            yield Finding("repeat", text, tuple(f"{each.place} holds '{short(each.text)}'" for each in (before, row)))


def _committed(case: Case) -> Iterator[Finding]:
    yield from consuming.committed_unread(case)
    alone = [each for each in _commits(case) if not each["asked"].get("member")]
    if alone:
        text = f"{len(alone)} commits came from somebody who is no member of the group."
        yield Finding("committed", text, (case.line(alone[0], "without a member"),), events=(alone[0]["began"],))
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
    return any(_commits(case))


def _commits(case: Case) -> Iterator[Entry]:
    for each in case.entries("OffsetCommit"):
        if any(topic == case.topic for topic, *_ in each["asked"].get("offsets", ())):
            yield each


# -- the two choices ---------------------------------------------------------------------------------------------------

NEVER_CUT = "The network was never cut: that happens when a broker says yes to a first record, and none did."


def _setting(case: Case, name: str) -> str:
    """What holds for the topic, in the end as from the start: nobody may change it."""
    configs: Mapping[str, Any] = case.evidence["described"].get(case.topic, {}).get("configs", {})
    return str(configs.get(name, ""))


def _undecided(case: Case, name: str, setting: str) -> Iterator[Finding]:
    """What the function for the topic's settings should have decided, and did not, or not so that it can be."""
    value = next((each["value"] for each in case.evidence["steps"] if each["name"].endswith("-settings")), None)
    said = value.get(setting) if isinstance(value, Mapping) else None
    if said is None or str(said).strip().lower() != _setting(case, setting):
        text = f"Your function did not decide {setting}: it returned {short(json.dumps(value))}."
        yield Finding(name, text, _failures(case))


def _never_cut(case: Case, name: str) -> Iterator[Finding]:
    """Why nothing was proved, where a function failed before anything could be."""
    failed = [each for each in case.evidence["steps"] if each["error"]]
    if failed and producing.fired_at(case, "cut") is None:
        text = f"Your function failed before the network could be cut: {failed[0]['error'].rstrip('.')}."
        yield Finding(name, text, _failures(case))


def _refuses(case: Case) -> Iterator[Finding]:
    yield from _never_cut(case, "refuses")
    yield from _undecided(case, "refuses", LEAST)
    yield from _told(case, producing.refuses(case, "cut"))
    if case.acknowledged:
        yield from _report(case, "refuses")
    if _setting(case, LEAST) == "1":
        text = "The topic has min.insync.replicas=1: a leader that is alone says yes to whoever waits for it."
        yield Finding("refuses", text, _failures(case))


def _keeps(case: Case) -> Iterator[Finding]:
    yield from _never_cut(case, "keeps")
    yield from _undecided(case, "keeps", UNCLEAN)
    if producing.fired_at(case, "cut") is None:
        yield Finding("keeps", NEVER_CUT, _failures(case))
    if not case.acknowledged:
        yield Finding("keeps", "No record was acknowledged, so there was nothing to keep.", _failures(case))
    if _setting(case, UNCLEAN) == "true":
        text = "The topic has unclean.leader.election.enable=true: a replica may lead that lacks what was acknowledged."
        yield Finding("keeps", text)
    yield from producing.lost_writes(case)


def _goes_on(case: Case) -> Iterator[Finding]:
    yield from _never_cut(case, "goes on")
    if producing.fired_at(case, "cut") is None:
        yield Finding("goes on", NEVER_CUT, _failures(case))
        return
    if producing.fired_at(case, "kill") is None:
        yield Finding("goes on", _why_not_alone(case), _failures(case))
        return
    alone = _acknowledged_alone(case)
    if alone < ENOUGH:
        text = f"While the network was cut, {alone} records were acknowledged, which proves nothing."
        yield Finding("goes on", text, _failures(case))
    yield from _report(case, "goes on")


def _why_not_alone(case: Case) -> str:
    """The leader was cut off, and never had 300 records that consumers can read."""
    said = f"While the network was cut, the leader that was alone said yes to {_acknowledged_alone(case):,} records"
    if (least := _setting(case, LEAST)) != "1":
        return f"{said}, and nobody could read them: min.insync.replicas={least} keeps back what fewer replicas have."
    return f"{said}, and had fewer than 300 that can be read: it did not go on."


def _acknowledged_alone(case: Case) -> int:
    cut, kill = producing.made_at(case, "cut"), producing.fired_at(case, "kill")
    end = case.last_step_ended if kill is None else kill
    return sum((cut or 0) < each.entry["began"] < end for each in case.acknowledged.values())


def _loses(case: Case) -> Iterator[Finding]:
    lost = [value for value in case.acknowledged if value not in case.places]
    yield from _undecided(case, "loses", UNCLEAN)
    if lost and _setting(case, UNCLEAN) != "true":
        text = "What got lost was not chosen: the topic lets nobody lead who lacks what was acknowledged."
        yield Finding("loses", text)
    else:
        yield from _told(case, producing.loses(case))


def _rules() -> Iterator[evidence.Rule]:
    safe: Callable[[evidence.Checker], evidence.Checker] = _when_the_leader_died
    standard = evidence.STANDARD
    for grade_id, run, name, points, checker, kept in (
        ("produce", "survive", "lost-write", 2, safe(producing.nothing_lost), standard["lost-write"][1]),
        ("produce", "survive", "duplicate", 2, safe(_once), "Every record is in the log once, and nothing else is."),
        ("produce", "survive", "partitioning", 1, safe(producing.partitioning), standard["partitioning"][1]),
        ("produce", "survive", "order", 1, safe(producing.order), standard["order"][1]),
        ("produce", "survive", "recovery", 1, safe(_recovery), "The producer went on with the next leader."),
        ("produce", "survive", "report", 1, safe(_reported), "What your function said of each record is true."),
        ("consume", "process", "results", 3, _results,
         "Every record has its result, as far as its offset was not committed too early."),
        ("consume", "process", EARLY, 2, _committed_first, standard[EARLY][1]),
        ("consume", "process", "repeat", 2, _repeats, standard["repeat"][1]),
        ("consume", "process", "committed", 1, _committed, "The group has committed what it read, up to the end."),
        ("consistent", "refuse", "refuses", 2, _refuses, "Nothing was acknowledged in the cut, and you said so."),
        ("consistent", "refuse", "keeps", 1, _keeps, "Nothing that was acknowledged got lost."),
        ("available", "lose", "goes on", 1, _goes_on, "The leader that was alone went on, and you said so."),
        ("available", "lose", "loses", 2, _loses, "What it acknowledged alone got lost, as you chose."),
    ):  # fmt: skip
        yield evidence.Rule(f"{grade_id}-check", name, points, checker, kept, (run,))


RULES = list(_rules())
