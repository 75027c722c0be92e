"""Consumer groups live: who reads what, how far behind, and how that changed.

``reading`` asks a cluster (`GroupLook`); ``past`` remembers (lag over time, who held which partition when); ``picture``
makes of both what the browser draws; ``widget`` ties them together. The browser's side is in ``front``.
"""

from kit.widgets.groups.reading import GroupLook, GroupMember, PartitionProgress
from kit.widgets.groups.widget import GroupsAndLag

__all__ = ["GroupLook", "GroupMember", "GroupsAndLag", "PartitionProgress"]
