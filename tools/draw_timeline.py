"""Replay scenarios and draw what really happened: ``python -m tools.draw_timeline [SCENARIO ...]``.

Each run is another one, so times differ from picture to picture; what happens does not. The pictures go to
``docs/images/timeline-SCENARIO.svg``; without names, those that the documentation shows are drawn.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.environment import ROOT

IMAGES = ROOT / "docs" / "images"
SHOWN = ("cut_acks_1", "cut_acks_all", "four_brokers", "unclean_election")


def draw(name: str, images: Path = IMAGES) -> Path:
    """Replay one scenario on a cluster of its own and draw it; returns the file.

    Raises:
        RuntimeError: it did not come out as predicted: a picture of that would teach something wrong.
    """
    import kit
    from tools.timeline_story import story_of
    from tools.timeline_svg import svg_of

    result = getattr(kit.scenarios, name)()
    if not result.ok:
        raise RuntimeError(str(result))
    path = images / f"timeline-{name.replace('_', '-')}.svg"
    path.write_text(svg_of(story_of(result), f"python -m tools.draw_timeline {name}"), encoding="utf-8")
    return path


def main(names: list[str]) -> int:
    """Draw the named scenarios. Returns 2 for a name that is none, else 0."""
    import kit

    known = [scenario.name for scenario in kit.scenarios.ALL]
    if unknown := [name for name in names if name not in known]:
        print(f"There is no scenario {', '.join(unknown)}; there are {', '.join(known)}.")
        return 2
    for name in names or SHOWN:
        print(draw(name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
