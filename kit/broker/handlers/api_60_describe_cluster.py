"""DescribeCluster, v0-2: the brokers and the cluster's id (KIP-700).

Behaviour: the controller's id is a broker's, as on KRaft, where clients never talk to a controller by this listener.
Version notes: 1 asks for brokers or controllers (KIP-919); 2 may list fenced brokers too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.broker.handlers.api_03_metadata import ALL_CLUSTER_OPERATIONS, NOT_ASKED
from kit.broker.metadata import BrokerState
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

BROKERS, CONTROLLERS = 1, 2


@handles(60, 0, 2)
def handle(broker: Broker, request: m.DescribeClusterRequest, context: RequestContext) -> m.DescribeClusterResponse:
    if request.endpoint_type == CONTROLLERS:
        return m.DescribeClusterResponse(
            error_code=ErrorCode.MISMATCHED_ENDPOINT_TYPE,
            error_message="This is a broker's address; controllers can only be asked about at a controller's.",
        )
    if request.endpoint_type != BROKERS:
        return m.DescribeClusterResponse(
            error_code=ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
            error_message=f"Endpoint type {request.endpoint_type} does not exist; 1 is brokers, 2 controllers.",
        )
    alive = broker.image.alive_brokers()
    known = sorted(broker.image.brokers.values(), key=lambda state: state.node_id)
    asked_all = request.include_cluster_authorized_operations
    return m.DescribeClusterResponse(
        endpoint_type=BROKERS,
        cluster_id=broker.cluster_id,
        controller_id=broker.controller_id,
        brokers=[
            _described(state, context.peer.listener) for state in (known if request.include_fenced_brokers else alive)
        ],
        cluster_authorized_operations=ALL_CLUSTER_OPERATIONS if asked_all else NOT_ASKED,
    )


def _described(state: BrokerState, listener: str) -> m.DescribeClusterBroker:
    host, port = state.address(listener)
    return m.DescribeClusterBroker(
        broker_id=state.node_id, host=host, port=port, rack=state.rack, is_fenced=state.fenced
    )
