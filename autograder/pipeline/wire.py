"""A job and what came of it, as JSON text, for workers on other computers: nothing but text is sent back by them."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

from autograder.job import Budget, Job, Outcome, Probe, Score
from autograder.judge.script import Script
from autograder.pipeline.work import Execute, Performed, perform


class RemoteError(Exception):
    """A worker could not do its work; its own words, in one line."""


def packed(job: Job, script: Script | None) -> str:
    """What a worker needs."""
    plain = dataclasses.asdict(job)
    plain["files"] = {name: base64.b64encode(content).decode() for name, content in job.files.items()}
    judge = None
    if script is not None:
        judge = {
            "where": script.where,
            "text": script.text,
            "points": [[*key, of] for key, of in script.points.items()],
        }
    return json.dumps({"job": plain, "judge": judge})


def perform_packed(text: str, execute: Execute | None = None) -> str:
    """In the worker: `perform`, from text to text; it raises nothing, for an exception would not travel as text."""
    try:
        return _text(perform(*_unpacked(text), execute))
    except Exception as error:  # noqa: BLE001 - told to the grader, who goes on with the others
        return json.dumps({"error": f"{type(error).__name__}: {' '.join(str(error).split())}"[:1000]})


def performed(text: object) -> Performed:
    """Read what a worker said.

    Raises:
        RemoteError: it could not do its work, or said something else.
    """
    try:
        made = json.loads(text) if isinstance(text, str) else {}
        if "error" in made:
            raise RemoteError(str(made["error"]))
        scores = made["scores"]
        return Performed(**{
            **made,
            "outcome": Outcome.from_json(made["outcome"]),
            "scores": None if scores is None else tuple(_score(each) for each in scores),
            "flags": tuple(made["flags"]),
        })  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise RemoteError(f"a worker's answer makes no sense ({type(error).__name__})") from error


def _unpacked(text: str) -> tuple[Job, Script | None]:
    made = json.loads(text)
    plain: dict[str, Any] = made["job"]
    plain["files"] = {name: base64.b64decode(content) for name, content in plain["files"].items()}
    plain["budget"] = Budget(**plain["budget"])
    plain["probes"] = tuple(Probe(**{**each, "arguments": tuple(each["arguments"])}) for each in plain["probes"])
    judge = made["judge"]
    if judge is not None:
        points = {(grade_id, name): of for grade_id, name, of in judge["points"]}
        judge = Script(judge["where"], judge["text"], points)
    return Job(**plain), judge


def _score(made: dict[str, Any]) -> Score:
    return Score(**{**made, "proof": tuple(made["proof"])})


def _text(done: Performed) -> str:
    plain = {each.name: getattr(done, each.name) for each in dataclasses.fields(done)}
    plain["outcome"] = done.outcome.to_json()
    plain["scores"] = None if done.scores is None else [dataclasses.asdict(score) for score in done.scores]
    plain |= {"pages": dict(done.pages), "pictures": dict(done.pictures)}
    return json.dumps(plain)
