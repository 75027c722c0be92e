"""``python -m kit``: the same as the command ``kit``."""

from __future__ import annotations

import sys

try:
    from kit.console import main
except KeyboardInterrupt:  # Ctrl-C before anything has begun
    sys.exit(130)

if __name__ == "__main__":
    sys.exit(main())
