"""Which nodes a cluster consists of, and the folders in which each of them finds itself again."""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

META_PROPERTIES = "meta.properties"
QUORUM_FILE = "quorum.json"
FIRST_CONTROLLER_ID = 101  # of controllers that are no brokers
MAX_COMBINED = 3  # brokers that are controllers too


class LayoutError(Exception):
    """The nodes asked for do not fit the folder's; the text says why and what to do."""


def voters_of(num_brokers: int, controllers: int | None) -> list[int]:
    """The node ids of the metadata quorum.

    Args:
        controllers: None for combined roles on brokers 1 to 3 (broker 1 alone when there are fewer than three
            brokers); a number for that many controllers of their own.
    """
    if controllers is not None:
        return [FIRST_CONTROLLER_ID + index for index in range(controllers)]
    return list(range(1, MAX_COMBINED + 1)) if num_brokers >= MAX_COMBINED else [1]


def directory_of(data_dir: Path, node_id: int) -> Path:
    """The folder of a node."""
    role = "controller" if node_id >= FIRST_CONTROLLER_ID else "broker"
    return data_dir / f"{role}-{node_id}"


def node_log_file(node_id: int) -> str:
    """The file in the cluster's folder that a node logs to when it is a process of its own."""
    return f"server-{node_id}.log"


def recorded_voters(data_dir: Path, wanted: Sequence[int], *, is_chosen: bool) -> list[int]:
    """The quorum that the folder was begun with: nodes that never had the metadata must not outvote one that has.

    Args:
        is_chosen: the caller asked for just this quorum.

    Raises:
        LayoutError: the folder has another one, or its file is damaged.
        OSError: the folder cannot be read or written.
    """
    path = data_dir / QUORUM_FILE
    if not path.exists():
        path.write_text(json.dumps({"voters": list(wanted)}) + "\n", encoding="ascii")
        return list(wanted)
    recorded = _voters_in(path)
    if is_chosen and recorded != list(wanted):
        raise LayoutError(
            f"The folder {data_dir} was begun with the controllers {', '.join(map(str, recorded))}, and that cannot "
            "change later: leave out controllers=, or choose another data_dir."
        )
    return recorded


def _voters_in(path: Path) -> list[int]:
    try:
        content = json.loads(path.read_text(encoding="ascii"))
    except ValueError:
        content = None
    voters = content.get("voters") if isinstance(content, dict) else None
    if not isinstance(voters, list) or not voters or any(type(node_id) is not int or node_id < 1 for node_id in voters):
        raise LayoutError(
            f"The file {path} is damaged: it should name the controllers that the folder was begun with, as in "
            f'{{"voters": [1, 2, 3]}}. Write them there again, or choose another data_dir.'
        )
    return voters


def cluster_id_of(directories: Mapping[int, Path], source: random.Random) -> str:
    """The id that the folders carry in Kafka's ``meta.properties``; a new one for new folders (KIP-78)."""
    found: str | None = None
    for directory in directories.values():
        path = directory / META_PROPERTIES
        if found is None and path.exists():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found = dict(line.split("=", 1) for line in lines if "=" in line).get("cluster.id") or None
    if found is None:
        found = _random_id(source)
    for node_id, directory in directories.items():
        path = directory / META_PROPERTIES
        directory.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            lines = ["version=1", f"cluster.id={found}", f"node.id={node_id}", f"directory.id={_random_id(source)}"]
            path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return found


def _random_id(source: random.Random) -> str:
    """22 characters of base64url, as Kafka's ``Uuid.randomUuid``."""
    return (
        base64.urlsafe_b64encode(uuid.UUID(int=source.getrandbits(128), version=4).bytes).rstrip(b"=").decode("ascii")
    )
