"""The sizing estimator: partitions, clients and disk from rates, why, and a load test of the answer."""

from __future__ import annotations

from collections import deque
from typing import Any

import traitlets

from kit.errors import ScenarioError
from kit.lessons.load_picture import shapes, view_box
from kit.lessons.load_test import MAX_PARTITIONS, MAX_RECORDS, LoadTest
from kit.lessons.sizing import (
    Estimate,
    SizingError,
    estimate,
    lectures_way,
    size_in_words,
    why_not_the_lectures_way,
)
from kit.scenarios.load_test import load_test
from kit.widgets._assets import script, style
from kit.widgets._background import Background, ClusterLike, Link
from kit.widgets._text_twin import TextTwin

# The numbers of the lecture's slide.
SLIDE: dict[str, float] = {
    "target": 200, "producer_rate": 15, "consumer_rate": 20, "producers": 4, "consumers": 6, "retention_days": 7,
    "replication_factor": 3,
}  # fmt: skip
_LABELS = {
    "target": "The target",
    "producer_rate": "The rate of a producer",
    "consumer_rate": "The rate of a consumer",
    "producers": "The number of producers",
    "consumers": "The number of consumers",
    "retention_days": "The retention",
    "replication_factor": "The replication factor",
}
_LOOK_S = 0.1
_SECONDS = 10


class SizingEstimator(TextTwin):
    """A form with rates, and what follows from them: in numbers, in a sentence, and against the slide's own way.

    Args:
        cluster: where its buttons play load tests; None for an estimator without them.
        numbers: to begin with, by the names in `SLIDE`; those that are missing are the slide's.

    Raises:
        TypeError: there is no such name.
    """

    _esm = script("sizing_estimator")
    _css = style("sizing_estimator")
    # Of the class: a widget whose arguments are refused is closed without ever having been made.
    _background: Background | None = None

    asked = traitlets.Dict().tag(sync=True)
    result = traitlets.Dict().tag(sync=True)
    test = traitlets.Dict().tag(sync=True)
    can_test = traitlets.Bool(False).tag(sync=True)
    slide = traitlets.Dict(SLIDE).tag(sync=True)

    def __init__(self, cluster: ClusterLike | None = None, **numbers: float) -> None:
        unknown = sorted(set(numbers) - set(SLIDE))
        if unknown:
            raise TypeError(f"There is no {unknown[0]!r} to estimate with, only {', '.join(SLIDE)}.")
        self._orders: deque[str] = deque()
        self._tested: LoadTest | None = None
        super().__init__(asked={**SLIDE, **numbers}, can_test=cluster is not None)
        self._draw()
        self.observe(self._draw, "asked")
        self.on_msg(self._heard)
        if cluster is not None:
            self._link = Link(cluster)
            self._background = Background(self._run, self._failed, self._link, name="sizing estimator")

    @property
    def alive(self) -> bool:
        """Whether its buttons still reach a cluster."""
        return self._background is not None and self._background.alive

    @property
    def last_test(self) -> LoadTest | None:
        """The load test that was played last."""
        return self._tested

    def try_out(self, which: str = "estimate") -> None:
        """Play a load test with the "estimate" or with the "slide"'s answer; what came of it appears in the widget."""
        if self.alive:
            self._orders.append(which)
        elif self._background is None:
            self._tell(_trouble("This estimator has no cluster: SizingEstimator(cluster)."))
        else:
            self._tell(dict(self.test))

    def close(self) -> None:
        """End what runs behind the form and remove it."""
        if self._background is not None:
            self._background.stop()
        super().close()

    def __str__(self) -> str:
        if self.result["error"]:
            return str(self.result["error"])
        lines = [self.result[name] for name in ("sentence", "clients", "storage", "slide")]
        told = [self.test.get(name, "") for name in ("text", "margins")]
        return "\n".join([*lines, *(each for each in told if each)])

    def _draw(self, _change: object = None) -> None:
        self.result = {"asked": dict(self.asked), **_result(self.asked)}
        if self.alive and self.test.get("state") == "trouble":  # it was about other numbers
            self._tell(_trouble(""))

    def _heard(self, _widget: object, content: Any, _buffers: object) -> None:
        if isinstance(content, dict) and content.get("type") == "try" and content.get("which") in ("estimate", "slide"):
            if isinstance(content.get("asked"), dict):  # what was typed last may still be on its way
                self.asked = content["asked"]
            self.try_out(content["which"])

    def _tell(self, test: dict[str, Any]) -> None:
        # Numbered, because the browser hears of changes only, and the same answer may come twice.
        self.test = {**test, "number": self.test.get("number", 0) + 1}

    def _run(self, background: Background) -> None:
        while background.goes_on(_LOOK_S):
            while self._orders:
                self._play(self._orders.popleft())

    def _play(self, which: str) -> None:
        self._tell({"state": "running", "text": "Records are being written and read …", "rows": []})
        try:
            settings = _settings(self.asked, which)
            self._tested = load_test(self._link, **settings)
        except (SizingError, ScenarioError) as error:
            self._tell(_trouble(_in_labels(error)))
            return
        self._tell(_told(self._tested))

    def _failed(self, reason: str) -> None:
        self._tell(_trouble(f"No load test can be played any more. {reason}"))


def _result(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        found = _estimate(asked)
        clients = (
            asked.get("producers"),
            asked.get("producer_rate"),
            asked.get("consumers"),
            asked.get("consumer_rate"),
        )
        slides_answer = lectures_way(asked.get("target"), *clients)  # type: ignore[arg-type]  # checked there
        slide = why_not_the_lectures_way(asked.get("target"), *clients)  # type: ignore[arg-type]
    except SizingError as error:
        return {"error": _in_labels(error)}
    return {
        "error": "",
        "partitions": found.partitions,
        "producers": found.producers,
        "consumers": found.consumers,
        "stored": size_in_words(found.stored_mb),
        "sentence": found.sentence,
        "clients": found.clients_sentence,
        "storage": found.storage_sentence,
        "slides_answer": slides_answer,
        "slide": slide,
    }


def _estimate(asked: dict[str, Any]) -> Estimate:
    names = ("target", "producer_rate", "consumer_rate", "retention_days", "replication_factor")
    return estimate(*(asked.get(name) for name in names))  # type: ignore[arg-type]  # checked there


def _settings(asked: dict[str, Any], which: str) -> dict[str, int]:
    """What `load_test` is called with.

    Raises:
        SizingError: it cannot be tested with whole records; the text says why.
    """
    found = _estimate(asked)
    rates = {name: getattr(found, name) for name in ("target", "producer_rate", "consumer_rate")}
    if any(rate.denominator != 1 for rate in rates.values()):
        raise SizingError("A load test counts whole records, one for each MB: take rates without a fraction.")
    if found.target * _SECONDS > MAX_RECORDS or found.partitions > MAX_PARTITIONS:
        raise SizingError(
            f"That is too much for this computer: at most {MAX_RECORDS // _SECONDS:,} MB/s and {MAX_PARTITIONS} "
            "partitions can be tried. Divide all three rates by the same number: the answer stays the same."
        )
    if which == "slide":
        clients = {name: asked[name] for name in ("producers", "consumers")}
        partitions = lectures_way(
            found.target, clients["producers"], found.producer_rate, clients["consumers"], found.consumer_rate
        )
    else:
        clients, partitions = {"producers": found.producers, "consumers": found.consumers}, found.partitions
    return {"partitions": partitions, **clients, **{name: int(rate) for name, rate in rates.items()}}


def _told(test: LoadTest) -> dict[str, Any]:
    sides = test.sides
    return {
        "state": "keeps up" if test.keeps_up else "falls behind",
        "topic": test.topic,
        "headline": test.headline,
        "text": test.verdict,
        "margins": test.margins,
        "picture": {"view_box": view_box(sides), "shapes": [list(each) for each in shapes(sides)]},
        "rows": [[each.number, each.made, each.written, each.waiting, each.lag] for each in test.seconds],
    }


def _trouble(text: str) -> dict[str, Any]:
    return {"state": "trouble" if text else "", "text": text, "rows": []}


def _in_labels(error: Exception) -> str:
    name, _, rest = str(error).partition(" is ")
    return f"{_LABELS[name]} is {rest}".replace("is None:", "is missing:") if name in _LABELS else str(error)
