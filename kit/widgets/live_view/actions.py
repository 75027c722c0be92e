"""The buttons: each is one call of a method of the cluster, and the same in Python to copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NODE_ACTIONS = ("kill", "stop", "restart", "pause", "resume", "isolate")


@dataclass(frozen=True, slots=True)
class Action:
    """A call that was asked for.

    Attributes:
        method: of the cluster.
        arguments: in their order.
        one_way: of a cut.
    """

    method: str
    arguments: tuple[Any, ...] = ()
    one_way: bool = False

    @property
    def python(self) -> str:
        """The call as a student writes it."""
        arguments = [_braces(each) if isinstance(each, frozenset) else str(each) for each in self.arguments]
        if self.one_way:
            arguments.append("one_way=True")
        return f"cluster.{self.method}({', '.join(arguments)})"

    def run(self, cluster: Any) -> None:
        """Make the call; raises what the cluster raises."""
        extra = {"one_way": True} if self.one_way else {}
        getattr(cluster, self.method)(*self.arguments, **extra)


def action_of(message: Mapping[str, Any]) -> Action:
    """What a message from the browser asks for.

    Raises:
        ValueError: nothing that a button asks for.
    """
    name = message.get("action")
    if name == "heal":
        return Action("heal")
    if name == "cut":
        groups = message.get("groups")
        if not isinstance(groups, list) or not all(isinstance(group, list) for group in groups):
            raise ValueError("A cut needs groups of nodes.")
        sides = tuple(frozenset(_node(each) for each in group) for group in groups if group)
        if len(sides) < 2:
            raise ValueError("Put at least one node on each side, then press Cut.")
        return Action("cut", sides, one_way=message.get("one_way") is True)
    if name in NODE_ACTIONS:
        return Action(str(name), (_node(message.get("node")),))
    raise ValueError(f"There is no action {name!r}.")


def _node(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no node's id.")
    return value


def _braces(group: frozenset[int]) -> str:
    return "{" + ", ".join(map(str, sorted(group))) + "}"
