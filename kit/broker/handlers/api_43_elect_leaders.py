"""ElectLeaders, v0-2: an administrator asks for elections: of the preferred replicas, or unclean ones.

Behaviour: the answer comes when the elections are committed; brokers learn of them a moment later. ``timeout_ms``
never runs out.
Version notes: 0 preferred replicas only, no error code for the whole request; 1 unclean elections (KIP-460).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.controller.leaders import elect_leaders
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller

_TopicAnswer = m.ElectLeadersResponse.ReplicaElectionResult
_Answer = m.ElectLeadersResponse.PartitionResult


@handles(43, 0, 2, role="controller")
def handle(
    controller: Controller, request: m.ElectLeadersRequest, context: RequestContext
) -> Deferred[m.ElectLeadersResponse]:
    response, records = elect_leaders(controller.image, controller.config, request)
    otherwise = _not_controller(response) if context.api_version == 0 else _NOT_CONTROLLER
    return answer_when_committed(controller, records, response, otherwise=otherwise)


_NOT_CONTROLLER = m.ElectLeadersResponse(error_code=ErrorCode.NOT_CONTROLLER)


def _not_controller(response: m.ElectLeadersResponse) -> m.ElectLeadersResponse:
    """The same for v0, which can say it of each partition only."""
    results = [
        _TopicAnswer(
            topic=topic.topic,
            partition_result=[
                _Answer(partition_id=each.partition_id, error_code=ErrorCode.NOT_CONTROLLER)
                for each in topic.partition_result
            ],
        )
        for topic in response.replica_election_results
    ]
    return m.ElectLeadersResponse(replica_election_results=results)
