"""Which Kafka an assignment's arena runs on, when the instructor chooses another one than ``assignment.yaml`` says."""

from __future__ import annotations

import dataclasses

from autograder.assignment import Assignment
from autograder.console.words import CommandLineError, say
from autograder.pipeline.course import GradingError

CLUSTERS = ("embedded", "docker")


def on_cluster(assignment: Assignment, cluster: str | None) -> Assignment:
    """The assignment, played on that kind of cluster; None for the one that it has.

    Raises:
        CommandLineError: nothing in it needs a cluster.
    """
    if cluster is None:
        return assignment
    if assignment.arena is None:
        raise CommandLineError(
            f"--cluster {cluster}: {assignment.name} has no arena, so nothing in it needs a cluster."
        )
    return dataclasses.replace(assignment, arena={**assignment.arena, "cluster": cluster})


def is_apache(assignment: Assignment) -> bool:
    """Whether it is played on Apache Kafka in containers."""
    return (assignment.arena or {}).get("cluster") == "docker"


def look_for_engine() -> None:
    """Say that Apache Kafka will do it, and look for the engine before anybody is graded.

    Raises:
        GradingError: there is none.
    """
    from kit.backends.docker import engine  # the SDK takes a while

    if (problem := engine.problem()) is not None:
        raise GradingError(f"Apache Kafka in containers is not possible here. {problem}")
    say("Kafka work runs on Apache Kafka in containers.")
