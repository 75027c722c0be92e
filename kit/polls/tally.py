"""What a poll's topic says, record by record: whoever reads it from the beginning comes to the same result."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from kit.polls.records import Closed, Entry, Hidden, PollQuestion, Revealed, Vote, decode

TOO_EARLY = "came before the question"
TOO_LATE = "came after voting was closed"
NO_SUCH_OPTION = "named an option that does not exist"
UNREADABLE = "could not be read"


@dataclass(frozen=True, slots=True)
class Counted:
    """A vote that counts, or a text.

    Attributes:
        time_ms: when it was sent, milliseconds since 1970.
    """

    student: str
    answer: str
    offset: int
    time_ms: int


@dataclass
class Tally:
    """The state of a poll after the records so far.

    Attributes:
        votes: the last one of each student that counts.
        num_refused: votes that did not count, by the reason.
        revealed: None until the answer was.
        hidden: offsets of texts that are not to be shown.
        next_offset: of the record that comes next.
    """

    question: PollQuestion | None = None
    is_open: bool = False
    votes: dict[str, Counted] = field(default_factory=dict)
    num_refused: Counter[str] = field(default_factory=Counter)
    revealed: Revealed | None = None
    hidden: set[int] = field(default_factory=set)
    next_offset: int = 0

    @property
    def phase(self) -> str:
        """How it stands, in a word: waiting, open, closed or revealed."""
        if self.question is None:
            return "waiting"
        if self.revealed:
            return "revealed"
        return "open" if self.is_open else "closed"

    def apply(self, offset: int, time_ms: int, key: bytes | None, value: bytes | None) -> str | None:
        """Take in the next record; returns the reason when it does not count."""
        self.next_offset = offset + 1
        try:
            entry = decode(key, value)
        except ValueError:
            self.num_refused[UNREADABLE] += 1
            return UNREADABLE
        if isinstance(entry, Vote):
            return self._vote(entry, offset, time_ms)
        self._follow(entry)
        return None

    def refusal(self, answer: str) -> str | None:
        """Why a vote would not count now; None when it would."""
        if self.question is None:
            return TOO_EARLY
        if not self.is_open:
            return TOO_LATE
        if self.question.options and answer not in self.question.option_ids:
            return NO_SUCH_OPTION
        return None

    def counts(self) -> dict[str, int]:
        """How many students chose each option."""
        found = Counter(vote.answer for vote in self.votes.values())
        return {option_id: found[option_id] for option_id in (self.question.option_ids if self.question else ())}

    def _vote(self, vote: Vote, offset: int, time_ms: int) -> str | None:
        reason = self.refusal(vote.answer)
        if reason is not None:
            self.num_refused[reason] += 1
            return reason
        self.votes.pop(vote.student, None)  # the last one counts, and stands last
        self.votes[vote.student] = Counted(vote.student, vote.answer, offset, time_ms)
        return None

    def _follow(self, entry: Entry) -> None:
        match entry:
            case PollQuestion():  # a new round: what came before it belongs to another question
                self.question, self.is_open, self.revealed = entry, True, None
                self.votes, self.num_refused, self.hidden = {}, Counter(), set()
            case Closed(is_open) if self.question is not None and self.revealed is None:
                self.is_open = is_open
            case Revealed(right) if self.question is not None and set(right) <= set(self.question.option_ids):
                self.revealed, self.is_open = entry, False
            case Hidden(offset, is_hidden):
                (self.hidden.add if is_hidden else self.hidden.discard)(offset)
            case _:
                pass
