"""nbgrader, imported in half the time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SLOW = "rfc3987_syntax"  # builds 35 grammars at import, for formats that no notebook has; jsonschema does without


@contextmanager
def quick_imports() -> Iterator[None]:
    """Inside, a first import of nbgrader leaves a package out that costs 1.5 s and that nobody uses here."""
    is_ours = _SLOW not in sys.modules
    if is_ours:
        sys.modules[_SLOW] = None  # type: ignore[assignment] # an import of it fails, and jsonschema allows for that
    try:
        yield
    finally:
        if is_ours:
            sys.modules.pop(_SLOW, None)
