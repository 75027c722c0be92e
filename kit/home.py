"""Where the kit keeps what outlives a process: clusters that go on, and the practice CLI's state."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The kit's folder: $KIT_HOME, or ``.kafka-kit`` in the home folder."""
    return Path(os.environ.get("KIT_HOME") or Path.home() / ".kafka-kit").expanduser().absolute()
