"""Every way out that a notebook could try, tried: on the open rung it succeeds, in a jail it does not."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.doctor import reaching
from autograder.doctor.cases import texts
from autograder.doctor.world import World, build
from tests.support.jailed import SECRET, Grader, submission
from tests.support.ordinary_user import ordinary

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """What there is to reach for."""
    who = ordinary()
    with build(*(who.user, who.group) if os.geteuid() == 0 else ()) as world:
        yield world


def attempt(grader: Grader, world: World) -> dict[str, str]:
    """Try everything, in one notebook; what each cell said."""
    outcome = grader.run(reaching.job(world, grader.process.pid, SECRET))
    assert outcome.stops == ()
    return reaching.said(outcome)


def test_attempts_succeed_where_nothing_holds(grader_on: Callable[[str], Grader], world: World) -> None:
    """The attempts are real: without a jail, each reaches what it is after."""
    said = attempt(grader_on("none"), world)
    open_there = reaching.reached(said)
    assert {name: said[name] for name in set(reaching.OPEN) - open_there} == {"gain-rights": said["gain-rights"]}
    assert {name: said[name] for name in set(reaching.NEVER) & open_there} == {}


@pytest.mark.parametrize("rung", ["landlock", "bubblewrap", "namespaces"])
def test_attempts_are_refused_in_a_jail(grader_on: Callable[[str], Grader], world: World, rung: str) -> None:
    """On each strong rung, not one of them reaches anything."""
    before = sorted(path.name for path in world.course.rglob("*"))
    said = attempt(grader_on(rung), world)
    assert {name: said[name] for name in reaching.reached(said)} == {}
    assert len(said) == len(reaching.OPEN) + len(reaching.NEVER)
    assert sorted(path.name for path in world.course.rglob("*")) == before


def test_datagrams_do_not_arrive(grader: Grader, world: World) -> None:
    """Nothing leaves by UDP either, where a refusal could not be seen."""
    port = world.datagrams.getsockname()[1]
    code = f"import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'out', ('127.0.0.1', {port}))"
    grader.run(submission(code))
    assert not select.select([world.datagrams], [], [], 0)[0]


def test_links_out_of_the_folder_harm_nothing_when_it_is_removed(grader: Grader, world: World) -> None:
    """What a student left behind is removed without being followed."""
    code = (
        "import contextlib, os\n"
        f"os.symlink('{world.course}', 'out')\n"
        "os.makedirs('shut/in')\n"
        "os.mkfifo('pipe')\n"
        "with contextlib.suppress(PermissionError): os.chmod('shut', 0)\n"  # no modes are changed on the rung landlock
        "print(os.getcwd())"
    )
    outcome = grader.run(submission(code))
    folder = texts(outcome)[0].strip()
    assert (world.course / "source" / "solution.ipynb").exists()
    assert not Path(folder).exists()


def test_nothing_is_left_for_the_next_submission(grader: Grader) -> None:
    """Files, shared memory and history of one student are not there for another."""
    leave, find, _ = reaching.leave_and_find()
    grader.run(submission(leave))
    assert set(texts(grader.run(submission(find)))[0].split()) == {"False"}
