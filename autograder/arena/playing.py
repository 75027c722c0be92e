"""Plays a plan with a student's functions, and gathers the evidence; nothing is judged here."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, Protocol, Self

from autograder.arena.host_link import ArenaError, HostLink
from autograder.arena.plan import Plan, Run, Step, Topic, decided_settings
from autograder.deadline import Deadline
from autograder.jail.network import Network
from autograder.job import Answer, Job
from kit.broker.witness.describe import shown

FORMAT = 1
_LOOK_AGAIN_S = 0.02
_GRACE_S = 10.0  # a call that is over its time ends by itself; after this the kernel is killed
_END_S = 5.0
_OF_THE_CLUSTER = {"elected", "high_watermark"}
_CLUSTER_S = {"embedded": 10.0, "docker": 20.0}  # a leader that is cut off is found out within one second, or three
_HUNG_MS = 6_000  # a member of a group gives a sign of life every 3 s
_LOOK_WHETHER_HUNG_S = 1.0
_MOST_REPLAYS = 3
_MOST_TRIES = 2
_LISTS = ("given", "rules", "steps", "fired", "timeline", "entries", "connections", "commits")


class Session(Protocol):
    """One submission in a jail; see `autograder.execute`."""

    def run_notebook(self, name: str) -> Any:
        """Run a notebook's cells in a kernel, which then waits for `call`."""

    def call(self, function: str, arguments: tuple[Any, ...], timeout_s: float) -> Answer:
        """``function(*arguments)`` in the kernel, answered in JSON."""

    def kill(self) -> None:
        """End the kernel at once; a call that is under way is answered with an error."""


OpenSession = Callable[[Job, Network | None], AbstractContextManager[Any]]


def play(
    job: Job,
    open_session: OpenSession,
    *,
    apart: bool | None = None,
    rung: str | None = None,
    deadline: Deadline | None = None,
) -> tuple[dict[str, Any], ...]:
    """Play a job's plan with as many seeds as it says.

    Args:
        open_session: gives a session in a jail, whose kernel joins the network that it is given.
        apart: whether the clusters have a network of their own; None for what fits the jail.
        rung: the jail of the sessions; None for the strongest of this machine.
        deadline: of the whole submission; a run that has not begun by then is not played. None for one of its own.

    Returns:
        The evidence of each run with each seed: see `docs/reference/arena.md`. JSON can hold it.
        A run that the arena itself failed at, twice, has a ``problem`` and nothing else, and one for which there was no
        time left says so in ``not_played``.

    Raises:
        PlanError: the plan cannot be played.
    """
    plan = Plan.read(job.arena or {})
    place = _place(rung or _strongest(job)) if apart is None else {"apart": apart}
    deadline = deadline or Deadline(job.budget.total_s)
    found = []
    host: HostLink | None = None
    try:
        for number, run in itertools.product(range(plan.seeds), plan.runs):
            if deadline.is_over:
                why = f"The submission had used up its {deadline.total_s:g} s when this run was to begin."
                found.append(_nothing_of(job, run, number) | {"is_complete": True, "not_played": why})
                continue
            for _ in range(_MOST_TRIES):
                began_s = time.monotonic()
                try:
                    with deadline.stopped():
                        host = host or HostLink(cluster=plan.cluster, **place)
                    evidence = _played(job, run, number, host, open_session, deadline=deadline)
                    break
                except ArenaError as error:  # a new host, once
                    deadline.give_back(time.monotonic() - began_s)
                    if host is not None:
                        host.close()
                    host, evidence = None, _nothing_of(job, run, number) | {"problem": str(error)}
            found.append(evidence)
    finally:
        if host is not None:
            host.close()
    return tuple(found)


def _nothing_of(job: Job, run: Run, number: int) -> dict[str, Any]:
    """The evidence of a run of which nothing was seen."""
    nothing: dict[str, Any] = {name: [] for name in _LISTS}
    nothing |= {"topics": {}, "logs": {}, "described": {}, "records": dataclasses.asdict(run.records)}
    seed = job.seed * 1000 + number
    return nothing | {"format": FORMAT, "run": run.name, "number": number, "seed": seed, "is_complete": False}


def _played(
    job: Job, run: Run, number: int, host: HostLink, open_session: OpenSession, *, deadline: Deadline
) -> dict[str, Any]:
    """One run, played again when the client library hung: that is nobody's fault, and must not decide."""
    for replays in range(_MOST_REPLAYS + 1):
        began_s = time.monotonic()
        gives_up = replays == _MOST_REPLAYS
        with Play(job, run, number, host, open_session, deadline=deadline, gives_up=gives_up) as played:
            evidence = played.evidence()
        if evidence is not None:
            return {**evidence, "replays": replays}
        deadline.give_back(time.monotonic() - began_s)
    raise AssertionError("the last replay always has evidence")


def _strongest(job: Job) -> str:
    from autograder.jail import strongest  # tries what this machine allows

    return str(strongest(job.weakest_rung))


def _place(rung: str) -> dict[str, bool]:
    """Where the clusters live so that such a jail reaches them: jails that join no network use this computer's."""
    return {"apart": rung in {"namespaces", "bubblewrap"}, "contained": rung == "docker"}


@dataclass(frozen=True)
class _Call:
    """A step under way: the thread that waits for the answer, and what is told of it so far."""

    step: Step
    session: Any
    thread: threading.Thread
    answers: list[Answer]
    told: dict[str, Any]


def _groups(steps: Sequence[Step]) -> list[list[Step]]:
    """Steps that begin together, in order."""
    found: list[list[Step]] = []
    for step in steps:
        if step.is_beside:
            found[-1].append(step)
        else:
            found.append([step])
    return found


class _Hung(Exception):
    """The client library of the student's kernel does nothing any more."""


class Play:
    """One run with one seed.

    Args:
        number: of the seed, from 0.
        deadline: of the submission; what only the arena needs time for does not count.
        gives_up: on looking whether the client library hung.
    """

    def __init__(
        self, job: Job, run: Run, number: int, host: HostLink, open_session: OpenSession,
        *, deadline: Deadline, gives_up: bool = False,
    ) -> None:  # fmt: skip
        self._deadline = deadline
        self._gives_up = gives_up
        self._job = job
        self._run = run
        self._number = number
        self._host = host
        self._open_session = open_session
        self._seed = job.seed * 1000 + number
        self._records = run.records.made(self._seed)
        self._rules = run.rules_for(self._seed)
        self._sessions: dict[str, Any] = {}
        self._stack = ExitStack()
        self._steps: list[dict[str, Any]] = []
        self._servers = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ArenaError):
            self._host.ask("stop")
        self._stack.close()

    def evidence(self) -> dict[str, Any] | None:
        """Play it to the end, and say what was seen; None when the client library hung."""
        began_s = time.monotonic()
        with self._deadline.stopped():
            started = self._host.start(self._run.brokers, dict(self._run.config))
            self._servers = started["bootstrap_servers"]
            for topic in self._run.topics:
                if topic.config_from is None:
                    self._make(topic, topic.config)
            self._host.ask("witness", rules=self._rules)
        for together in _groups(self._run.steps):
            played = self._play(together)
            if played is None:
                return None
            self._steps += played
            for topic in self._run.topics:
                if topic.config_from == together[-1].name:
                    self._make(topic, {**topic.config, **decided_settings(self._steps[-1]["value"])})
        with self._deadline.stopped():
            self._wait_for_cluster(_CLUSTER_S[started["cluster"]["kind"]])
            self._stack.close()
            is_settled = self._host.ask("finish")
            seen = self._host.ask("seen")
        return {
            "format": FORMAT,
            "run": self._run.name,
            "number": self._number,
            "seed": self._seed,
            "records": dataclasses.asdict(self._run.records),
            "given": [[_shown(key), _shown(value)] for key, value in self._records],
            "topics": {topic.name: topic.partitions for topic in self._run.topics},
            "rules": self._rules,
            "steps": self._steps,
            "cluster": started["cluster"],
            "is_apart": self._host.is_apart,
            "is_complete": is_settled,
            "is_flooded": _is_flooded(seen),
            "wall_s": round(time.monotonic() - began_s, 2),
            **seen,
        }

    def _make(self, topic: Topic, config: Mapping[str, str]) -> None:
        self._host.ask(
            "create_topic", name=topic.name, partitions=topic.partitions, replicas=topic.replicas, config=dict(config)
        )
        if topic.is_filled:
            self._host.ask("fill", topic=topic.name, records=self._records)

    # -- steps ---------------------------------------------------------------------------------------------------

    def _play(self, together: Sequence[Step]) -> list[dict[str, Any]] | None:
        """Play steps that begin together; None when the client library hung."""
        for step in together:
            self._session(step.session)  # all kernels are ready before the first call
        try:
            if len(together) == 1:
                return [self._play_alone(*together)]
            calls = [self._begin(step, step.timeout_s) for step in together]
            return [self._finish(call, is_alone=False) for call in calls]
        except _Hung:
            return None

    def _play_alone(self, step: Step) -> dict[str, Any]:
        """Play a step; what an error has ended begins again as often as the plan says, as it would on a real server."""
        end_s = time.monotonic() + step.timeout_s
        told = self._finish(self._begin(step, step.timeout_s), is_alone=True) | {"crashes": []}
        first = {name: told[name] for name in ("began", "began_ms")}
        while told["error"] is not None and not told["was_killed"] and len(told["crashes"]) < step.restarts:
            if (left_s := end_s - time.monotonic()) <= 0:
                break
            crashes = [*told["crashes"], told["error"]]
            told = self._finish(self._begin(step, left_s), is_alone=True) | first | {"crashes": crashes}
        return told

    def _begin(self, step: Step, timeout_s: float) -> _Call:
        told: dict[str, Any] = {"name": step.name, "function": step.function, "session": step.session}
        session = self._session(step.session)
        told |= {"began": self._host.ask("place"), "began_ms": _now_ms()}
        answers: list[Answer] = []
        arguments = tuple(map(self._filled, step.arguments))

        def ask() -> None:
            try:
                answers.append(session.call(step.function, arguments, timeout_s))
            except (OSError, ValueError) as error:  # its pipes were closed when it was killed
                answers.append(Answer(step.function, error=f"the kernel was killed ({type(error).__name__})"))

        thread = threading.Thread(target=ask, name=f"arena: {step.name}", daemon=True)
        thread.start()
        return _Call(step, session, thread, answers, told)

    def _finish(self, call: _Call, *, is_alone: bool) -> dict[str, Any]:
        told, answers = call.told, call.answers
        was_killed = self._wait(call.thread, call.step, call.session)
        told |= {"ended": self._host.ask("place"), "ended_ms": _now_ms(), "was_killed": was_killed}
        answer = answers[0] if answers else Answer(call.step.name, error="the kernel gave no answer")
        # An application that an error has ended is gone; in a kernel its clients would live on, as members of groups.
        is_over = call.step.is_killed or (is_alone and answer.error is not None)
        if is_over:
            self._end(call.step.session, call.session)
        if was_killed or is_over:
            self._host.ask("forget_members")
        self._host.ask("release")
        return told | {"value": answer.value, "error": answer.error}

    def _wait(self, call: threading.Thread, step: Step, session: Any) -> bool:
        """Wait for the call's end; whether the plan killed its kernel."""
        give_up_s = time.monotonic() + step.timeout_s + _GRACE_S
        look_s = time.monotonic() + _LOOK_WHETHER_HUNG_S
        while call.is_alive():
            call.join(_LOOK_AGAIN_S)
            if step.kill_after is not None and self._has_fired(step.kill_after):
                num_stops = len(getattr(session, "stops", ()))
                self._end(step.session, session)
                call.join(_END_S)
                del getattr(session, "stops", [])[num_stops:]  # the plan stopped it, not the student's fault
                return True
            if not self._gives_up and time.monotonic() > look_s:
                look_s = time.monotonic() + _LOOK_WHETHER_HUNG_S
                if self._is_hung():
                    self._end(step.session, session)
                    call.join(_END_S)
                    raise _Hung
            if time.monotonic() > give_up_s:
                self._end(step.session, session)
                call.join(_END_S)
                return False
        return False

    def _is_hung(self) -> bool:
        """Whether a consumer has joined its group and then fallen silent for good.

        kafka-python 3.0.12 does that when `poll` runs out of time between JoinGroup and SyncGroup of a join that new
        metadata brought about: it forgets that it is joining, and never sends anything again.
        """
        api, quiet_ms = self._host.ask("quiet")
        return api in {"JoinGroup", "SyncGroup"} and quiet_ms > _HUNG_MS

    def _wait_for_cluster(self, patience_s: float) -> None:
        """Let come what rules wait for that no request tells of, also when the student's functions are done before."""
        give_up_s = time.monotonic() + patience_s
        while time.monotonic() < give_up_s:
            fired = {each["rule"] for each in self._host.ask("fired")}
            due = [
                rule
                for rule in self._rules
                if _OF_THE_CLUSTER & rule.get("when", {}).keys()
                and rule["name"] not in fired
                and rule.get("after", rule["name"]) in {*fired, rule["name"]}
            ]
            if not due:
                return
            time.sleep(_LOOK_AGAIN_S)

    def _has_fired(self, rule: str) -> bool:
        return any(each["rule"] == rule for each in self._host.ask("fired"))

    def _session(self, name: str) -> Any:
        if name not in self._sessions:
            network = self._host.network
            session = self._stack.enter_context(self._open_session(self._job, network))
            for notebook in list(self._job.notebooks)[-1:]:
                session.run_notebook(notebook)
            self._sessions[name] = session
        return self._sessions[name]

    def _end(self, name: str, session: Any) -> None:
        session.kill()
        self._sessions.pop(name, None)

    def _filled(self, argument: Any) -> Any:
        """What an argument stands for."""
        known = {
            # The same keys as in a notebook: a setting more, and a client that names it itself would fail here alone.
            "$client_settings": {"bootstrap_servers": self._servers},
            "$bootstrap_servers": self._servers,
            "$records": self._records,
            "$count": len(self._records),
            "$seed": self._seed,
            "$values": [json.loads(value) for _, value in self._records] if argument == "$values" else None,
        }
        return known.get(argument, argument) if isinstance(argument, str) else argument


def _is_flooded(seen: Mapping[str, Any]) -> bool:
    """Whether so much was asked or written that not all of it was kept."""
    return bool(seen["num_dropped"]) or not all(log is None or log["is_whole"] for log in seen["logs"].values())


def _shown(text: str) -> str | None:
    return shown(text.encode())


def _now_ms() -> int:
    return int(time.time() * 1000)
