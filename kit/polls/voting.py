"""One vote: checked before it is sent, and again by where it came to stand among the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kit.errors import PollError
from kit.plain_errors import plainly
from kit.polls.records import MAX_TEXT_CHARS, Vote, check_student
from kit.polls.student import own_name
from kit.polls.tally import NO_SUCH_OPTION, TOO_EARLY, Tally
from kit.polls.topic import PollTopic, told

if TYPE_CHECKING:
    from kit.polls.ballot import Ballot


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a vote, in a sentence.

    Attributes:
        offset: of its record; None when none was sent.
    """

    counts: bool
    text: str
    offset: int | None = None

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


@plainly
def vote(cluster: Any, poll: str, choice: object = None, *, student: str | None = None) -> Receipt | Ballot:
    """Vote in a poll, or write a text where texts are asked for.

    Args:
        choice: an option's id, or the text. None shows a form that waits for the question.
        student: whose vote it is; the last one of each student counts. None for this computer's own random name.

    Returns:
        What became of the vote: it never raises, a vote that does not count says why.
    """
    from kit import cells

    if choice is None:
        from kit.polls.ballot import Ballot

        cells.close_earlier()
        ballot = Ballot(cluster, poll, student)
        cells.remember(ballot)
        return ballot
    try:
        topic = PollTopic(cluster, poll)
        return _cast(topic, str(choice).strip(), check_student(own_name() if student is None else student))
    except PollError as error:
        return Receipt(False, f"Your vote does not count. {error}")


def _cast(topic: PollTopic, answer: str, student: str) -> Receipt:
    topic.check_cluster()
    with told("Nothing was sent"):
        consumer = topic.consumer()
        try:
            if not topic.find(consumer):
                raise PollError(unknown(topic, topic.known_polls(consumer)))
            tally = Tally()
            topic.read_to_end(consumer, tally)
            refused = check(tally, topic.poll, answer)
            if refused:
                raise PollError(refused)
            offset = topic.write(Vote(student, answer))
            reasons = topic.read_until(consumer, tally, offset + 1)
        finally:
            consumer.close()
    return receipt(tally, reasons.get(offset), answer, offset)


def unknown(topic: PollTopic, known: list[str]) -> str:
    """The sentence about a poll that is not there."""
    others = f"There are: {', '.join(known)}." if known else "There is none at all yet."
    return f"This cluster has no poll {topic.poll!r}. {others}"


def check(tally: Tally, poll: str, answer: str) -> str | None:
    """Why a vote would not count now, in a sentence; None when it would."""
    if not answer or len(answer) > MAX_TEXT_CHARS:
        return f"An answer has 1 to {MAX_TEXT_CHARS:,} characters."
    reason = tally.refusal(answer)
    if reason is None:
        return None
    if reason == TOO_EARLY:
        return f"The poll {poll!r} has no question yet."
    if reason == NO_SUCH_OPTION and tally.question is not None:
        return f"There is no option {answer!r}: the options are {', '.join(tally.question.option_ids)}."
    return f"The poll {poll!r} is closed."


def receipt(tally: Tally, reason: str | None, answer: str, offset: int) -> Receipt:
    """What became of a vote that was sent."""
    if reason is not None:
        return Receipt(False, f"Your vote is record {offset} and does not count: it {reason}.", offset)
    told_as = f"for {answer}" if tally.question and tally.question.options else "in words"
    return Receipt(
        True, f"Your vote {told_as} counts. It is record {offset} of the topic; vote again to change it.", offset
    )
