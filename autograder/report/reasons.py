"""Reasons that say the same of different work: they differ by run, seed, and what a student's own records hold."""

from __future__ import annotations

import re
from collections.abc import Iterable

# What `autograder.judge.evidence` adds: which run it was, and of how many faults this is the first.
_ADDED = re.compile(r"\s*(?:\(run [^()]*, seed \d+\)|There (?:is|are) \d+ faults? of this kind\.)")
_OWN = re.compile(
    r"""( \b\w+(?:Error|Exception|Interrupt)\b.*      # an error of the student's code, and all that follows
        | (?<!\w)'.*?'(?!\w) | (?<!\w)".*?"(?!\w)     # texts
        | \{.*?(?:\}|…)                               # JSON
        | \b(?:null|none|true|false)\b
        | [\w.@-]*\d(?:[\w.@-]*\w)?                   # numbers, records, partitions
        )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_DIFFERS = "…"
_LONGEST = 1_000  # characters that are compared


def commonest(reasons: Iterable[str]) -> tuple[str, int]:
    """The reason that is given most often, and how often; "" and 0 without any.

    Values in which those that say the same differ are told as "…".
    """
    alike: dict[tuple[str, ...], list[list[str]]] = {}
    for reason in reasons:
        parts = _OWN.split(_ADDED.sub("", reason[:_LONGEST]))  # in turns: words that all have, and a value of its own
        alike.setdefault(tuple(parts[::2]), []).append(parts)
    if not alike:
        return "", 0
    most = max(alike.values(), key=len)
    return "".join(_one(each) for each in zip(*most, strict=True)), len(most)


def _one(values: tuple[str, ...]) -> str:
    return values[0] if len(set(values)) == 1 else _DIFFERS
