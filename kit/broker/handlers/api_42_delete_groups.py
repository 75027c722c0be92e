"""DeleteGroups, v0-2: delete groups without members, and all they have committed (KIP-229)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext


@handles(42, 0, 2)
def handle(
    broker: Broker,
    request: m.DeleteGroupsRequest,
    context: RequestContext,
) -> Deferred[m.DeleteGroupsResponse]:
    return broker.coordinator.delete_groups(request)
