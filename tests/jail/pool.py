"""A grader that uses a pool, or a second thread; it prints what came of it."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from concurrent.futures import ProcessPoolExecutor

from autograder.execute import execute, open_session
from autograder.job import Probe
from tests.support.jailed import submission


def pool() -> None:
    """Six submissions in two processes, after one in this process."""
    source = "def double(n):\n    return 2 * n"
    print(execute(submission("1")).rung)  # noqa: T201
    jobs = [submission(source, probes=[Probe("doubles", "double", (number,))]) for number in range(6)]
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as workers:
        for outcome in workers.map(execute, jobs):
            print(outcome.answers[0].value)  # noqa: T201


def kill() -> None:
    """A session that ends while it is asked something."""
    job = submission("import time\ndef sleeps():\n    print('begun')\n    time.sleep(60)")
    with open_session(job) as session:
        session.run_notebook("work.ipynb")
        threading.Timer(0.5, session.kill).start()
        print(session.call("sleeps").error)  # noqa: T201
        print(session.stops)  # noqa: T201
        print(session.call("sleeps").error)  # noqa: T201


if __name__ == "__main__":
    kill() if "kill" in sys.argv else pool()
