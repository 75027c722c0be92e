"""A class that votes: two hundred students from processes of their own, over the listener of ``kit up --listen``."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

import kit
from kit import quizzes
from tests.support.ports import free_port
from tests.support.wait import wait_until

pytestmark = [
    pytest.mark.clients,
    pytest.mark.slow,
    # kafka-python forgets sockets of connections that never came about.
    pytest.mark.filterwarnings(r"ignore:Exception ignored in. <socket\.socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("forgotten_sockets"),
]

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"
NUM_PROCESSES, NUM_STUDENTS = 8, 25


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run ``kit up`` for a classroom; gives what a student types into `kit.connect`."""
    home, port, outside = tmp_path_factory.mktemp("home"), free_port(), free_port()
    command = [sys.executable, "-m", "kit", "up", "--brokers", "1", "--port", str(port)]
    environment = {**os.environ, "KIT_HOME": str(home), "KIT_CLASSROOM_PASSWORD": PASSWORD}
    with subprocess.Popen(
        [*command, "--listen", f"127.0.0.1:{outside}"],
        cwd=ROOT, env=environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as up:  # fmt: skip
        assert up.stdout is not None
        said = ""
        while "To end it: " not in said:
            line = up.stdout.readline()
            assert line, f"kit up ended: {said}"
            said += line
        yield {
            "bootstrap_servers": f"127.0.0.1:{outside}",
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-256",
            "sasl_plain_username": "class",
            "sasl_plain_password": PASSWORD,
        }
        up.terminate()


@pytest.fixture
def cluster(settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[kit.Cluster]:
    """Give the classroom's cluster as a notebook connects to it."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    with contextlib.closing(kit.connect(**settings)) as cluster:
        yield cluster


def start_voters(settings: dict[str, Any], votes: dict[str, list[str]]) -> subprocess.Popen[str]:
    """Start one process of students, who wait for the line that lets them begin."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.clients.voters"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps({"settings": settings, "poll": "crowd", "votes": votes}) + "\n")
    process.stdin.flush()
    return process


def test_two_hundred_students_vote_at_once_and_are_counted_exactly(
    cluster: kit.Cluster, settings: dict[str, Any]
) -> None:
    """Every fifth one changes the vote; an instructor whose kernel starts anew sees the same."""
    poll = kit.poll(cluster, "crowd", "Which?", ["a", "b", "c", "d"])
    assert [option["percent"] for option in poll.state["options"]] == [0, 0, 0, 0]
    with contextlib.ExitStack() as stack:
        processes = []
        for place in range(NUM_PROCESSES):
            numbers = range(place * NUM_STUDENTS, (place + 1) * NUM_STUDENTS)
            votes = {f"student-{each}": ["1"] * (each % 5 == 0) + [str(each % 4 + 1)] for each in numbers}
            processes.append(stack.enter_context(start_voters(settings, votes)))
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * NUM_PROCESSES
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [json.loads(process.stdout.readline()) for process in processes]

    assert said == [{"refused": []}] * NUM_PROCESSES
    wait_until(lambda: poll.counts == {"1": 50, "2": 50, "3": 50, "4": 50}, "all votes")
    assert poll.state["said"] == "200 students have voted."
    again = kit.poll(cluster, "crowd")
    assert again.state["options"] == poll.state["options"]
    poll.close()
    again.close()


def test_vote_that_does_not_count_says_why(cluster: kit.Cluster) -> None:
    """Unknown poll, unknown option, closed, and a late record that went around `kit.vote`."""
    unknown = kit.vote(cluster, "nothing", "1")
    poll = kit.poll(cluster, "late", "Which?", {"x": "this", "y": "that"}, answer="y", why="so it is")
    no_option = kit.vote(cluster, "late", "z")
    counted = kit.vote(cluster, "late", "x")
    poll.close_voting()
    late = kit.vote(cluster, "late", "y")
    producer = KafkaProducer(**cluster.client_settings)
    producer.send("poll.late", key=b"sneaky", value=b'{"kind": "vote", "answer": "y"}').get(20)
    producer.close()

    assert "has no poll 'nothing'. There " in unknown.text
    assert no_option.text == "Your vote does not count. There is no option 'z': the options are x, y."
    assert (counted.counts, counted.offset) == (True, 1)
    assert late.text == "Your vote does not count. The poll 'late' is closed."
    wait_until(lambda: "1 came after voting was closed" in poll.state["refused"], "the late record to be told")
    assert poll.counts == {"x": 1, "y": 0}
    poll.reopen()
    assert kit.vote(cluster, "late", "y").counts
    poll.reveal()
    wait_until(lambda: poll.state["phase"] == "revealed", "the answer")
    assert poll.counts == {"x": 0, "y": 1}
    assert str(poll).endswith("1 student has voted.\nso it is")
    poll.close()


def test_ballot_waits_for_the_question_and_tells_the_answer(cluster: kit.Cluster) -> None:
    """A student who came first waits; one who comes late sees question, own vote and answer."""
    early = kit.vote(cluster, "waiting")
    assert early.state["phase"] == "waiting"
    poll = kit.poll(cluster, "waiting", "Which?", ["this", "that"], answer="2")
    wait_until(lambda: early.state["phase"] == "open", "the question")
    assert early.vote("2").counts
    poll.reveal()

    late = kit.vote(cluster, "waiting")

    wait_until(lambda: late.state["phase"] == "revealed", "the answer")
    assert (late.state["mine"], late.state["right"], late.state["options"][0]) == ("2", ["2"], ["1", "this"])
    assert late.vote("1").text == "Your vote does not count. The poll 'waiting' is closed."
    for view in (early, late, poll):
        view.close()


def test_feedback_is_shown_hidden_and_exported(cluster: kit.Cluster, tmp_path: Path) -> None:
    """It starts empty; each student has one answer; what is hidden stays out, and formulas are defused."""
    wall = kit.feedback(cluster, "day2")
    assert wall.state["said"].startswith("No answers yet.")
    for student, text in [("ana", "Labs!"), ("ben", "=1+1"), ("eve", "rude"), ("ana", "<b>More labs!</b>")]:
        assert kit.vote(cluster, "day2", text, student=student).counts
    wait_until(lambda: len(wall.answers) == 3, "three answers")
    rude = next(row["offset"] for row in wall.state["rows"] if row["text"] == "rude")

    wall.hide(rude)

    assert wall.answers == ["=1+1", "<b>More labs!</b>"]
    exported = wall.export(tmp_path / "day2.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",", 1)[1] for line in exported] == ["student,answer", "ben,'=1+1", "ana,<b>More labs!</b>"]
    again = kit.feedback(cluster, "day2")
    assert again.state["rows"] == wall.state["rows"]
    wall.show(rude)
    assert "rude" in wall.answers
    with pytest.raises(kit.PollError, match="No answer has the offset 999"):
        wall.hide(999)
    wall.close()
    again.close()


@pytest.mark.parametrize(
    ("arguments", "options", "told"),
    [
        (("a b",), {}, "cannot be the name of a poll"),
        (("fresh-one",), {}, "has no question yet: kit.poll"),
        (("fresh-one", "Which?"), {}, "2 to 20 options"),
        (("fresh-one", "Which?", ["one"]), {}, "2 to 20 options"),
        (("fresh-one", "", ["a", "b"]), {}, "A question is a text"),
        (("fresh-one", "Which?", ["a", "b"]), {"answer": "3"}, "is none of the options"),
        (("fresh-one", quizzes.load("groups").questions[0]), {}, "no options to choose from"),
    ],
)
def test_poll_that_makes_no_sense_is_a_sentence(
    cluster: kit.Cluster, arguments: tuple[Any, ...], options: dict[str, str], told: str
) -> None:
    """Nothing is asked, and the text says what to write."""
    with pytest.raises(kit.PollError, match=told):
        kit.poll(cluster, *arguments, **options)


def test_poll_with_another_question_is_not_overwritten(cluster: kit.Cluster) -> None:
    """Votes belong to their question; a new round is begun on purpose only."""
    first = kit.poll(cluster, "twice", "Which?", ["this", "that"])
    assert kit.vote(cluster, "twice", "1").counts

    with pytest.raises(kit.PollError, match="another question already"):
        kit.poll(cluster, "twice", "Which one?", ["this", "that"])
    with pytest.raises(kit.PollError, match=r"has options: show it with kit\.poll"):
        kit.feedback(cluster, "twice")
    second = kit.poll(cluster, "twice", "Which one?", ["this", "that"], fresh=True)

    assert second.state["question"] == "Which one?"
    assert second.counts == {"1": 0, "2": 0}
    first.close()
    second.close()


def test_topic_with_more_partitions_is_refused(cluster: kit.Cluster) -> None:
    """Its votes would have no common order."""
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(**cluster.client_settings)
    admin.create_topics({"poll.wide": {"num_partitions": 3}}, wait_for_metadata=True)
    admin.close()

    with pytest.raises(kit.PollError, match="has 3 partitions, and a poll needs one"):
        kit.poll(cluster, "wide", "Which?", ["this", "that"])


def test_poll_goes_on_when_its_leader_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Votes before and after the failover are counted once each, and the view follows the new leader."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    with kit.start(brokers=3) as cluster:
        poll = kit.poll(cluster, "cap")
        assert kit.vote(cluster, "cap", "3", student="ana").counts
        leader = cluster.topics()["poll.cap"].partitions[0].leader
        assert leader is not None

        cluster.kill(leader)

        assert kit.vote(cluster, "cap", "2", student="ben").counts
        wait_until(lambda: poll.counts == {"1": 0, "2": 1, "3": 1, "4": 0}, "both votes")
        poll.reveal()
        assert poll.state["phase"] == "revealed"
        poll.close()


def test_vote_without_a_cluster_is_a_sentence() -> None:
    """A slip that is easy to make."""
    assert "'cap' is no cluster" in kit.vote("cap", "3", "x").text


# In a process of its own, as in a notebook: what is written to stderr there is what people would see.
CLOSED_UNDER_VIEWS = """
import kit
from tests.support.wait import wait_until

with kit.start(brokers=1) as cluster:
    views = [kit.poll(cluster, "cap"), kit.feedback(cluster, "day2"), kit.vote(cluster, "cap")]
    wait_until(lambda: "waiting" not in {view.state["phase"] for view in views}, "the questions")
for view in views:
    wait_until(lambda view=view: view.state["trouble"], "the end")
    print(view.state["trouble"])
    view.close()
print(kit.vote(cluster, "cap", "3"))
"""


def test_views_say_so_when_their_cluster_is_gone(tmp_path: Path) -> None:
    """Threads end, each view has a sentence, and nothing is written to stderr."""
    run = subprocess.run(
        [sys.executable, "-c", CLOSED_UNDER_VIEWS], cwd=ROOT, env={**os.environ, "KIT_HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip

    assert run.stderr == ""
    told = run.stdout.splitlines()
    assert [line.startswith("The view has stopped. The cluster is closed") for line in told[:3]] == [True] * 3
    assert told[3].startswith("Your vote does not count. The cluster is closed")
