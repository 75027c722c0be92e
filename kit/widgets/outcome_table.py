"""A table of what a producer was told and what the log holds: kept, lost, refused, unknown."""

from __future__ import annotations

from html import escape
from typing import Any

from kit.checks import ClusterEvidence
from kit.client_settings import settings_of
from kit.history import History, HistoryError
from kit.lessons.outcomes import Outcome, in_words, outcomes
from kit.widgets._background import ClusterLike, describe

_MOST_ROWS = 100
_CELL = "padding:3px 12px;text-align:left;vertical-align:top;border-top:1px solid var(--jp-border-color2,#e0e0e0)"
_SIGN = (
    "display:inline-grid;place-items:center;box-sizing:border-box;width:18px;height:18px;line-height:1;"
    "margin-right:6px;font-size:11px;font-weight:700;border-radius:3px;color:#000;border:{line} #000;"
    "background:{fill}"
)
# Okabe-Ito fills; the letter and the kind of frame say the same.
_LOOKS = {
    "kept": ("K", "#56b4e9", "1px solid"),
    "lost": ("L", "#e69f00", "3px double"),
    "refused": ("R", "#f0e442", "1px dashed"),
    "unknown": ("?", "#ffffff", "1px dotted"),
}


class OutcomeTable:
    """Every record of a history that was sent to a topic, and what became of it. Made once, it does not change.

    Args:
        cluster: where the topic is; its log is read now, so mend the cluster first.
        history: what the producers did.
        topic: which one.
    """

    def __init__(self, cluster: ClusterLike, history: History, topic: str) -> None:
        from kafka.errors import KafkaError

        self.topic = topic
        self.outcomes: list[Outcome] = []
        self.trouble = ""
        try:
            with ClusterEvidence(settings_of(cluster)) as evidence:
                log: dict[int, list[tuple[int, Any]]] = {each: [] for each in evidence.log_end_offsets(topic)}
                for record in evidence.records(topic):
                    log[record.partition].append((record.offset, record.value))
            self.outcomes = outcomes(history, topic, log)
        except (KafkaError, HistoryError) as error:
            self.trouble = f"The log of {topic} cannot be compared. {describe(error)}"

    @property
    def summary(self) -> str:
        """How many of each in one line."""
        return self.trouble or f"{self.topic}: {in_words(self.outcomes)}"

    def __str__(self) -> str:
        lines = [
            f"{_text(each.operation.value)} by {each.operation.process}: {each.told}; {_place(each)}: {each.word}"
            for each in self.outcomes[:_MOST_ROWS]
        ]
        return "\n".join([self.summary, *lines])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        if self.trouble or not self.outcomes:
            return f"<p>{escape(self.summary)}</p>"
        names = ("Record", "Producer", "The producer was told", "In the log", "So it was")
        heads = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in names)
        rows = "".join(_row(each) for each in self.outcomes[:_MOST_ROWS])
        more = len(self.outcomes) - _MOST_ROWS
        rest = f"<p>… and {more} more.</p>" if more > 0 else ""
        return (
            '<table style="border-collapse:collapse;margin:6px 0;font-size:var(--jp-ui-font-size1,13px)">'
            f'<caption style="text-align:left;padding:2px 12px 6px"><b>{escape(self.summary)}</b></caption>'
            f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{rest}"
        )


def _row(each: Outcome) -> str:
    letter, fill, line = _LOOKS[each.word]
    sign = f'<span aria-hidden="true" style="{_SIGN.format(fill=fill, line=line)}">{letter}</span>'
    cells = (_text(each.operation.value), str(each.operation.process), each.told, _place(each))
    texts = "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in cells)
    word = f'<td style="{_CELL}" title="{escape(each.why)}">{sign}<b>{each.word}</b></td>'
    return f"<tr>{texts}{word}</tr>"


def _place(each: Outcome) -> str:
    return "not there" if each.at is None else f"partition {each.at[0]}, offset {each.at[1]}"


def _text(value: Any) -> str:
    text = value.decode("utf-8", errors="backslashreplace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"
