"""What a replica must not forget: in which epoch it is, who leads in it, and whom it voted for.

Rules for the file: a vote that is forgotten can be given twice, and two leaders would be elected. So the file is
written before an answer leaves, and a crash leaves the old content or the new.
Source: Kafka's ``FileQuorumStateStore``; ``quorum-state`` in data version 0, that of a quorum with fixed voters.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.broker.raft.messages import NOBODY, leader_or_none
from kit.broker.storage.files import SHARED_POOL, FilePool, storage_error
from kit.wire.errors import BrokerError, ErrorCode

FILE_NAME = "quorum-state"


@dataclass(frozen=True, slots=True)
class ElectionState:
    """The epoch, its leader and this node's vote in it, each None when there is none (yet)."""

    epoch: int = 0
    leader_id: int | None = None
    voted_id: int | None = None


class QuorumStateFile:
    """The file ``quorum-state`` beside the metadata log.

    Args:
        directory: of the metadata partition; must exist.
        voters: written into the file as Kafka does, and not read.
        flush: force the file to the disk itself.
        pool: stands for the disk.
    """

    def __init__(self, directory: Path, *, voters: Sequence[int], flush: bool, pool: FilePool = SHARED_POOL) -> None:
        self.path = directory / FILE_NAME
        self._voters = [{"voterId": voter} for voter in voters]
        self._flush = flush
        self._pool = pool

    def load(self) -> ElectionState:
        """What was saved last; epoch 0 when nothing was.

        Raises:
            BrokerError: KAFKA_STORAGE_ERROR when the file cannot be read or is not what Kafka writes.
        """
        try:
            content = json.loads(self.path.read_bytes())
            voted_id = leader_or_none(content["votedId"])
            return ElectionState(content["leaderEpoch"], leader_or_none(content["leaderId"]), voted_id)
        except FileNotFoundError:
            return ElectionState()
        except OSError as error:
            raise storage_error(f"cannot read {self.path}", error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise BrokerError(
                ErrorCode.KAFKA_STORAGE_ERROR,
                f"{self.path} is damaged ({error!r}): without it a voter could vote twice; remove the whole data "
                "directory of this node, and let it fetch everything from the others",
            ) from error

    def save(self, state: ElectionState) -> None:
        """Replace the file.

        Raises:
            BrokerError: KAFKA_STORAGE_ERROR; the file is as it was.
        """
        content = {
            "clusterId": "",
            "leaderId": NOBODY if state.leader_id is None else state.leader_id,
            "leaderEpoch": state.epoch,
            "votedId": NOBODY if state.voted_id is None else state.voted_id,
            "appliedOffset": 0,
            "currentVoters": self._voters,
            "data_version": 0,
        }
        scratch = self.path.with_name(FILE_NAME + ".tmp")
        try:
            with scratch.open("wb") as file:
                file.write(json.dumps(content, separators=(",", ":")).encode())
                if self._flush:
                    file.flush()
                    self._pool.force(file.fileno())
            scratch.replace(self.path)
            if self._flush:
                self._flush_directory()
        except OSError as error:
            raise storage_error(f"cannot write {self.path}", error) from error

    def _flush_directory(self) -> None:
        """Force the new name to the disk too; Windows cannot open a directory, and does without."""
        if os.name == "nt":
            return
        descriptor = os.open(self.path.parent, os.O_RDONLY)
        try:
            self._pool.force(descriptor)
        finally:
            os.close(descriptor)
