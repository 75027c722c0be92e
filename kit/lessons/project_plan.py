"""A project plan of four sections: the text of one, and what is still missing in it.

Whether an idea is good no program can say. What can be counted is told here: sections, words, topics, goals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MIN_WORDS, MAX_WORDS = 120, 250
"""Of a section. Four sections of this length fill two to four pages, of about 250 words each."""
WORDS_PER_PAGE = 250
MAX_PARTITIONS = 200
"""Of a topic in the lab's cluster: all of its brokers are one program on one computer."""

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
When does a basketball game tip over: how many points in a row does it take until the other team does not come back? \
Everybody in the hall feels that there is such a moment, and nobody can say where it is.

Reporters and fans would love to know it while the game is on: "nine of ten teams with this run have won" is a \
sentence for the next ten seconds. A coach would take a time-out, which is the only thing that a coach can do about \
it, and only now. An answer on the next morning is worth nothing to any of them, so a batch at night is too late; ten \
seconds after the basket is soon enough.

The season has an end, but the plays of a game do not wait for it. Each of them can be the one that matters.""",
    "design": """\
The league offers its plays as a feed; for the class `kit.datagen.plays` makes them up, so nobody has to be asked. \
Four games at once bring about 10 plays per minute each, of 300 bytes: far below what one partition can carry.

One event is one play. Its key is the game, its value is JSON: the play's number in the game, the clock, the kind, the \
team, the score. For example, key `PAN-OLY`: {"play": 112, "clock": "07:41", "kind": "three", "score": [48, 44]}

- topic: dev.hoops.plays.v1, key: game, partitions: 4
- topic: dev.hoops.runs.v1, key: game, partitions: 4

The key is the game because a score only makes sense in order, and only within a game; between games no order matters. \
One partition could carry it all. Four let four consumers share the work when the play-offs bring more games, and \
adding some later would move keys.""",
    "producers": """\
One producer for each arena sends the plays of its games to dev.hoops.plays.v1. A second one, inside of the \
run-finder, sends to dev.hoops.runs.v1.

A play that is lost makes every score after it wrong, so acks=all, and with three replicas of which two must be in \
sync one broker may crash without anybody noticing it. When a second one crashes, sending is refused. That is right \
here: the arena keeps its plays and tries again, and a late score is better than a wrong one.

When the feed repeats itself, the number of the play tells. When it stops, the producer waits and begins again with \
the last play that was acknowledged, so a play can come twice and never goes missing. A play that is minutes late is \
sent all the same, with the time on its own clock.""",
    "consumers": """\
The group run-finder reads the plays, keeps the last ten of each game in memory, and sends every run of 8 points to \
dev.hoops.runs.v1. It commits after it has sent, so a crash makes a run come twice and never makes it disappear. With \
four games on, a single member is enough; four can share the partitions.

The group board shows the runs, and takes each only once, by game and number of the play. It commits every five \
seconds: what it shows twice for a moment harms nobody. A third group, archive, reads everything at night for the \
statistics, and the other two do not notice.

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


# All of it on one line: a number at the end of a paragraph says nothing about the next one.
_RATE = re.compile(
    r"\d[\d.,]*[ \t]*(?:\w+[ \t]+){0,3}?(?:per|a|each|every|in a)[ \t]+(?:second|minute|hour|day)"
    r"|\d[ \t]*[a-z]*/s\b",
    re.IGNORECASE,
)
_TOPIC_BEGIN = re.compile(r"^[ \t>*-]*topics?[ \t]*:[ \t]*", re.IGNORECASE)
_FIELD = re.compile(r",[ \t]*(key|partitions)[ \t]*:[ \t]*", re.IGNORECASE)
_MOST_SHOWN = 80  # characters of a line
_MOST_TOLD = 3  # lines that cannot be followed, at a time


@dataclass(frozen=True, slots=True)
class Problem:
    """A line about a topic that cannot be followed: the line as it was written, and why."""

    line: str
    reason: str

    def __str__(self) -> str:
        line = self.line.lstrip("->* \t")
        shown = line if len(line) <= _MOST_SHOWN else line[: _MOST_SHOWN - 1] + "…"
        return f'The line "{shown}": {self.reason}'


def topics(text: str) -> list[PlannedTopic]:
    """The topics that a text plans and the lab's cluster can make, each on a line of its own like `TOPIC_LINE`."""
    return [found for found in _planned(text) if isinstance(found, PlannedTopic)]


def problems(text: str) -> list[Problem]:
    """The lines that begin like one about a topic and cannot be followed."""
    return [found for found in _planned(text) if isinstance(found, Problem)]


def _planned(text: str) -> Iterator[PlannedTopic | Problem]:
    names: set[str] = set()
    for line in text.splitlines():
        begin = _TOPIC_BEGIN.match(line)
        if begin is None:
            continue
        found = _topic(line[begin.end() :])
        if isinstance(found, PlannedTopic) and found.name in names:
            found = f"{found.name} is planned twice. Give the second one another name, or remove it."
        if isinstance(found, PlannedTopic):
            names.add(found.name)
        yield Problem(line.strip(), found) if isinstance(found, str) else found


def _topic(rest: str) -> PlannedTopic | str:
    """What a line says behind "topic:", or why it says nothing that one could follow."""
    name, *pairs = (part.strip() for part in _FIELD.split(rest))
    name = name.strip("`")
    fields = {field.lower(): value for field, value in zip(pairs[::2], pairs[1::2], strict=True)}
    count, unread = _whole_number(fields.get("partitions", ""))
    if not name:
        return "it has no name."
    if re.search(r"[\s,`]", name):
        return f"{name!r} is no single name. Behind it come a comma, the key and the partitions, as here: {TOPIC_LINE}"
    if not fields.get("key", "").strip("` "):
        return f"it does not say which key the records have. Write it like this: {TOPIC_LINE}"
    if count is None:
        said = f"{unread!r} is no whole number of partitions" if unread else "it does not say how many partitions"
        return f"{said}. Write it like this: {TOPIC_LINE}"
    if count < 1:
        return "a topic has one partition at least; lab 04's rule gives the number."
    if count > MAX_PARTITIONS:
        return (
            f"{count:,} partitions are more than the {MAX_PARTITIONS} that this lab's cluster makes of a topic: all of "
            "its brokers are one program. Does lab 04's rule ask for so many? Then plan fewer here, and say why."
        )
    return PlannedTopic(name, fields["key"].strip("` "), count)


def _whole_number(text: str) -> tuple[int | None, str]:
    """The number that a text begins with, commas between its thousands allowed; else None and the text's first word."""
    word = (text.split() or [""])[0].strip("`.,;()")
    plain = word.replace(",", "")
    # str.isdigit knows digits that int does not.
    return (int(plain), "") if re.fullmatch("[0-9]{1,9}", plain) else (None, word[:20])


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


def is_copied(text: str, section: str) -> bool:
    """Whether most of a section stands in the example too: four words in a row are hardly ever the same by chance."""
    own = _runs(text)
    return bool(own) and len(own & _runs(EXAMPLE[section])) > len(own) / 2


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return set(zip(words, words[1:], words[2:], words[3:], strict=False))


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
        wrong = problems(text)
        hint = _told(wrong) if wrong else f"Write a line such as {TOPIC_LINE}"
        yield item(f"a line for each topic ({len(topics(text))} now)", bool(topics(text)) and not wrong, hint)
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


def _told(wrong: list[Problem]) -> str:
    more = len(wrong) - _MOST_TOLD
    return " ".join([*map(str, wrong[:_MOST_TOLD]), *([f"And {more} more."] if more > 0 else [])])


def _shorter_or_longer(count: int) -> str:
    if count > MAX_WORDS:
        return "Shorten it: who listens to you has a few minutes."
    return "Answer the questions beside it, one sentence each at least." if count < MIN_WORDS else ""


def _has_word(text: str, pattern: str) -> bool:
    return re.search(rf"\b{pattern}\b", text, re.IGNORECASE) is not None
