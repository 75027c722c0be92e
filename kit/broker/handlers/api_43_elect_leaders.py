"""ElectLeaders, v0-2: an administrator asks for elections: of the preferred replicas, or unclean ones.

Behaviour: the answer comes when the elections are committed and the brokers know of them; ``timeout_ms`` never runs
out.
Version notes: 0 preferred replicas only, no error code for the whole request; 1 unclean elections (KIP-460).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.controller.leaders import elect_leaders
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(43, 0, 2, role="controller")
def handle(
    controller: Controller, request: m.ElectLeadersRequest, context: RequestContext
) -> Deferred[m.ElectLeadersResponse | None]:
    response, records = elect_leaders(controller.image, controller.config, request)
    return answer_when_committed(controller, records, response, everywhere=True)
