"""A project plan of four sections: the text of one, and what is still missing in it.

Whether an idea is good no program can say. What can be counted is told here: sections, words, topics, goals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MIN_WORDS, MAX_WORDS = 40, 250
"""Of a section. Four sections of this length fill two to four pages."""

TOPIC_LINE = "topic: dev.hoops.plays.v1, key: game, partitions: 4"


@dataclass(frozen=True, slots=True)
class Section:
    """One of the four sections.

    Attributes:
        id: its name in a program.
        heading: as in the plan.
        prompts: questions that it answers.
    """

    id: str
    heading: str
    prompts: tuple[str, ...]


SECTIONS = (
    Section(
        "idea",
        "1. Project idea and goal",
        (
            "Which question does your project answer? Write it as a question.",
            "Who wants the answer, and what would they do with it?",
            "How soon must it come? Why is a batch at night too late?",
        ),
    ),
    Section(
        "design",
        "2. Data source and stream design",
        (
            "Where do the events come from? May you use them? How many in a second, and how big is one?",
            "What is one event? Show a record: its key and its value.",
            f"One line for each topic, exactly like this: {TOPIC_LINE}",
            "Why that key? What has to stay in order?",
        ),
    ),
    Section(
        "producers",
        "3. Producers",
        (
            "How many producers are there, and what does each send to which topic?",
            "Which acks do you choose, and what is lost at worst? (lab 06)",
            "What happens when the source stops, repeats itself, or is late?",
        ),
    ),
    Section(
        "consumers",
        "4. Consumers and analysis goals",
        (
            "Which consumer groups are there, and what is each for?",
            "When does each group commit, and what happens to a record that is read twice? (lab 05)",
            "What do you want to find out? Two goals at least, each on a line that begins with a hyphen.",
        ),
    ),
)


EXAMPLE_TITLE = "When does a game tip?"
EXAMPLE = {
    "idea": """\
When does a basketball game tip over: how many points in a row does it take until the other team does not come back?

Reporters and fans would love to know it while the game is on, and a coach would take a time-out. An answer on the \
next morning is worth nothing to them, so a batch at night is too late; ten seconds after the basket is soon enough.""",
    "design": """\
The league offers its plays as a feed; for the class `kit.datagen.plays` makes them up. Four games at once bring about \
10 plays per minute each, of 300 bytes: far below what one partition can carry.

One event is one play. Its key is the game, its value is JSON: the play's number, the clock, the kind, the score.

- topic: dev.hoops.plays.v1, key: game, partitions: 4
- topic: dev.hoops.runs.v1, key: game, partitions: 4

The key is the game because a score only makes sense in order, and only within a game. Four partitions let four \
consumers share the work when the play-offs bring more games.""",
    "producers": """\
One producer for each arena sends the plays of its games to dev.hoops.plays.v1. A play that is lost makes every score \
after it wrong, so acks=all, and with three copies of which two must be in sync one broker may crash.

When the feed repeats itself, the number of the play tells; when it stops, the producer waits and begins again with \
the last play that was acknowledged.""",
    "consumers": """\
The group run-finder reads the plays, keeps the last ten of each game in memory, and sends every run of 8 points to \
dev.hoops.runs.v1. It commits after it has sent, so a crash makes a run come twice and never makes it disappear. The \
group board shows the runs, and takes each only once, by game and number of the play.

- How often does the team that had a run of 8 points win?
- After how many seconds does a coach take the time-out, and does it help?
- How far is the board behind the game, in seconds, when eight games are on?""",
}
"""A plan as it could be. It has everything, and is nobody's own."""


@dataclass(frozen=True, slots=True)
class PlannedTopic:
    """A line about a topic. ``key`` is in the author's words."""

    name: str
    key: str
    partitions: int


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to have in a section, and whether it is there.

    Attributes:
        section: the section's id.
        words: what it is.
        hint: what to do when it is not there.
    """

    section: str
    words: str
    is_there: bool
    hint: str


_TOPIC = re.compile(
    r"^[ \t>*-]*topic:[ \t]*`?([^\s`,]+)`?[ \t]*,[ \t]*key:[ \t]*([^,\n]+?)[ \t]*,[ \t]*partitions:[ \t]*(\d{1,6})\b",
    re.IGNORECASE | re.MULTILINE,
)
_RATE = re.compile(
    r"\d[\d.,]*\s*(?:\w+\s+){0,3}?(?:per|a|each|every|in a)\s+(?:second|minute|hour|day)|\d\s*[a-z]*/s\b", re.IGNORECASE
)


def topics(text: str) -> list[PlannedTopic]:
    """The topics that a text plans, each on a line of its own like `TOPIC_LINE`."""
    return [PlannedTopic(name, key, int(count)) for name, key, count in _TOPIC.findall(text)]


def items(texts: Mapping[str, str]) -> list[Item]:
    """Everything that a plan should have, in the order of the sections.

    Args:
        texts: of the sections, by id.
    """
    return [item for section in SECTIONS for item in _items(section, texts.get(section.id, ""))]


def written(title: str, texts: Mapping[str, str]) -> str:
    """The plan as a Markdown file."""
    parts = [f"# {title.strip() or 'My project'}"]
    for section in SECTIONS:
        parts += [f"## {section.heading}", texts.get(section.id, "").strip()]
    return "\n\n".join(part for part in parts if part) + "\n"


def example() -> str:
    """The example, folded up, for a notebook's page."""
    plan = written(EXAMPLE_TITLE, EXAMPLE).partition("\n")[2].replace("## ", "#### ")
    return f"<details><summary>An example: {EXAMPLE_TITLE}</summary>\n{plan}\n</details>"


def read(markdown: str) -> tuple[str, dict[str, str]]:
    """The title and the sections' texts of a plan; a section whose heading is missing is empty."""
    headings = {section.heading.lower(): section.id for section in SECTIONS}
    title, texts, lines = "", {section.id: "" for section in SECTIONS}, list[str]()
    current: str | None = None
    for line in [*markdown.splitlines(), f"## {SECTIONS[0].heading}"]:
        found = headings.get(line.removeprefix("##").strip().lower()) if line.startswith("## ") else None
        if found is not None:
            if current is not None:
                texts[current] = "\n".join([texts[current], *lines]).strip()
            elif lines:
                title = next((each[2:].strip() for each in lines if each.startswith("# ")), "")
            current, lines = found, []
        else:
            lines.append(line)
    return title, texts


def num_words(text: str) -> int:
    """How many words a text has."""
    return len(re.findall(r"\w+(?:['\u2019.-]\w+)*", text))


def _items(section: Section, text: str) -> Iterator[Item]:
    def item(words: str, is_there: bool, hint: str) -> Item:
        return Item(section.id, words, is_there, hint)

    count = num_words(text)
    length = f"{MIN_WORDS} to {MAX_WORDS} words ({count} now)"
    yield item(length, MIN_WORDS <= count <= MAX_WORDS, _shorter_or_longer(count))
    if section.id == "idea":
        yield item("a question", "?" in text, "Write what you want to know as a question, with a question mark.")
    elif section.id == "design":
        yield item("a line for each topic", bool(topics(text)), f"Write a line such as {TOPIC_LINE}")
        yield item(
            "how much in how long", bool(_RATE.search(text)), 'Say how often: "20 plays per minute", for example.'
        )
    elif section.id == "producers":
        yield item("which acks", _has_word(text, "acks"), 'Say which acks you choose: "acks=all" or "acks=1", and why.')
    else:
        yield item("a consumer group", _has_word(text, "groups?"), "Name the groups that read, and what each is for.")
        goals = len(re.findall(r"^[ \t]*(?:[-*]|\d+[.)])[ \t]+\S", text, re.MULTILINE))
        hint = "Put each goal on a line of its own that begins with a hyphen and a space."
        yield item(f"two goals or more ({goals} now)", goals >= 2, hint)


def _shorter_or_longer(count: int) -> str:
    if count > MAX_WORDS:
        return "Shorten it: who listens to you has a few minutes."
    return "Answer the questions beside it, one sentence each at least." if count < MIN_WORDS else ""


def _has_word(text: str, pattern: str) -> bool:
    return re.search(rf"\b{pattern}\b", text, re.IGNORECASE) is not None
