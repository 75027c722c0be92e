"""The wall of a feedback poll: what people wrote, as it arrives; what is not fit to be shown can be hidden."""

from __future__ import annotations

import csv
import io
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import traitlets

from kit.errors import PollError
from kit.plain_errors import plainly
from kit.polls.follower import Follower
from kit.polls.records import Closed, Hidden, PollQuestion, check_question
from kit.polls.tally import Counted
from kit.polls.topic import PollTopic
from kit.widgets._assets import script, style
from kit.widgets._background import Background, Link
from kit.widgets._text_twin import TextTwin

DEFAULT_QUESTION = "What helped you today? What should be different next time?"
MAX_SHOWN = 100
_HERE = Path(__file__).parent


class Wall(TextTwin):
    """The answers, newest first. Each student has one, and may send a new one in its place.

    Args:
        cluster: where the topic is.
    """

    _esm = script("feedback_view", _HERE)
    _css = style("feedback_view", _HERE)

    name = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, cluster: Any, topic: PollTopic) -> None:
        super().__init__(name=topic.poll, state={"phase": "waiting", "rows": [], "said": "", "trouble": ""})
        self._topic = topic
        self._link = Link(cluster)
        self._said = ""
        self._work: Background | None = None
        self._follower = Follower(cluster, topic, self._show)
        self._follower.start()
        self.on_msg(self._asked)

    @property
    def answers(self) -> list[str]:
        """The texts that are not hidden, oldest first."""
        return [each.answer for each, is_hidden in self._all() if not is_hidden]

    @property
    def alive(self) -> bool:
        """Whether the view still follows the topic."""
        return self._follower.alive

    def hide(self, offset: int) -> None:
        """Show an answer to nobody any more, by the offset of its record; it stays in the topic.

        Raises:
            PollError: there is no such answer, or the record was not acknowledged.
        """
        self._mark(offset, is_hidden=True)

    def show(self, offset: int) -> None:
        """Show a hidden answer again.

        Raises:
            PollError: there is no such answer, or the record was not acknowledged.
        """
        self._mark(offset, is_hidden=False)

    def close_voting(self) -> None:
        """Take no more answers.

        Raises:
            PollError: the record was not acknowledged.
        """
        self._follower.wait_for(self._topic.write(Closed()))

    def reopen(self) -> None:
        """Take answers again.

        Raises:
            PollError: the record was not acknowledged.
        """
        self._follower.wait_for(self._topic.write(Closed(is_open=True)))

    def export(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write what is not hidden to a CSV file, and return its path.

        Args:
            path: None for ``feedback-<name>.csv`` beside the notebook.

        Raises:
            PollError: it cannot be written.
        """
        found = Path(f"feedback-{self.name}.csv" if path is None else path).absolute()
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(["time", "student", "answer"])
        rows.writerows(
            [_time(each), _harmless(each.student), _harmless(each.answer)]
            for each, is_hidden in self._all()
            if not is_hidden
        )
        try:
            found.write_text(text.getvalue(), encoding="utf-8-sig", newline="")  # with a mark, or Excel guesses wrong
        except OSError as error:
            raise PollError(f"{found} cannot be written ({error.strerror}): name another file.") from error
        return found

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
        lines = [f"- {row['text']}" for row in state["rows"] if not row["hidden"]]
        return "\n".join(filter(None, [state.get("question", ""), *(lines or [state["said"]]), state["trouble"]]))

    def _all(self) -> list[tuple[Counted, bool]]:
        with self._follower.lock:
            tally = self._follower.tally
            return [(each, each.offset in tally.hidden) for each in tally.votes.values()]

    def _mark(self, offset: int, *, is_hidden: bool) -> None:
        if offset not in [each.offset for each, _ in self._all()]:
            raise PollError(f"No answer has the offset {offset}.")
        self._follower.wait_for(self._topic.write(Hidden(offset, is_hidden)))

    def _show(self) -> None:
        tally = self._follower.tally
        answers = self._all()
        rows = [
            {"offset": each.offset, "time": _time(each), "text": each.answer, "hidden": is_hidden}
            for each, is_hidden in reversed(answers[-MAX_SHOWN:])
        ]
        self.state = {
            "phase": tally.phase,
            "question": tally.question.text if tally.question else "",
            "rows": rows,
            "said": _said(len(answers), sum(1 for _, is_hidden in answers if is_hidden)),
            "note": self._said,
            "trouble": self._follower.trouble,
        }

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:
        """Do what a button asks for, in the background."""
        if not isinstance(content, dict) or (self._work is not None and self._work.alive):
            return
        self._work = Background(lambda _: self._do(content), self._say, self._link, name=f"feedback {self.name}")

    def _do(self, content: dict[str, Any]) -> None:
        self._say("")
        match content:
            case {"do": "hide", "offset": int(offset)}:
                self.hide(offset)
            case {"do": "show", "offset": int(offset)}:
                self.show(offset)
            case {"do": "close"}:
                self.close_voting()
            case {"do": "reopen"}:
                self.reopen()
            case {"do": "export"}:
                self._say(f"Written to {self.export().name}, beside the notebook.")

    def _say(self, text: str) -> None:
        with self._follower.lock:
            self._said = text.removeprefix("PollError: ")
            self._show()


@plainly
def feedback(cluster: Any, name: str, question: str | None = None, *, fresh: bool = False) -> Wall:
    """Ask the class for words, and watch them arrive. Students answer with ``kit.vote(cluster, name)``.

    Args:
        name: of the poll; its topic is ``poll.<name>``. One that is there already is shown as it stands.
        question: None for the one that the topic has, or a general one.
        fresh: begin anew, with no answers.

    Raises:
        PollError: the poll has options or another question, or the topic cannot be made.
    """
    from kit import cells

    if question is not None:
        check_question(question)
    topic = PollTopic(cluster, name)
    topic.make()
    known = topic.now()
    offset = known.next_offset - 1
    if known.question is not None and known.question.options:
        raise PollError(f"The poll {name!r} has options: show it with kit.poll(cluster, {name!r}).")
    if known.question is None or fresh:
        text = question or (known.question.text if known.question else DEFAULT_QUESTION)
        offset = topic.write(PollQuestion(text))
    elif question is not None and question != known.question.text:
        raise PollError(
            f"The poll {name!r} has another question already: choose another name, or add fresh=True to begin anew."
        )
    cells.close_earlier()
    wall = Wall(cluster, topic)
    cells.remember(wall)
    wall.wait_for(offset)
    return wall


def _said(number: int, num_hidden: int) -> str:
    if not number:
        return "No answers yet. Give people a minute: each one appears here as soon as it is sent."
    answers = "1 answer" if number == 1 else f"{number:,} answers"
    left_out = f", the newest {MAX_SHOWN} are shown" if number > MAX_SHOWN else ""
    return f"{answers}{left_out}{f', {num_hidden:,} hidden' if num_hidden else ''}."


def _time(answer: Counted) -> str:
    return datetime.fromtimestamp(answer.time_ms / 1000, tz=UTC).isoformat(timespec="seconds")


def _harmless(text: str) -> str:
    """Text that a spreadsheet takes for text: it would run one that begins like a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
