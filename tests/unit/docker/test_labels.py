"""Whose containers are whose, and whether that process still lives."""

from __future__ import annotations

import json
import subprocess
import sys

from kit.backends.docker import labels
from kit.backends.docker.left_overs import LeftOver


def changed(**owner: object) -> dict[str, str]:
    """This process's labels with something else about the owner."""
    return {labels.OWNER: json.dumps({**labels.this_process(), **owner})}


def test_owner_that_lives_is_not_dead() -> None:
    """This process."""
    assert not labels.has_dead_owner(labels.of_cluster("a"))


def test_owner_that_ended_is_dead() -> None:
    """A process that was, and is no more."""
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)

    assert labels.has_dead_owner(changed(pid=int(ended.stdout)))


def test_process_id_that_came_again_is_another_process() -> None:
    """The same number, begun at another time."""
    assert labels.has_dead_owner(changed(started=1.0))


def test_owner_on_another_computer_is_never_taken_for_dead() -> None:
    """Several computers, or Windows and its Linux, may share an engine."""
    assert not labels.has_dead_owner(changed(host="elsewhere/linux", pid=1, started=1.0))


def test_labels_of_others_are_left_alone() -> None:
    """No owner, or one that nobody can read."""
    assert not any(map(labels.has_dead_owner, ({}, {labels.OWNER: "?"}, {labels.OWNER: "[1]"}, changed(pid="x"))))


def test_left_over_is_one_sentence() -> None:
    """For `kit doctor` and for the start that removes it."""
    assert LeftOver("kafka-kit-1", ("a", "b")).text.startswith("2 container(s) of the cluster kafka-kit-1, which")
    assert LeftOver("kafka-kit-1", ()).text.startswith("a network of the cluster kafka-kit-1, which")
