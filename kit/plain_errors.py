"""How an error that comes out of the kit looks in a notebook: the learner's own lines, and one sentence.

The frames inside the kit, kafka-python and Python's library say nothing to a learner, and there are dozens of them.
They are left out for what the kit refuses (`kit.errors.KitError`), for an interrupt while the kit works, and for
kafka-python's errors that come through the kit. Everything else keeps its traceback, and so does all of it outside of
notebooks.
Source: IPython, ``InteractiveShell.showtraceback``, which asks an exception for its ``_render_traceback_``.
"""

from __future__ import annotations

import functools
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_KIT = Path(__file__).parent
_LIBRARIES = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
_CELL = re.compile(r"ipykernel_\d+[\\/]|<ipython-input-")
_INTERRUPTED = "the cell was interrupted here. What it did before that stays done."
_LOST = (
    "Does the cluster still run? Write its name into a cell to see. If not, run its kit.start or kit.connect again, "
    "then the cells after it."
)


def plainly(function: Callable[P, R]) -> Callable[P, R]:
    """Let interrupts and kafka-python's errors that come out of ``function`` be shown as `rendered`.

    They stay what they are, for whoever catches them.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) or _is_of_kafka(error):
                # Not with the error in it: that would keep its frames, and what they have open, for longer.
                error._render_traceback_ = _render_last  # type: ignore[attr-defined]
            raise

    return call


def rendered(error: BaseException) -> list[str]:
    """What a notebook shows of an error: the learner's own lines, then the sentence."""
    return [*(_line(each) for each in _own(error) if each.line), "", f"{type(error).__name__}: {_sentence(error)}"]


def _render_last() -> list[str]:
    """IPython notes an exception as the last one before it asks how to show it."""
    last = sys.last_value
    return [] if last is None else rendered(last)


def _own(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of the learner's own cells and files; where there are none, the one that called the kit."""
    frames = traceback.extract_tb(error.__traceback__)
    is_inside = [Path(each.filename).is_relative_to(_KIT) for each in frames]
    first = is_inside.index(True) if any(is_inside) else len(frames)
    return [each for each in frames if _is_learners(each.filename)] or frames[max(0, first - 1) : first]


def _is_learners(filename: str) -> bool:
    if _CELL.search(filename):
        return True
    path = Path(filename)
    return path.is_absolute() and not any(path.is_relative_to(folder) for folder in (_KIT, *_LIBRARIES))


def _line(frame: traceback.FrameSummary) -> str:
    file = "" if _CELL.search(frame.filename) else f"{Path(frame.filename).name}, "
    return f"{file}line {frame.lineno}: {frame.line}"


def _sentence(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return _INTERRUPTED
    if not _is_of_kafka(error):
        return str(error)
    # Some of kafka-python's errors begin their text with their own name.
    text = str(error).strip().partition("\n")[0].removeprefix(f"{type(error).__name__}:").strip()
    text = text if text and text != type(error).__name__ else "no details given"
    return f"{text.rstrip('.')}. {_LOST}"


def _is_of_kafka(error: BaseException) -> bool:
    known = sys.modules.get("kafka.errors")  # not imported for this: without it there are none of its errors
    return known is not None and isinstance(error, known.KafkaError)
