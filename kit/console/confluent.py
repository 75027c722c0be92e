"""``kit confluent``: hands over to the practice CLI, which has its own help, flags and exit statuses."""

from __future__ import annotations

import sys


def run(argv: list[str]) -> int:
    """Run one command line of the practice CLI; returns its exit status."""
    from kit.practice import main

    return main(argv, stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr)
