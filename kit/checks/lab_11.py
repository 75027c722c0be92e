"""The checks of lab 11, "Your project". They see structure; whether an idea is good is for people to say."""

from __future__ import annotations

from typing import Any

from kit.checks.evidence import Evidence
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import short
from kit.lessons import naming, project_plan

_WHERE = "your plan"

title("11", "Your project")


@judge("11.structure")
def structure(evidence: Evidence, answer: Any) -> CheckResult:
    """Does the plan have its four sections, and in each what belongs there? ``answer``: its text."""
    del evidence  # a plan is in no cluster yet
    name = "11.structure"
    if not isinstance(answer, str):
        hint = "Hand in the text of the form: form.text."
        return CheckResult(name, False, f"Your answer is {short(answer)}.", _WHERE, hint)
    _, texts = project_plan.read(answer)
    items = project_plan.items(texts)
    missing = [item for item in items if not item.is_there]
    there = f"{len(items) - len(missing)} of {len(items)} things are there"
    copied = [section for section in project_plan.SECTIONS if project_plan.is_copied(texts[section.id], section.id)]
    if copied:
        hint = "The example shows the form. Now with your own idea: which stream do you come across every day?"
        return CheckResult(name, False, "Most of it is the example's text.", f"section {copied[0].heading}", hint)
    if missing:
        first = missing[0]
        heading = next(section.heading for section in project_plan.SECTIONS if section.id == first.section)
        happened = f"{there}. Next: {first.words}."
        return CheckResult(name, False, happened, f"section {heading}", first.hint)
    words = sum(project_plan.num_words(text) for text in texts.values())
    pages = f"about {words / project_plan.WORDS_PER_PAGE:.1f} pages of {project_plan.WORDS_PER_PAGE} words"
    return CheckResult(name, True, f"All {len(items)} things are there, in {words} words: {pages}.", _WHERE)


@judge("11.topics")
def topics(evidence: Evidence, answer: Any) -> CheckResult:
    """Do the planned topics have good names, and does the cluster have them as planned? ``answer``: the plan's text."""
    name = "11.topics"
    planned = project_plan.topics(answer) if isinstance(answer, str) else []
    wrong = project_plan.problems(answer) if isinstance(answer, str) else []
    if wrong:
        hint = "Mend that line in section 2, then run the cell above and this one again."
        return CheckResult(name, False, str(wrong[0]), _WHERE, hint)
    if not planned:
        hint = f"In section 2, write a line for each topic, such as: {project_plan.TOPIC_LINE}"
        return CheckResult(name, False, "The plan has no line about a topic.", _WHERE, hint)
    names = [each.name for each in planned]
    for each in planned:
        findings = naming.lint(each.name, existing=[other for other in names if other != each.name])
        if findings:
            better = f" Try {findings[0].suggestion}." if findings[0].suggestion else ""
            return CheckResult(name, False, findings[0].reason, f"topic {each.name[:80]}", f"Rename it.{better}")
    for each in planned:
        found = len(evidence.log_end_offsets(each.name))
        if found != each.partitions:
            has = f"has {found} partitions" if found else "is not there"
            happened = f"The plan says {each.partitions} partitions for {each.name}; in the cluster it {has}."
            hint = "Run the cell above, which creates the topics. After a change of the plan, start its cluster anew."
            return CheckResult(name, False, happened, f"topic {each.name}", hint)
    total = sum(each.partitions for each in planned)
    listed = ", ".join(f"{each.name} ({each.partitions}, by {each.key})" for each in planned)
    return CheckResult(
        name, True, f"{listed}: good names, and {total} partitions that really are there.", "the cluster"
    )
