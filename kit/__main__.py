"""``python -m kit``: the same as the command ``kit``."""

from __future__ import annotations

import sys

from kit.console import main

if __name__ == "__main__":
    sys.exit(main())
