"""``autograder doctor``: which rungs of the jail ladder hold on this computer, tried for real."""

from __future__ import annotations

from autograder.console.words import parser, say


def run(argv: list[str]) -> int:
    """Run the command; returns its exit status: 0 when something holds that an assignment is content with."""
    made = parser("doctor", "Try each rung of the jail ladder on this computer, the weakest first.")
    made.parse(argv)

    from autograder import jail

    reports = jail.probe()
    for report in reports:
        say(f"{report.name:12} {'holds' if report.holds else 'no':6} {' '.join(report.why.split())}")
    good = [report.name for report in reports if report.holds and report.name not in {"none", "rlimits"}]
    say(f"Used here: {good[-1]}." if good else "Nothing holds a submission here; --allow-weaker-jail would be needed.")
    return 0 if good else 1
