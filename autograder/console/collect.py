"""``autograder collect``: submissions out of what an LMS lets an instructor download."""

from __future__ import annotations

from pathlib import Path

from autograder.console.runs import alone
from autograder.console.words import opened, parser, say
from autograder.pipeline.course import GradingError


def run(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    made = parser(
        "collect",
        "Put what students handed in where `autograder grade` looks for it.\n\n"
        "Understood are Moodle's, Canvas's and Blackboard's downloads, and a folder or zip file with a folder for each "
        "student.\n"
        "A student is found in the gradebook by Canvas's number or by the name that the LMS says.",
        [("autograder collect streams ~/Downloads/submissions.zip", "a download of all submissions")],
    )
    made.add_argument("assignment")
    made.add_argument("download", help="a folder or a zip file")
    made.add_argument("--force", action="store_true", help="replace other work that is there already")
    options = made.parse(argv)
    course, assignment = opened(options)

    from autograder.pipeline.collecting import collect
    from autograder.pipeline.downloads import DownloadError

    try:
        with alone(course, f"autograder collect {assignment.name}"):
            done = collect(course, assignment.name, Path(options.download).expanduser(), force=options.force)
    except DownloadError as error:
        raise GradingError(str(error)) from error
    for line in done.lines:
        say(line)
    if not (done.new or done.changed or done.same):
        say("Nothing was collected. A download has a folder for each student, or names that the LMS gave to the files.")
    say(f"Collected: {len(done.new)} new, {len(done.changed)} replaced, {len(done.same)} as they were.")
    return 0
