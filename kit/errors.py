"""What the kit says when it cannot do what it was asked.

* `KitError`: every error of the kit.

  * `StartError`: a cluster cannot start.
  * `ClusterClosedError`: the cluster is no longer there.

Each text says what happened, where, and what to try next.
"""

from __future__ import annotations


class KitError(Exception):
    """Every error of the kit."""


class StartError(KitError):
    """A cluster cannot start."""


class ClusterClosedError(KitError):
    """The cluster is no longer there."""
