"""When a handler of the controller may answer: not before a majority of the quorum has what it decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from kit.broker.deferred import Deferred

if TYPE_CHECKING:
    from kit.broker.controller.controller import Controller

Response = TypeVar("Response")


def answer_when_committed(
    controller: Controller, records: Sequence[Any], response: Response, *, otherwise: Response
) -> Deferred[Response]:
    """Append the records; resolves with ``response`` when they are committed, with ``otherwise`` when they are not.

    An answer without records waits as well: it was judged on an image that may hold what is not committed yet.

    Args:
        otherwise: says NOT_CONTROLLER: leadership was lost, and nobody can tell whether the records will stay.
    """
    answer: Deferred[Response] = Deferred()
    controller.commit(records).then(lambda is_committed: answer.resolve(response if is_committed else otherwise))
    return answer
