"""``kit doctor``: what works on this computer, and the command that gets the rest."""

from __future__ import annotations

import json

from kit.console.words import Parser, say

_TEXT = """\
Look at what the kit needs on this computer, and say how to get what is missing.
The embedded cluster is really started, for a moment; with it alone all labs work.
Exit status 0 when it works, 1 when it does not."""

_EXAMPLES = (
    ("kit doctor", "the report; kit.doctor() shows the same in a notebook"),
    ("kit doctor --clean", "also removes what crashed clusters left in files, processes and Docker"),
    ("kit doctor --json", "for programs, and to send to whoever helps you"),
)


def parser() -> Parser:
    """What ``kit doctor`` understands."""
    made = Parser("kit doctor", _TEXT, _EXAMPLES)
    made.add_argument("--clean", action="store_true", help="remove what crashed clusters left")
    made.add_argument("--json", action="store_true", help="print the report as JSON")
    return made


def run(argv: list[str]) -> int:
    """Report; returns the exit status."""
    options = parser().parse(argv)

    from kit.diagnosis import doctor

    report = doctor(clean=options.clean)
    say(json.dumps(report.to_json(), indent=2) if options.json else str(report))
    return 0 if report.works else 1
