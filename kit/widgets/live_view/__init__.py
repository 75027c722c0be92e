"""The live view of a whole cluster.

``watching`` looks at a cluster and remembers (``look``, ``memory``, ``event_feed``); ``picture`` makes of one look what
the browser draws, and ``changes`` sends only what is new of it; ``actions`` are the buttons; ``widget`` ties them
together. The browser's side is in ``front``.
"""

from kit.widgets.live_view.look import Watched
from kit.widgets.live_view.widget import ClusterView

__all__ = ["ClusterView", "cluster_view"]


def cluster_view(cluster: Watched, topic: str | None = None) -> ClusterView:
    """A live picture of a cluster; `Cluster.view` is the same.

    Args:
        topic: what the filter begins with; None shows all topics.
    """
    return ClusterView(cluster, topic)
