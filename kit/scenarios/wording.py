"""Facts as words, the same in every scenario."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kit.scenarios.clients import Sent


def offsets_of(sent: Iterable[Sent]) -> list[int]:
    """The offsets that were acknowledged."""
    return [each.offset for each in sent if each.offset is not None]


def all_acknowledged(sent: Sequence[Sent]) -> bool:
    """Whether there are sends, and each was acknowledged."""
    return bool(sent) and all(each.is_acknowledged for each in sent)


def all_refused(sent: Sequence[Sent], error: str) -> bool:
    """Whether there are sends, and each ended with this error."""
    return bool(sent) and all(each.error == error for each in sent)


def answers(sent: Sequence[Sent]) -> str:
    """How sends were answered: "3 of 3 acknowledged, at offsets 2, 3, 4", "0 of 1 acknowledged: REQUEST_TIMED_OUT"."""
    got = [each for each in sent if each.is_acknowledged]
    text = f"{len(got)} of {len(sent)} acknowledged"
    if got:
        text += f", at offset{'s' * (len(got) > 1)} {listed(offsets_of(got))}"
    if errors := sorted({str(each.error) for each in sent if not each.is_acknowledged}):
        text += f": {listed(errors)}"
    return text


def listed(things: Iterable[object]) -> str:
    """Things with commas between them; "none" when there are none."""
    return ", ".join(str(thing) for thing in things) or "none"


def plain(answer: object) -> str:
    """An answer without what does not matter: spaces around it, and capital letters."""
    return " ".join(str(answer).split()).casefold()


def quoted(answers: Iterable[str]) -> str:
    """Answers as Python writes them, with commas between them."""
    return ", ".join(f'"{each}"' for each in answers)


def short(answer: object, most: int = 60) -> str:
    """What somebody wrote, as Python shows it, and no more than a line of it."""
    text = repr(answer)
    return text if len(text) <= most else text[: most - 1] + "…"


def brokers(ids: Sequence[int]) -> str:
    """Brokers by name: "broker 3", "brokers 2 and 3"."""
    *most, last = ids
    return f"brokers {listed(most)} and {last}" if most else f"broker {last}"
