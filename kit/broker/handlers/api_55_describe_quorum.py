"""DescribeQuorum, v0-2: who leads the metadata quorum, and how far its voters and observers have come (KIP-595).

Behaviour: answered by the active controller; a broker passes the request on. ``nodes`` has where clients reach a voter:
the listener of the broker on its node, and none for a controller of its own. Apache names the controllers' listener
there, but ours takes no clients.
Version notes: 1 when each replica fetched and was caught up (KIP-836); 2 ``nodes`` (KIP-853).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.endpoints import PLAINTEXT
from kit.broker.handlers import handles
from kit.broker.metadata import MetadataImage
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller

NODES_SINCE = 2  # version


@handles(55, 0, 2, role="controller")
def handle(
    controller: Controller, request: m.DescribeQuorumRequest, context: RequestContext
) -> m.DescribeQuorumResponse:
    response = controller.raft.describe_quorum(request)
    if context.api_version >= NODES_SINCE and _is_described(response):
        response.nodes = [
            m.DescribeQuorumResponse.Node(node_id=voter, listeners=_listeners(controller.image, voter))
            for voter in controller.raft.voters
        ]
    return response


def _is_described(response: m.DescribeQuorumResponse) -> bool:
    partitions = [partition for topic in response.topics for partition in topic.partitions]
    return bool(partitions) and not any(partition.error_code for partition in partitions)


def _listeners(image: MetadataImage, voter: int) -> list[m.DescribeQuorumResponse.Listener]:
    broker = image.brokers.get(voter)
    if broker is None:
        return []
    name = broker.end_points[0].name if broker.end_points else PLAINTEXT
    return [m.DescribeQuorumResponse.Listener(name=name, host=broker.host, port=broker.port)]
