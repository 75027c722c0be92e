"""AlterConfigs, v0-2: replaces all settings of topics and brokers; what is not named goes back to its default.

Deprecated in favour of IncrementalAlterConfigs (KIP-339), which cannot undo by accident what somebody else has set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.controller.configs import alter_configs
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(33, 0, 2, role="controller")
def handle(
    controller: Controller, request: m.AlterConfigsRequest, context: RequestContext
) -> Deferred[m.AlterConfigsResponse | None]:
    answers, records = alter_configs(controller.image, controller.config, request)
    response = m.AlterConfigsResponse(responses=answers)
    return answer_when_committed(controller, [] if request.validate_only else records, response, everywhere=True)
