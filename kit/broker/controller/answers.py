"""When a handler of the controller may answer: not before a majority of the quorum has what it decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from kit.broker.deferred import Deferred

if TYPE_CHECKING:
    from kit.broker.controller.controller import Controller

Response = TypeVar("Response")


def answer_when_committed(
    controller: Controller, records: Sequence[Any], response: Response, *, everywhere: bool = False
) -> Deferred[Response | None]:
    """Append the records; resolves with ``response`` when they are committed.

    With None when leadership was lost before: nobody can tell then whether the records will stay, and whoever asked
    asks the next controller. An answer without records waits as well: it was judged on an image that may hold what is
    not committed yet.

    Args:
        everywhere: wait until every live broker knows them: for clients, whose next request may go to any broker.
    """
    answer: Deferred[Response | None] = Deferred()
    controller.commit(records, everywhere=everywhere).then(
        lambda is_committed: answer.resolve(response if is_committed else None)
    )
    return answer
