"""Files in which a course remembers something: whole or not there, whoever is killed meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_json(path: Path, value: Any) -> None:
    """Let a file hold this, in place of what it held; its folder is made, for its owner alone.

    Whoever writes has the course to itself: nothing is locked here, unlike in `kit.json_file`.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = path.with_suffix(".part")
    half.write_text(json.dumps(value), encoding="utf-8")
    half.replace(path)
