"""Students who vote from a process of their own: ``python -m tests.clients.voters``, told what to do by a line of JSON.

The line has the settings of `kit.connect`, the poll's name, and for each student the options voted for, one after the
other. When all are ready it prints "ready"; a second line lets them begin, all at once. Then it prints which votes did
not count.
"""

from __future__ import annotations

import contextlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import kit


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read the orders, vote, and report."""
    orders = json.loads(sys.stdin.readline())
    with contextlib.closing(kit.connect(**orders["settings"])) as cluster:

        def vote(student: str) -> list[str]:
            receipts = [
                kit.vote(cluster, orders["poll"], choice, student=student) for choice in orders["votes"][student]
            ]
            return [receipt.text for receipt in receipts if not receipt.counts]

        with ThreadPoolExecutor(max_workers=len(orders["votes"])) as students:
            say("ready")
            sys.stdin.readline()
            refused = [text for texts in students.map(vote, orders["votes"]) for text in texts]
    say(json.dumps({"refused": refused}))


if __name__ == "__main__":
    main()
