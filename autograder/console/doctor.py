"""``autograder doctor``: which rungs of the jail ladder hold on this computer, and what the hostile set comes to."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.console.words import CommandLineError, fail, parser, say
from autograder.jail import RUNGS, RungReport

_WEAK = {"none", "rlimits"}  # files and network are open there; used only when that is allowed explicitly
_MOST_CHARACTERS = 120  # of a line in the table


def run(argv: list[str]) -> int:
    """Run the command; returns its exit status: 0 when everything held, on a rung that is good enough by default."""
    from autograder import doctor

    made = parser(
        "doctor",
        "Try on this computer which jails hold, and what hostile submissions come to in the strongest of them.",
        [
            ("autograder doctor", "all of it, in one or two minutes"),
            ("autograder doctor --only forging", "one group"),
            ("autograder doctor --rungs", "the jails alone, in seconds"),
            ("autograder doctor --build-image", "an image for Docker, where the system is not Linux; once, in minutes"),
        ],
    )
    made.add_argument("--rungs", action="store_true", help="try the rungs of the jail ladder, and nothing in them")
    made.add_argument("--rung", choices=RUNGS[1:], help="the rung for the hostile set (default: the strongest)")
    made.add_argument("--only", action="append", choices=list(doctor.GROUPS), help="this group; more than once")
    made.add_argument("--build-image", action="store_true", help="build the image of the rung docker, and try it")
    made.add_argument("--base", metavar="IMAGE", help="with Python and pip, to build on (default: Python's own, slim)")
    made.add_argument("--wheels", metavar="FOLDER", help="has all packages, so that no package index is asked")
    made.add_argument("--json", action="store_true", help="print a line of JSON for each case instead of tables")
    options = made.parse(argv)
    if options.build_image:
        return _build_image(options.base, options.wheels)

    from autograder import jail

    console = Console(highlight=False, markup=False, emoji=False)
    reports = jail.probe()
    good = [report.name for report in reports if report.holds and report.name not in _WEAK]
    if not options.json:
        console.print(_rungs(reports))
        say(f"Used here: {good[-1]}." if good else "Nothing holds a submission here; --allow-weaker-jail is needed.")
    if options.rungs:
        return 0 if good else 1
    count, broken = _show(doctor.examine(options.only or doctor.GROUPS, options.rung), console, as_json=options.json)
    if not options.json:
        say(f"{count - len(broken)} of {count} held." + (f" These did not: {', '.join(broken)}." if broken else ""))
    return 0 if good and not broken else 1


def _build_image(base: str | None, wheels: str | None) -> int:
    """Build the image, and try the jail with it."""
    from autograder.jail import JailError, image, ladder

    if wheels is not None and not Path(wheels).is_dir():
        raise CommandLineError(f"--wheels {wheels}: there is no such folder.")
    say(f"Building {image.NAME} from {base or image.default_base()}; this takes minutes.")
    try:
        name = image.build(base, None if wheels is None else Path(wheels))
    except JailError as error:
        return fail(f"{str(error).rstrip('.')}.")
    os.environ["AUTOGRADER_IMAGE"] = name
    report = ladder.try_rung("docker")
    if not report.holds:
        return fail(f"The image was built, but does not hold: {report.why}.")
    say(f"It holds: {report.why}.")
    if sys.platform == "linux":
        say(f"This system does without it; AUTOGRADER_IMAGE={name} uses it all the same.")
    return 0


def _show(verdicts: Iterable[object], console: Console, *, as_json: bool) -> tuple[int, list[str]]:
    """Show each group when it is complete; how many cases there were, and which did not hold."""
    from autograder.doctor import GROUPS, Verdict

    table, group, count, broken = Table(), "", 0, list[str]()
    for verdict in verdicts:
        assert isinstance(verdict, Verdict)
        count += 1
        broken += [] if verdict.held else [verdict.name]
        if as_json:
            print(json.dumps(dataclasses.asdict(verdict)), flush=True)
            continue
        if verdict.group != group:
            if group:
                console.print(table)
            group = verdict.group
            table = _table(f"What tries to {GROUPS[group]}", "tried", "", "what is to be read about it")
        told = _told(verdict.wrong or verdict.line)
        table.add_row(verdict.name, _mark(holds=verdict.held), told)
    if group:
        console.print(table)
    return count, broken


def _rungs(reports: Iterable[RungReport]) -> Table:
    table = _table("The jail ladder, the weakest first", "rung", "", "why")
    for report in reports:
        mark = Text("weak", style="yellow") if report.holds and report.name in _WEAK else _mark(holds=report.holds)
        table.add_row(report.name, mark, _told(report.why))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _mark(*, holds: bool) -> Text:
    return Text("holds", style="green") if holds else Text("NO", style="bold red")


def _told(line: str) -> str:
    plain = "".join(each if each.isprintable() else " " for each in line)
    return plain if len(plain) <= _MOST_CHARACTERS else f"{plain[: _MOST_CHARACTERS - 3]}..."
