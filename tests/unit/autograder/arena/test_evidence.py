"""Each checker finds what it is for in made-up evidence, and nothing in a run where all is right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from autograder.judge.case import Case, Place
from autograder.judge.consuming import committed_beyond, reading_order, results
from autograder.judge.evidence import STANDARD, Rule, cases_of, judged, pictures
from autograder.judge.finding import Finding
from autograder.judge.producing import acknowledgements, loses, partitioning, phantoms, refuses
from autograder.judge.tampering import tampering, writes
from autograder.judge.timeline import picture
from tests.support.evidence import RESULTS, TOPIC, Made


def case_of(made: Made) -> Case:
    """The run, indexed."""
    return Case(made.evidence(), TOPIC, RESULTS)


def amounts(case: Case) -> Iterable[Finding]:
    """Results that are not the order's amount."""
    return results(case, lambda _key, value: json.loads(value)["amount"])


def found_in(made: Made) -> set[str]:
    """The properties that are lost."""
    case = case_of(made)
    checkers: dict[str, Callable[[Case], Iterable[Finding]]] = {name: each[0] for name, each in STANDARD.items()}
    return {name for name, check in {**checkers, "results": amounts}.items() if next(iter(check(case)), None)}


def test_nothing_is_found_where_all_is_right() -> None:
    """A producer and a consumer without fault lose nothing, and get every point."""
    made = Made().produce().consume()
    assert found_in(made) == set()
    scores = judged([case_of(made)], [Rule("cell", name, 2.0, *each) for name, each in STANDARD.items()])
    assert [(score.points, score.of) for score in scores] == [(2.0, 2.0)] * len(STANDARD)


def lose(made: Made) -> None:
    """Take the newest record of partition 0 out of the log."""
    del made.logs["orders-0"][-1]


def write_again(made: Made) -> None:
    """Have one record twice: its first request had no answer."""
    record = made.logs["orders-1"][0]
    made.write(TOPIC, 1, [(record[1], record[2])])


def swap(made: Made) -> None:
    """Let two records of one key change places."""
    log = made.logs["orders-0"]
    first = log[0]
    second = next(record for record in log[1:] if record[1] == first[1])
    first[2], second[2] = second[2], first[2]


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lose, {"lost-write"}),
        (write_again, {"duplicate"}),
        (swap, {"order"}),
        (lambda made: made.write(TOPIC, 0, [("customer-00", '{"amount": 1}')]), {"foreign"}),
    ],
)
def test_producer_loses_its_property(spoil: Callable[[Made], Any], expected: set[str]) -> None:
    """Each fault of a producer is found under its name alone."""
    made = Made().produce()
    spoil(made)
    made.consume()
    assert found_in(made) - {"results"} == expected


def test_key_in_two_partitions_is_found() -> None:
    """One record of a key that went elsewhere is enough."""
    made = Made()
    made.strays = {20}
    assert found_in(made.produce().consume()) == {"partitioning"}


def test_records_of_different_keys_may_change_places() -> None:
    """Order holds for a key, and is not asked of others."""
    made = Made().produce()
    log = made.logs["orders-0"]
    place = next(number for number in range(len(log) - 1) if log[number][1] != log[number + 1][1])
    for field in (1, 2):
        log[place][field], log[place + 1][field] = log[place + 1][field], log[place][field]
    made.consume()
    assert "order" not in found_in(made)


def test_record_that_was_never_sent_is_lost_unless_that_was_said() -> None:
    """Giving up silently is told in other words than giving up and saying so."""
    made = Made(count=6)
    made.step("produce", [None] * 6)
    (score,) = judged([case_of(made)], [Rule("cell", "lost-write", 1.0, *STANDARD["lost-write"])])
    assert "gave it up" in score.reason
    assert "There are 6 faults" in score.reason


def test_reported_record_that_is_not_in_the_log_is_lost() -> None:
    """The student's own report counts as a promise too."""
    made = Made(count=4)
    made.step("produce", [[0, 0], [0, 1], [0, 2], [0, 3]])
    (score,) = judged([case_of(made)], [Rule("cell", "lost-write", 1.0, *STANDARD["lost-write"])])
    assert "Your function reported" in score.reason


def test_phantom_is_told_and_kafka_allows_it() -> None:
    """A record that was reported as not written, and is there, is found under its own name only."""
    made = Made(count=10).produce()
    made.steps[0]["value"] = [None, *([0, 0] for _ in range(9))]
    case = case_of(made)
    assert [found.name for found in phantoms(case)] == ["phantom"]


def test_partitions_are_compared_with_what_is_expected() -> None:
    """With a partitioner that is asked for, the partition itself counts."""
    case = case_of(Made().produce())
    assert list(partitioning(case, lambda key: int(key[-2:]) % 2)) == []
    assert list(partitioning(case, lambda _: 0)) != []


def test_commit_before_the_result_is_found() -> None:
    """Also when the result comes later, and when the commit never arrived."""
    made = Made().produce()
    made.step("consume")
    made.fetch(0, 0, 5)
    made.commit(0, 5, state="lost", fault="lose", answered=None)
    for offset in range(5):
        made.store(0, offset)
    made.commit(0, 5)
    found = list(STANDARD["committed-before-processed"][0](case_of(made)))
    assert len(found) == 5
    assert "never arrived" in found[0].proof[0]


def test_commit_without_reading_is_found() -> None:
    """An offset beyond everything that was fetched proves it."""
    made = Made().produce()
    made.step("consume")
    made.fetch(0, 0, 5)
    made.commit(0, 6)
    assert {"committed-unread", "unseen"} <= found_in(made)


def test_gap_between_two_fetches_is_a_skip_unless_the_group_was_joined() -> None:
    """A reader that goes on further than it read skipped records; after a rebalance it may begin anywhere."""
    made = Made().produce()
    made.step("consume")
    made.fetch(0, 0, 2)
    made.fetch(0, 4, 6)
    assert "poll-skip" in found_in(made)
    again = Made().produce()
    again.step("consume")
    again.fetch(0, 0, 2)
    again.entry("JoinGroup", {"text": ""}, "")
    again.fetch(0, 4, 6)
    assert "poll-skip" not in found_in(again)


@pytest.mark.parametrize(
    ("fields", "is_fault"),
    [({}, False), ({"key": None}, True), ({"key": "other"}, True), ({"result": -1}, True), ({"offset": None}, True)],
)
def test_storing_again_must_change_nothing(fields: dict[str, Any], is_fault: bool) -> None:
    """The same key and value again are harmless; another key, none, or another value is not."""
    made = Made().produce().consume()
    made.store(0, 3, **fields) if "offset" not in fields else made.write(RESULTS, 0, [("k", '{"result": 3}')])
    assert ("repeat" in found_in(made)) == is_fault


def test_wrong_missing_and_invented_results_are_found() -> None:
    """Each record has its right result, and nothing else has one."""
    made = Made(count=10).produce().consume()
    del made.logs["results-0"][0]
    made.logs["results-0"][0][2] = made.logs["results-0"][0][2].replace('"result": ', '"result": 1')
    made.write(RESULTS, 0, [("0-99", '{"partition": 0, "offset": 99, "result": 1}')])
    texts = [found.text for found in amounts(case_of(made))]
    assert [text.split()[0] for text in texts] == ["There", "The", "results-0"]


def test_order_of_what_was_said_to_be_polled() -> None:
    """A gap is a skip, going back is another name."""
    made = Made().produce()
    made.step("read", [[0, 0], [0, 1], [0, 3], [1, 0], [0, 2], "nonsense"])
    assert [found.name for found in reading_order(case_of(made), "read")] == ["poll-skip", "nonmonotonic-poll"]


@pytest.mark.parametrize(
    ("acks", "returned", "words"),
    [
        (-1, 40, []),
        (1, 40, ["Produce requests did not ask for all"]),
        (0, 40, ["Produce requests did not ask for all", "returned 40, and brokers acknowledged 0"]),
        (-1, 39, ["returned 39, and brokers acknowledged 40"]),
        (-1, True, ["returned true, and brokers acknowledged 40"]),
    ],
)
def test_producer_asks_for_all_and_knows_how_many(acks: int, returned: Any, words: list[str]) -> None:
    """What the function says is compared with what brokers answered; acks=0 is never answered."""
    made = Made().produce()
    made.steps[0]["value"] = returned
    for entry in made.entries:
        entry["asked"]["acks"] = acks
    texts = [found.text for found in acknowledgements(case_of(made), "produce")]
    assert len(texts) == len(words)
    assert all(word in text for word, text in zip(words, texts, strict=True))


def test_what_a_reader_commits_or_writes_is_seen() -> None:
    """A commit beyond where counting stopped, in that step; a record or topic where only reading is asked."""
    made = Made().produce()
    step = made.step("stopped")
    made.commit(0, 3)
    made.commit(1, 9)
    made.commit(0, 4)
    step["ended"] = made.entries[-1]["ended"]
    made.step("goes-on")
    made.commit(0, 5)
    found = list(committed_beyond(case_of(made), "stopped", Place(TOPIC, 0, 3)))
    assert [each.text.split()[1] for each in found] == ["4"]
    evidence = {**Made().evidence(), "described": {TOPIC: {}, "mailbox": {}}}
    assert [each.text for each in writes(Case(evidence, TOPIC))] == [
        "A client made topic mailbox where it was only to read."
    ]
    assert "wrote to orders" in next(writes(case_of(Made().produce()))).text
    rules = [Rule("cell", run, 1.0, lambda _: (), "", (run,)) for run in ("made-up", "another")]
    cases = [case_of(Made().produce()), Case({**Made().produce().evidence(), "run": "another"}, TOPIC, RESULTS)]
    here, elsewhere = judged(cases, rules, reading=("made-up",))
    assert (here.points, elsewhere.points) == (0.0, 1.0)
    assert "only to read" in here.reason
    assert "wrote" not in elsewhere.reason


@pytest.mark.parametrize(
    ("api", "asked", "words"),
    [
        ("AlterPartition", {}, "only brokers send"),
        ("63", {}, "only brokers send"),
        ("Fetch", {"replica_id": 2, "offsets": []}, "as if it were broker 2"),
        ("DeleteRecords", {"text": "DeleteRecordsRequest()"}, "changed the cluster"),
        ("IncrementalAlterConfigs", {"text": ""}, "changed the cluster"),
    ],
)
def test_tampering_is_found_and_costs_all_points(api: str, asked: dict[str, Any], words: str) -> None:
    """One such request, and nothing else that was seen counts."""
    made = Made().produce().consume()
    made.entry(api, asked, None)
    assert words in next(found.text for found in tampering(case_of(made)))
    (score,) = judged([case_of(made)], [Rule("cell", "order", 3.0, *STANDARD["order"])])
    assert (score.points, score.of) == (0.0, 3.0)


def test_log_that_was_cut_or_deleted_is_tampering() -> None:
    """Nobody needs the request to see that records are gone."""
    made = Made().produce()
    made.log_start_offset = 3
    evidence = made.evidence()
    evidence["logs"]["orders-1"] = None
    texts = [found.text for found in tampering(Case(evidence, TOPIC))]
    assert texts == ["orders-0 was cut: it begins at offset 3.", "orders-1 is gone, or nobody leads it."]


def test_flood_costs_all_points() -> None:
    """Whoever hides behind more than the journal holds gains nothing."""
    evidence = {**Made().produce().evidence(), "is_flooded": True}
    (score,) = judged(cases_of([evidence], TOPIC, RESULTS), [Rule("cell", "order", 1.0, *STANDARD["order"])])
    assert (score.points, "far more requests" in score.reason) == (0.0, True)


def test_run_that_the_arena_could_not_finish_is_not_the_students_fault() -> None:
    """It gives no points, and says whose fault that is."""
    evidence = {**Made().produce().evidence(), "is_complete": False}
    (score,) = judged(cases_of([evidence], TOPIC, RESULTS), [Rule("cell", "order", 1.0, *STANDARD["order"])])
    assert score.points == 0.0
    assert "the arena failed, not you" in score.reason


def test_run_that_failed_costs_no_points_of_other_runs() -> None:
    """A partition that nobody leads there is no tampering."""
    good = Made().produce().evidence()
    failed = {**Made().produce().evidence(), "run": "other", "is_complete": False}
    failed["logs"]["orders-1"] = None
    rules = [Rule(cell, "order", 1.0, *STANDARD["order"], (run,)) for cell, run in (("a", good["run"]), ("b", "other"))]
    kept, lost = judged(cases_of([good, failed], TOPIC, RESULTS), rules)
    assert (kept.points, lost.points) == (1.0, 0.0)
    assert "the arena failed, not you (run other" in lost.reason


def test_worst_of_several_runs_counts() -> None:
    """One seed in which a record is lost costs the points, and is the one that is shown."""
    good, bad = Made().produce().consume(), Made().produce().consume()
    lose(bad)
    evidence = [good.evidence(), {**bad.evidence(), "seed": 99}]
    evidence[1]["records"] = evidence[0]["records"]
    cases = cases_of(evidence, TOPIC, RESULTS)
    rules = [Rule("cell", name, 1.0, *STANDARD[name]) for name in ("lost-write", "duplicate")]
    score, kept = judged(cases, rules)
    assert (score.points, kept.points) == (0.0, 1.0)
    assert "seed 99" in score.reason
    assert score.proof
    drawn = pictures(cases, rules)
    assert list(drawn) == ["cell"]
    assert drawn["cell"].count("<svg") == 1


def test_faults_of_one_run_are_marked_in_one_picture() -> None:
    """A page of six times the same run shows nothing; a run in which nothing happened has no picture."""
    made = Made().produce().consume()
    lose(made)
    cases = cases_of([made.evidence()], TOPIC, RESULTS)
    rules = [Rule("cell", name, 1.0, STANDARD["lost-write"][0], "kept") for name in ("one", "two", "three")]
    drawn = pictures(cases, rules)
    assert drawn["cell"].count("<svg") == 1
    assert drawn["cell"].count("Marked: ") == 2  # for people, and for screen readers
    evidence = Made().evidence()
    assert pictures(cases_of([evidence], TOPIC, RESULTS), rules) == {}


def test_what_was_cut_off_refuses_or_loses() -> None:
    """Acknowledged after the cut is no refusal; nothing lost is no loss."""
    made = Made(count=10)
    made.step("produce", None)
    evidence = made.produce().evidence()
    evidence["fired"] = [{"rule": "cut", "at": 3, "made_at": 3, "time_ms": 0, "faults": []}]
    evidence["steps"][-1]["ended"] = 100
    case = Case(evidence, TOPIC)
    found = [each.text for each in refuses(case, "cut")]
    assert "while the network was cut" in found[0]
    assert any("Nothing was acknowledged before" in each for each in found)
    assert any("that asked for all in-sync replicas" in each for each in found)
    assert "was never cut" in next(refuses(case, "other")).text
    assert [found.name for found in loses(case)] == ["loses"]


def test_answer_after_the_function_ended_or_to_what_came_before_the_cut_is_no_word_of_the_cut_off_leader() -> None:
    """A request that waited until the network was mended, and one whose records the followers had already."""
    made = Made(count=10).produce()
    evidence = made.evidence()
    first, last = evidence["entries"][0], evidence["entries"][-1]
    cut = {"rule": "cut", "at": first["ended"], "made_at": first["ended"], "time_ms": 0, "faults": []}
    evidence["fired"] = [cut]
    for each in evidence["entries"][1:]:
        each["began"], each["ended"] = first["began"], last["ended"]
    evidence["steps"][-1]["ended"] = last["ended"] + 1
    assert not any("while the network was cut" in each.text for each in refuses(Case(evidence, TOPIC), "cut"))
    last["began"] = first["ended"] + 1
    assert any("while the network was cut" in each.text for each in refuses(Case(evidence, TOPIC), "cut"))
    cut["made_at"] = last["began"]  # the rule had fired, and the network was not cut yet
    assert not any("while the network was cut" in each.text for each in refuses(Case(evidence, TOPIC), "cut"))
    cut["made_at"] = first["ended"]
    evidence["steps"][-1]["ended"] = last["ended"] - 1
    assert not any("while the network was cut" in each.text for each in refuses(Case(evidence, TOPIC), "cut"))


def test_picture_is_static_and_escapes_what_students_wrote() -> None:
    """No script gets into a feedback page, whatever a key or value holds; screen readers have a table."""
    made = Made(count=10).produce()
    evil = "<script>alert(1)</script>"
    made.given[0][1] = evil
    made.logs["orders-0"][0][2] = made.entries[0]["asked"]["batches"][0]["records"][0][2] = evil
    made.steps[0]["name"] = evil
    made.entries[0]["asked"]["batches"][0]["topic"] = evil
    evidence = made.evidence()
    evidence["timeline"] = [
        [1005, "kill", 1, None, None, {}],
        [1006, "leader_elected", 2, TOPIC, 0, {"leader": 2, "previous": 1, "reason": "broker 1 was fenced"}],
    ]
    case = Case(evidence, TOPIC)
    drawn = picture(case, [Finding("order", evil, (evil,), (), (made.entries[0]["began"],))])
    assert "<script" not in drawn
    assert all(part in drawn for part in ("<title", "<desc", "<table>", "broker 2 leads", "kill broker 1"))
