"""What goes wrong with a jail."""

from __future__ import annotations


class JailError(Exception):
    """A jail could not be made; its text is one plain line for the instructor."""
