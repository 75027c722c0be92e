"""The student's view of a poll: a form that waits for the question, and says what became of the vote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import traitlets

from kit.polls import voting
from kit.polls.follower import Follower
from kit.polls.records import MAX_TEXT_CHARS, Vote, check_student
from kit.polls.student import own_name
from kit.polls.topic import PollTopic
from kit.widgets._assets import script, style
from kit.widgets._background import Background, Link
from kit.widgets._text_twin import TextTwin

_HERE = Path(__file__).parent


class Ballot(TextTwin):
    """Options to choose from, or a field for a text. It shows nobody else's votes.

    Args:
        student: whose vote; None for this computer's own random name.

    Raises:
        PollError: nobody can be called that, or no poll.
    """

    _esm = script("ballot", _HERE)
    _css = style("ballot", _HERE)

    name = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, cluster: Any, poll: str, student: str | None = None) -> None:
        self._topic = PollTopic(cluster, poll)
        self._student = check_student(own_name() if student is None else student)
        super().__init__(name=poll, state={"phase": "waiting", "said": "", "trouble": ""})
        self._link = Link(cluster)
        self._said = ""
        self._work: Background | None = None
        self._follower = Follower(cluster, self._topic, self._show)
        self._follower.start()
        self.on_msg(self._asked)

    def vote(self, answer: str) -> voting.Receipt:
        """Send a vote, and wait until it is known whether it counts."""
        answer = str(answer).strip()
        with self._follower.lock:
            refused = voting.check(self._follower.tally, self._topic.poll, answer)
        if refused:
            return voting.Receipt(False, f"Your vote does not count. {refused}")
        offset = self._topic.write(Vote(self._student, answer))
        reason = self._follower.wait_for(offset)
        with self._follower.lock:
            return voting.receipt(self._follower.tally, reason, answer, offset)

    def close(self) -> None:
        """End the reading and remove the form."""
        self._follower.stop()
        super().close()

    def __str__(self) -> str:
        state = self.state
        options = [f"  {option_id}: {text}" for option_id, text in state.get("options", ())]
        return "\n".join(filter(None, [state.get("question", "There is no question yet."), *options, state["said"]]))

    def _show(self) -> None:
        follower = self._follower
        tally, question = follower.tally, follower.tally.question
        mine = tally.votes.get(self._student)
        phase = (
            "waiting" if question is None else "revealed" if tally.revealed else "open" if tally.is_open else "closed"
        )
        self.state = {
            "phase": phase,
            "question": question.text if question else "",
            "options": [list(option) for option in question.options] if question else [],
            "mine": mine.answer if mine else "",
            "right": list(tally.revealed.right) if tally.revealed else [],
            "why": tally.revealed.why if tally.revealed else "",
            "said": self._said,
            "trouble": follower.trouble,
            "most": MAX_TEXT_CHARS,
        }

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:
        answer = content.get("vote") if isinstance(content, dict) else None
        if not isinstance(answer, str) or (self._work is not None and self._work.alive):
            return
        self._say("Sending …")
        self._work = Background(lambda _: self._say(self.vote(answer).text), self._say, self._link, name="vote")

    def _say(self, text: str) -> None:
        with self._follower.lock:
            self._said = text.removeprefix("PollError: ")
            self._show()
