"""IncrementalAlterConfigs, v0-1: sets, resets, appends to or subtracts from single settings (KIP-339).

Behaviour: all changes of one resource or none. A topic's settings are in force when the answer comes.
Left out: loggers, client metrics and groups as resources; settings that are not in ``broker_settings.py`` (Apache
keeps any name for a broker).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.controller.configs import incremental_alter_configs
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(44, 0, 1, role="controller")
def handle(
    controller: Controller, request: m.IncrementalAlterConfigsRequest, context: RequestContext
) -> Deferred[m.IncrementalAlterConfigsResponse | None]:
    answers, records = incremental_alter_configs(controller.image, controller.config, request)
    response = m.IncrementalAlterConfigsResponse(responses=answers)
    return answer_when_committed(controller, [] if request.validate_only else records, response, everywhere=True)
