"""The parts of the simulation, each alone: schedules, shrinking, sequence numbers, assignments."""

from __future__ import annotations

import json

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.metadata import TopicPartition
from kit.simulation import faults
from kit.simulation.__main__ import main, seed_range
from kit.simulation.assignment import decode_assignment, encode_assignment, range_assign
from kit.simulation.faults import Fault
from kit.simulation.judge import Finding
from kit.simulation.producer_queue import PartitionQueue
from kit.simulation.recorder import Recorder
from kit.simulation.run import Result, remove_leftovers, schedule_for
from kit.simulation.shrink import shrink
from kit.simulation.workload import STANDARD
from kit.wire.records import Record

PLAYS_0 = TopicPartition("plays", 0)
PRODUCER_ID = 7


def test_schedule_is_made_from_the_seed():
    """A seed has one schedule, of at least six faults, and another seed another."""
    assert schedule_for(5) == schedule_for(5)
    assert schedule_for(5) != schedule_for(6)
    assert all(len(schedule_for(seed)) >= 6 for seed in range(50))


def test_schedule_has_every_kind_of_fault():
    """No kind is forgotten over some seeds."""
    seen = {fault.kind for seed in range(50) for fault in schedule_for(seed)}

    others = {faults.CONSUMER_CRASH, faults.REASSIGN, faults.ELECT}
    assert seen == {*faults.NODE_FAULTS, *faults.NETWORK_FAULTS, *others}


def test_fault_survives_json():
    """What is printed can be played again."""
    for seed in range(20):
        for fault in schedule_for(seed):
            assert Fault.from_json(json.loads(json.dumps(fault.as_json()))) == fault


@pytest.mark.parametrize(("text", "first", "length"), [("7", 7, 1), ("3-10", 3, 8)])
def test_seeds_are_a_number_or_a_range(text, first, length):
    """One seed, or the first and the last."""
    seeds = seed_range(text)

    assert (next(iter(seeds)), len(list(seeds))) == (first, length)


def test_seeds_may_have_no_end():
    """For a whole night."""
    seeds = iter(seed_range("1000.."))

    assert [next(seeds) for _ in range(3)] == [1000, 1001, 1002]


def test_command_plays_a_schedule_from_a_file(tmp_path, capsys):
    """One line per fault; the summary says what was played, and the exit code that all is well."""
    path = tmp_path / "schedule"
    path.write_text(json.dumps(Fault(faults.CONSUMER_CRASH, 100.0, 50.0, None, {"consumer": 0}).as_json()) + "\n")

    assert main(["--seeds", "4-5", "--schedule", str(path), "--records", "5"]) == 0
    assert "2 seeds with 2 faults (at least 1 each), 30 records and " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--seeds", "1..4"], "names no seeds"),
        (["--seeds", "5-1"], "the first one comes first"),
        (["--jobs", "0"], "no whole number from 1 on"),
        (["--brokers", "2"], "no whole number from 3 on"),
        (["--schedule", "/nowhere"], "cannot be read"),
        (["--schedule", __file__], "is no JSON: Extra data"),
        (["--minutes", "-1"], "'-1' is no number of minutes, 0 or more"),
        (["--minutes", "nan"], "'nan' is no number of minutes"),
        (["--minutes", "an hour"], "'an hour' is no number of minutes"),
        (["--controllers", "2"], "1 or 3 controllers decide by majority"),
    ],
)
def test_command_refuses_what_it_cannot_play(arguments, text, capsys):
    """One sentence and the exit code of a wrong call."""
    with pytest.raises(SystemExit) as exit_:
        main(arguments)

    assert exit_.value.code == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("[1]", "[1] is no JSON object"),
        ('{"kind": "boom", "duration_ms": 1, "at_ms": 0}', "kind 'boom' is none of kill, "),
        ('{"kind": "kill", "at_ms": 0, "node": 1}', "duration_ms must be a number, 0 or more, not None"),
        ('{"kind": "kill", "duration_ms": -1, "at_ms": 0, "node": 1}', "duration_ms must be a number"),
        ('{"kind": "kill", "duration_ms": 1, "node": 1}', "it begins either at_ms or after_acked"),
        ('{"kind": "kill", "duration_ms": 1, "at_ms": 0}', "kill needs node besides"),
        ('{"kind": "elect", "duration_ms": 1, "at_ms": 0, "node": 1}', "elect needs nothing besides"),
        ('{"kind": "kill", "duration_ms": 1, "at_ms": 0, "node": 4}', "there is no node 4 among 1, 2, 3"),
        ('{"kind": "kill", "duration_ms": 1, "at_ms": 0, "node": [1]}', "there is no node [1] among 1, 2, 3"),
        ('{"kind": "cut", "duration_ms": 1, "at_ms": 0, "groups": [[1], [7]], "one_way": false, "clients": {}}',
         "there is no node 7 among 1, 2, 3"),
    ],
)  # fmt: skip
def test_command_says_what_is_wrong_with_a_fault(line, text, tmp_path, capsys):
    """With the line, and without a traceback."""
    path = tmp_path / "schedule"
    path.write_text("\n" + line)

    with pytest.raises(SystemExit) as exit_:
        main(["--schedule", str(path)])

    told = capsys.readouterr().err
    assert exit_.value.code == 2
    assert "line 2" in told or "node" in told
    assert text in told.replace("\n", " ")
    assert "Traceback" not in told


def test_leftovers_of_killed_runs_are_removed(tmp_path):
    """Those of processes that run stay."""
    names = ["kit-simulation-17-ab", "kit-simulation-18-cd", "kit-simulation-old", "other-17-ab"]
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / "processes" / "18").mkdir(parents=True)

    remove_leftovers(tmp_path, tmp_path / "processes")

    assert [name for name in names if (tmp_path / name).exists()] == ["kit-simulation-18-cd", "other-17-ab"]


# -- shrinking -------------------------------------------------------------------------------------------------------


def failing_run(culprits, min_records):
    """A stand-in for `simulate`: it fails when all culprits are in the schedule and there are enough records."""

    def run(seed, workload, schedule):
        is_bad = culprits <= {fault.duration_ms for fault in schedule} and workload.num_records >= min_records
        return Result(seed, schedule, [Finding("lost-write", "gone")] if is_bad else [])

    return run


@pytest.mark.parametrize("culprits", [{3.0}, {0.0, 9.0}, {2.0, 3.0, 7.0}, set()])
def test_shrink_leaves_the_faults_that_matter(culprits):
    """Whatever can be left out is left out."""
    schedule = tuple(Fault(faults.KILL, float(number), 0.0) for number in range(10))
    run = failing_run(culprits, 0)

    shrunk = shrink(run(1, STANDARD, schedule), STANDARD, run)

    assert {fault.duration_ms for fault in shrunk.schedule} == culprits


def test_shrink_takes_clients_and_records_away():
    """Then the workload, as far as it still fails."""
    run = failing_run(set(), 40)

    shrunk = shrink(run(1, STANDARD, ()), STANDARD, run)

    assert shrunk.workload.num_consumers == 0
    assert 40 <= shrunk.workload.num_records < 80


def test_shrink_keeps_to_the_same_finding():
    """A smaller run with another problem is no smaller version of this one."""
    schedule = tuple(Fault(faults.KILL, float(number), 0.0) for number in range(4))

    def run(seed, workload, schedule):
        return Result(seed, schedule, [Finding("lost-write" if len(schedule) == 4 else "stuck", "")])

    shrunk = shrink(run(1, STANDARD, schedule), STANDARD, run)

    assert shrunk.schedule == schedule


# -- the producer's queue --------------------------------------------------------------------------------------------


class Queue:
    """A partition queue whose batches have one record each."""

    def __init__(self):
        self.recorder = Recorder(VirtualClock())
        self.queue = PartitionQueue(PLAYS_0)
        self.epoch = 0
        self.sent = 0

    def send(self, *, deadline_ms=1000.0):
        """Add a record and drain it as a batch of its own; None when it must wait."""
        self.sent += 1
        operation = self.recorder.send("p", "plays", 0, b"k", b"%d" % self.sent)
        self.queue.add(Record(0, 0, b"k", b"%d" % self.sent), operation, deadline_ms)
        return self.drain()

    def drain(self, now_ms=0.0):
        """The next batch that may be sent."""
        return self.queue.drain(now_ms, PRODUCER_ID, self.epoch, is_idempotent=True)


def test_queue_numbers_batches_in_order():
    """Each batch has the sequence number after the last one's."""
    lab = Queue()

    assert [lab.send().base_sequence for _ in range(3)] == [0, 1, 2]


def test_queue_sends_again_in_order_and_one_by_one():
    """Batches that failed are sent again before any new one, the first of them first."""
    lab = Queue()
    first, second = lab.send(), lab.send()
    lab.queue.retry(second, 0.0)
    lab.queue.retry(first, 0.0)

    assert lab.send() is first
    assert lab.drain() is None
    lab.queue.complete(first, 0)
    assert lab.drain() is second


def test_queue_knows_a_gap_from_a_batch_that_is_only_late():
    """A refused number is a gap when everything before it was acknowledged."""
    lab = Queue()
    first, second = lab.send(), lab.send()

    assert not lab.queue.is_gap(second)
    lab.queue.complete(first, 0)
    assert lab.queue.is_gap(second)


def test_queue_starts_anew_after_a_gap():
    """With a new epoch, everything that was refused is numbered from 0."""
    lab = Queue()
    batches = [lab.send() for _ in range(3)]
    lab.queue.complete(batches[0], 0)
    for batch in batches[1:]:
        lab.queue.retry(batch, 0.0)

    lab.queue.start_sequences(PRODUCER_ID, 1)

    assert [(each.producer_epoch, each.base_sequence) for each in batches[1:]] == [(1, 0), (1, 1)]
    assert not lab.queue.is_gap(batches[1])


def test_queue_sends_nothing_under_a_new_epoch_that_may_have_been_written():
    """No broker could know it for a duplicate."""
    lab = Queue()
    under_way, unanswered, refused = (lab.send() for _ in range(3))
    unanswered.in_doubt = True
    for batch in (unanswered, refused):
        lab.queue.retry(batch, 0.0)

    lab.queue.start_sequences(PRODUCER_ID, 1)

    assert [each.outcome for each in lab.recorder.history] == ["unknown", "unknown", "pending"]
    assert under_way.is_done
    assert lab.drain() is refused


def test_queue_sends_nothing_new_after_giving_up_until_the_rest_is_known():
    """The number that is missing may still arrive."""
    lab = Queue()
    late, other = lab.send(deadline_ms=5.0), lab.send()
    lab.queue.expire(5.0)

    assert late.is_done
    assert lab.send() is None
    assert not lab.queue.settle_unresolved()
    lab.queue.complete(other, 1)
    assert not lab.queue.settle_unresolved(), "what came after was taken, so the missing one had arrived"
    assert lab.drain().base_sequence == 2


def test_queue_asks_for_a_new_epoch_when_nothing_came_after_what_was_given_up():
    """Nobody knows whether the number was used."""
    lab = Queue()
    lab.send(deadline_ms=5.0)
    lab.queue.expire(5.0)

    assert lab.queue.settle_unresolved()


def test_queue_gives_up_with_the_right_outcome():
    """What was never sent has certainly not been written."""
    lab = Queue()
    lab.send(deadline_ms=5.0)
    lab.queue.retry(lab.send(deadline_ms=5.0), 0.0)
    waiting = lab.send(deadline_ms=5.0)
    lab.queue.expire(5.0)

    assert waiting is None
    assert [each.outcome for each in lab.recorder.history] == ["unknown", "unknown", "fail"]


# -- the group -------------------------------------------------------------------------------------------------------


def test_assignment_survives_its_bytes():
    """What the leader says is what the members read."""
    partitions = [TopicPartition("listens", 0), TopicPartition("plays", 0), TopicPartition("plays", 2)]

    assert decode_assignment(encode_assignment(partitions)) == partitions
    assert decode_assignment(b"") == []


def test_range_assignment_is_kafkas():
    """Each topic in ranges; the first members get one more. Source: the Javadoc of RangeAssignor."""
    plan = range_assign(["b", "a"], {"plays": 3, "listens": 3})

    assert plan == {
        "a": [TopicPartition(topic, number) for topic in ("listens", "plays") for number in (0, 1)],
        "b": [TopicPartition("listens", 2), TopicPartition("plays", 2)],
    }


def test_lost_commit_is_found():
    """An offset that was acknowledged must be there for whoever asks later."""
    recorder = Recorder(VirtualClock())
    recorder.commit("c", {PLAYS_0: 10}).acked()
    question = recorder.ask_committed("d", [PLAYS_0])
    recorder.commit("c", {PLAYS_0: 20}).acked()

    question.answered({PLAYS_0: 10})
    assert not recorder.findings
    question.answered({PLAYS_0: 9})
    assert [name for name, _ in recorder.findings] == ["lost-commit"]
