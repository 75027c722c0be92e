"""The instructor's view of a poll: bars that start at 0 %, fill while votes arrive, and show the answer on command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import traitlets

from kit import quizzes
from kit.errors import PollError
from kit.plain_errors import plainly
from kit.polls.follower import Follower
from kit.polls.records import MAX_OPTIONS, Closed, PollQuestion, Revealed, check_question
from kit.polls.tally import Tally
from kit.polls.topic import PollTopic
from kit.widgets._assets import script, style
from kit.widgets._background import Background, Link
from kit.widgets._text_twin import TextTwin

_HERE = Path(__file__).parent


class Poll(TextTwin):
    """One poll. All that it knows is in the topic, so a new one for the same topic shows the same.

    Args:
        cluster: where the topic is.
        key: what `reveal` tells; None when nobody said.
    """

    _esm = script("poll_view", _HERE)
    _css = style("poll_view", _HERE)

    name = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, cluster: Any, topic: PollTopic, key: Revealed | None) -> None:
        super().__init__(name=topic.poll, state={"phase": "waiting", "trouble": ""})
        self._topic = topic
        self._key = key
        self._link = Link(cluster)
        self._trouble = ""
        self._work: Background | None = None
        self._follower = Follower(cluster, topic, self._show)
        self._follower.start()
        self.on_msg(self._asked)

    @property
    def counts(self) -> dict[str, int]:
        """How many students chose each option."""
        with self._follower.lock:
            return self._follower.tally.counts()

    @property
    def is_open(self) -> bool:
        """Whether votes count now."""
        with self._follower.lock:
            return self._follower.tally.is_open

    @property
    def alive(self) -> bool:
        """Whether the view still follows the topic."""
        return self._follower.alive

    def close_voting(self) -> None:
        """Count no more votes from now on.

        Raises:
            PollError: the record was not acknowledged.
        """
        self._write(Closed())

    def reopen(self) -> None:
        """Count votes again.

        Raises:
            PollError: the answer is out, or the record was not acknowledged.
        """
        with self._follower.lock:
            if self._follower.tally.revealed:
                raise PollError("The answer is out, so nobody can vote any more: begin a new round with fresh=True.")
        self._write(Closed(is_open=True))

    def reveal(self, answer: str | Sequence[str] | None = None, *, why: str = "") -> None:
        """End the voting and show everybody what is right.

        Args:
            answer: an option's id, or several; None for the answer that the poll was given, or its quiz has.

        Raises:
            PollError: nobody said what is right, there is no such option, or the record was not acknowledged.
        """
        with self._follower.lock:
            question = self._follower.tally.question
        found = self._key if answer is None else Revealed((answer,) if isinstance(answer, str) else tuple(answer), why)
        if found is None or question is None:
            raise PollError('Say what is right: poll.reveal("3").')
        for each in found.right:
            if each not in question.option_ids:
                raise PollError(f"There is no option {each!r}: the options are {', '.join(question.option_ids)}.")
        self._write(found)

    def wait_for(self, offset: int) -> None:
        """Wait until the view shows what the record at that offset says.

        Raises:
            PollError: it does not come in time.
        """
        self._follower.wait_for(offset)

    def close(self) -> None:
        """End the reading and remove the view; the topic stays."""
        self._follower.stop()
        super().close()

    def __str__(self) -> str:
        state = self.state
        lines = [f"Poll {self.name}: {state['phase']}", state.get("question", "")]
        for option in state.get("options", ()):
            mark = "  <- right" if option["right"] else ""
            lines.append(f"  {option['percent']:>3} %  {option['votes']:>4}  {option['id']}: {option['text']}{mark}")
        return "\n".join(filter(None, [*lines, state.get("said"), state.get("why"), state["trouble"]]))

    def _write(self, entry: Closed | Revealed) -> None:
        self._follower.wait_for(self._topic.write(entry))

    def _show(self) -> None:
        follower = self._follower
        offered = {"can_reveal": self._key is not None, "trouble": self._trouble or follower.trouble}
        self.state = {**shown(follower.tally), **offered}

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:
        """Do what a button asks for, in the background: the kernel has other things to do than wait for brokers."""
        actions = {"close": self.close_voting, "reopen": self.reopen, "reveal": self.reveal}
        action = actions.get(str(content.get("do"))) if isinstance(content, dict) else None
        if action is None or (self._work is not None and self._work.alive):
            return
        self._say("")
        self._work = Background(lambda _: action(), self._say, self._link, name=f"poll {self.name}")

    def _say(self, trouble: str) -> None:
        with self._follower.lock:
            self._trouble = trouble.removeprefix("PollError: ")
            self._show()


@plainly
def poll(
    cluster: Any,
    name: str,
    question: str | quizzes.Question | None = None,
    options: Sequence[str] | Mapping[str, str] | None = None,
    *,
    answer: str | None = None,
    why: str = "",
    fresh: bool = False,
) -> Poll:
    """Ask the class a question, and watch the votes arrive. Students answer with ``kit.vote(cluster, name)``.

    Args:
        name: of the poll; its topic is ``poll.<name>``. One that is there already is shown as it stands.
        question: a text, with ``options``, or a question of a quiz; None for the one that the topic has, or the first
            choice of the kit's quiz with that name.
        options: the texts in their order, which get the ids 1, 2, 3; or ids and texts.
        answer: the id of the right option, which nobody learns before `Poll.reveal`.
        why: why it is right.
        fresh: begin a new round, where all start at 0 % again.

    Raises:
        PollError: it has no question, or another one than the topic has, or the topic cannot be made.
    """
    from kit import cells

    asked, key = _asked_for(name, question, options, answer, why)
    topic = PollTopic(cluster, name)
    topic.make()
    known = topic.now()
    offset = known.next_offset - 1
    if known.question is not None and not known.question.options:
        raise PollError(f"The poll {name!r} asks for texts: show it with kit.feedback(cluster, {name!r}).")
    if known.question is None or fresh:
        if (asked := asked or known.question) is None:
            example = f'kit.poll(cluster, {name!r}, "Which one?", options=["this", "that"])'
            raise PollError(f"The poll {name!r} has no question yet: {example}.")
        offset = topic.write(asked)
    elif question is not None and asked != known.question:
        raise PollError(
            f"The poll {name!r} has another question already: choose another name, or add fresh=True to begin anew."
        )
    elif asked != known.question:
        key = None  # it belongs to another question
    cells.close_earlier()
    view = Poll(cluster, topic, key)
    cells.remember(view)
    view.wait_for(offset)
    return view


def shown(tally: Tally) -> dict[str, Any]:
    """A tally as a view draws it."""
    if tally.question is None:
        return {"phase": "waiting"}
    num_votes, counts = len(tally.votes), tally.counts()
    right = tally.revealed.right if tally.revealed else ()
    return {
        "phase": tally.phase,
        "question": tally.question.text,
        "options": [
            {
                "id": option_id,
                "text": text,
                "votes": counts[option_id],
                "percent": round(100 * counts[option_id] / num_votes) if num_votes else 0,
                "right": option_id in right,
            }
            for option_id, text in tally.question.options
        ],
        "voters": num_votes,
        "said": "Nobody has voted yet." if not num_votes else f"{_people(num_votes)} voted.",
        "refused": _refused(tally),
        "why": tally.revealed.why if tally.revealed else "",
    }


def _asked_for(
    name: str,
    question: str | quizzes.Question | None,
    options: Sequence[str] | Mapping[str, str] | None,
    answer: str | None,
    why: str,
) -> tuple[PollQuestion | None, Revealed | None]:
    """The question, and its answer if that is known."""
    if question is None:
        choices = [each for each in quizzes.load(name).questions if each.options] if name in quizzes.names() else []
        if not choices:
            return None, None if answer is None else Revealed((answer,), why)
        question = choices[0]
    if isinstance(question, quizzes.Question):
        return _of_quiz(question)
    listed = options.items() if isinstance(options, Mapping) else enumerate(options or (), start=1)
    pairs = tuple((str(option_id), str(text)) for option_id, text in listed)
    check_question(question)
    if isinstance(options, str) or not 2 <= len(pairs) <= MAX_OPTIONS or not all(text.strip() for _, text in pairs):
        raise PollError(
            f'A poll has 2 to {MAX_OPTIONS} options, as in options=["this", "that"]; for answers in words there is '
            "kit.feedback."
        )
    if answer is not None and str(answer) not in dict(pairs):
        raise PollError(f"answer={answer!r} is none of the options: they are {', '.join(dict(pairs))}.")
    return PollQuestion(question, pairs), None if answer is None else Revealed((str(answer),), why)


def _of_quiz(question: quizzes.Question) -> tuple[PollQuestion, Revealed | None]:
    if not question.options:
        raise PollError(f"The question {question.id!r} has no options to choose from, so it cannot be a poll.")
    right = [option for option in question.options if option.is_right]
    asked = PollQuestion(question.text, tuple((option.id, option.text) for option in question.options))
    return asked, Revealed(tuple(each.id for each in right), " ".join(each.why for each in right)) if right else None


def _people(number: int) -> str:
    return "1 student has" if number == 1 else f"{number:,} students have"


def _refused(tally: Tally) -> str:
    """The votes that did not count, in words."""
    parts = [f"{number:,} {reason}" for reason, number in sorted(tally.num_refused.items())]
    number = sum(tally.num_refused.values())
    return (
        f"{number:,} {'record does' if number == 1 else 'records do'} not count: {', '.join(parts)}." if parts else ""
    )
