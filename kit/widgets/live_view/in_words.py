"""A picture as plain text, for whoever has no browser at hand."""

from __future__ import annotations

from typing import Any

_ROLES = {"L": "leads", "F": "follows in sync", "B": "is behind", "X": "is offline"}


def in_words(drawn: dict[str, Any]) -> str:
    """A line for each node, each fault of the network and each partition of the page."""
    lines = [_node(node) for node in drawn["nodes"]]
    lines += drawn["faults"]
    lines += [_row(drawn["rows"][name], drawn["nodes"]) for name in drawn["order"]]
    lines += [text for text in (drawn["empty"], drawn["trouble"]) if text]
    return "\n".join(lines)


def _node(node: dict[str, Any]) -> str:
    kind = "Broker" if node["is_broker"] else "Controller"
    role = ", active controller" if node["is_controller"] else ""
    slow = f", slow ({node['slow']})" if node["slow"] else ""
    return f"{kind} {node['id']}: {node['state']}{role}{slow}"


def _row(row: list[Any], nodes: list[dict[str, Any]]) -> str:
    topic, partition, leader, letters, start, high_watermark, _ = row
    roles = [f"{node['id']} {_ROLES[letter]}" for node, letter in zip(nodes, letters, strict=True) if letter != " "]
    known = "offsets unknown" if high_watermark is None else _offsets(start, high_watermark)
    nobody = "" if leader is not None else "no leader, "
    return f"{topic}-{partition}: {nobody}{', '.join(roles)}; {known}"


def _offsets(start: int, high_watermark: int) -> str:
    """The records that a consumer can read: the high watermark is the offset behind the last of them."""
    if start < high_watermark:
        return f"offsets {start} to {high_watermark - 1}"
    return f"empty, next offset {high_watermark}" if high_watermark else "empty"
