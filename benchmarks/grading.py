"""``python -m benchmarks.grading``: what grading costs, beside stock nbgrader on the same work in the same run.

The assignment of 14 code cells is that of the tests: six functions, seven tests with hidden parts, a question. Its
first cell imports Kafka's client and plotly, and draws. Both graders run as commands, so that starting them counts.
Stock nbgrader runs tests in the student's process and holds nothing; the autograder asks 66 probes from outside a jail.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from autograder import jail
from autograder.arena import play
from autograder.console import grade
from autograder.console import main as autograder
from autograder.execute import open_session
from autograder.job import Job
from autograder.judge.evidence import STANDARD, Rule, cases_of, judged
from benchmarks.run import Results, say, table
from tests.support import grading, pretend
from tests.support.evidence import RESULTS, TOPIC, Made

FIRST = "import plotly.graph_objects as go\nfrom kafka import KafkaConsumer, KafkaProducer\ngo.Figure(go.Bar(y=[1, 2]))"
MB = 1e6


def courses(folder: Path, submissions: int) -> dict[str, Path]:
    """The same honest submissions in two courses: one for us, judged by probes, and one for nbgrader."""
    made = {}
    for name, judging in (("embedded", "probes"), ("stock", "asserts")):
        course = grading.make_course(folder / name, judging, weakest_rung="none")
        with contextlib.redirect_stdout(sys.stderr):
            status = autograder(["release", grading.ASSIGNMENT, "--course", str(course)])
        if status:
            sys.exit("the assignment cannot be released")
        for number in range(submissions):
            grading.hand_in(course, f"student-{number:04d}", grading.work(course, first=FIRST))
        made[name] = course
    return made


def autograde(course: Path, workers: int) -> None:
    """One run of our command over everybody."""
    command = [sys.executable, "-m", "autograder.console", "grade", grading.ASSIGNMENT, "--force", "--no-feedback"]
    subprocess.run(
        [*command, "--course", str(course), "--workers", str(workers)], check=True, stdout=subprocess.DEVNULL
    )


def batches(folder: Path, submissions: int, rounds: int, results: Results) -> None:
    """Seconds per submission, alternating; every mark must be there."""
    made = courses(folder, submissions)
    runs: dict[str, Callable[[], object]] = {
        "stock nbgrader": lambda: grading.nbgrader(made["stock"], "autograde", grading.ASSIGNMENT, "--force"),
        "1 worker": lambda: autograde(made["embedded"], 1),
        "2 workers": lambda: autograde(made["embedded"], 2),
    }
    quietest: dict[str, float] = {}
    for number in range(rounds):
        for name, run in list(runs.items()) if number % 2 else reversed(runs.items()):
            began = time.perf_counter()
            run()
            took_s = (time.perf_counter() - began) / submissions
            say(f"  {name:>15}  {took_s:.2f} s per submission, load {os.getloadavg()[0]:.1f}")
            results.add("plain assignment: s per submission", name, took_s)
            quietest[name] = min(quietest.get(name, took_s), took_s)
    for name, took_s in quietest.items():
        results.add("plain assignment, quietest round: s per submission", name, took_s)
    for course in made.values():
        points = {sum(filter(None, cells.values())) for cells in grading.scores(course).values()}
        if points != {grading.AUTO_POINTS}:
            sys.exit(f"{points} points where all must have {grading.AUTO_POINTS}: the figure would mean nothing")


def memory(results: Results) -> None:
    """Proportional memory of one worker, its zygote, and a kernel that has run the assignment."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.grading", "--hold"], stdin=-1, stdout=-1, text=True
    ) as held:
        assert held.stdout is not None
        assert held.stdin is not None
        if held.stdout.readline() != "ready\n":
            sys.exit("the worker did not come so far")
        worker = psutil.Process(held.pid)
        parts = {"worker": worker} | {f"its process {each.pid}": each for each in worker.children(recursive=True)}
        sizes = {name: each.memory_full_info().pss / MB for name, each in parts.items()}
        say("  " + ", ".join(f"{name} {size:.0f} MB" for name, size in sizes.items()))
        results.add("worker and kernel: MB (PSS)", "1 worker", sum(sizes.values()))
        held.stdin.close()


def hold() -> None:
    """Be a worker with a kernel that has run the assignment, until the input ends."""
    cells = [{"cell_type": "code", "id": "a", "metadata": {}, "source": FIRST, "outputs": [], "execution_count": None}]
    notebook = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    with open_session(Job("held", "streams", {"a.ipynb": notebook})) as session:
        session.run_notebook("a.ipynb")
        print("ready", flush=True)
        sys.stdin.read()


def queue(folder: Path, submissions: int, results: Results) -> None:
    """Resident memory of the grader while many submissions pass through it; the workers only pretend to run them."""
    course = courses(folder, submissions)["embedded"]
    shutil.rmtree(folder / "stock")
    ledger = course / ".autograder" / "ledger.jsonl"
    seen_mb: dict[int, float] = {}  # by the number of those that were done
    ended = threading.Event()

    def watch() -> None:
        process = psutil.Process()
        while not ended.wait(0.5):
            if ledger.exists():
                seen_mb.setdefault(ledger.read_bytes().count(b"\n"), process.memory_info().rss / MB)

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.perf_counter()
    words = [grading.ASSIGNMENT, "--no-feedback", "--workers", "2", "--course", str(course)]
    with contextlib.redirect_stdout(sys.stderr):
        grade.run(words, execute=pretend.execute)
    took_s = time.perf_counter() - began
    ended.set()
    watching.join()
    for share in (0.1, 0.5, 1.0):
        done = max(each for each in seen_mb if each <= share * submissions)
        results.add(f"{submissions} submissions, the grader after {done}: MB", "2 workers", seen_mb[done])
    results.add(f"{submissions} submissions, recorded: s per submission", "2 workers", took_s / submissions)


def judging(operations: int, rounds: int, results: Results) -> None:
    """Operations per CPU-second: a right run with produce requests, fetches, results and commits, all properties."""
    made = Made(count=operations // 2, partitions=6, batch=20).produce().consume()
    evidence = made.evidence()
    total = sum(len(log["records"]) for log in evidence["logs"].values()) + len(evidence["entries"])
    for _ in range(rounds):
        began = time.process_time()
        rules = [Rule("cell", name, 1.0, *standard) for name, standard in STANDARD.items()]
        scores = judged(cases_of([evidence], TOPIC, RESULTS), rules)
        took_s = time.process_time() - began
        if lost := [score.name for score in scores if not score.points]:
            sys.exit(f"{lost} were lost where nothing was: the figure would mean nothing")
        results.add("judging: operations per CPU-s", "1 worker", total / took_s)


def arena(seeds: int, results: Results) -> None:
    """Seconds for one seed of each assignment with a cluster: its solution, in jails, all of the plan's runs."""
    from autograder.assignment import read_assignment
    from tests.support import course

    rung = jail.strongest("rlimits")
    for name in ("first-pipeline", "surviving-failure"):
        described = read_assignment(course.COURSE, name)
        text = course.solution(name, f"{name}.ipynb")
        cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
        notebook = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        for seed in range(seeds):
            plan = {**(described.arena or {}), "seeds": 1}
            job = Job("bench", name, {"a.ipynb": notebook}, budget=described.budget, seed=seed, arena=plan)
            began = time.perf_counter()
            found = play(job, open_session, apart=rung in {"namespaces", "bubblewrap"})
            took_s = time.perf_counter() - began
            if not all(each["is_complete"] for each in found):
                sys.exit(f"{name}: a run was not played to its end")
            say(f"  {name}: {took_s:.1f} s for {len(found)} runs")
            results.add(f"arena, {name}: s per seed", "1 worker", took_s)


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading", description=__doc__)
    parser.add_argument("--submissions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--queue", type=int, default=1000, help="submissions that pass through for the memory")
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=["batches", "memory", "queue", "judging", "arena"], action="append")
    parser.add_argument("--hold", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.hold:
        hold()
        return
    results = Results()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        parts: dict[str, Callable[[], object]] = {
            "batches": lambda: batches(Path(folder) / "batches", options.submissions, options.rounds, results),
            "memory": lambda: memory(results),
            "queue": lambda: queue(Path(folder) / "queue", options.queue, results),
            "judging": lambda: judging(options.operations, options.rounds, results),
            "arena": lambda: arena(options.seeds, results),
        }
        for name in options.only or parts:
            say(name)
            parts[name]()
    print(f"Jail: {jail.strongest('none')}.\n")
    print(table(results.medians(), over=[]))


if __name__ == "__main__":
    main()
