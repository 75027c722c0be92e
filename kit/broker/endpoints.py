"""Where clients reach a broker: one endpoint for each of its listeners, each with a name and a security protocol.

What a broker tells a client of the others (Metadata, FindCoordinator, ...) are the endpoints of the listener that the
client came in by: whoever came in encrypted stays so. Source: KIP-103.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.wire import messages as m

SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")  # by their numbers in the protocol
PLAINTEXT = SECURITY_PROTOCOLS[0]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where clients reach a broker by one of its listeners.

    Attributes:
        host, port: what clients are told.
        listener: the listener's name.
        bound_host: the address that it listens on, when that is not ``host``.
        mechanisms: of SASL, for a security protocol that has it.
        client_auth: "required" when clients need a certificate, else "none".
    """

    host: str
    port: int
    listener: str = PLAINTEXT
    security_protocol: str = PLAINTEXT
    bound_host: str | None = None
    mechanisms: tuple[str, ...] = ()
    client_auth: str = "none"


def node_settings(node_id: int, endpoints: Sequence[Endpoint], directory: Path) -> dict[str, str]:
    """What DescribeConfigs tells of one broker alone."""
    mechanisms = dict.fromkeys(mechanism for each in endpoints for mechanism in each.mechanisms)
    settings = {
        "node.id": str(node_id),
        "broker.id": str(node_id),
        "broker.rack": f"rack-{node_id}",
        "listeners": ",".join(_url(each, each.bound_host or each.host) for each in endpoints),
        "advertised.listeners": ",".join(_url(each, each.host) for each in endpoints),
        "log.dirs": str(directory),
    }
    if any(each.security_protocol != PLAINTEXT for each in endpoints):
        protocols = (f"{each.listener}:{each.security_protocol}" for each in endpoints)
        settings["listener.security.protocol.map"] = ",".join(protocols)
    if mechanisms:
        settings["sasl.enabled.mechanisms"] = ",".join(mechanisms)
    for each in endpoints:
        if each.client_auth != "none":
            settings["ssl.client.auth"] = each.client_auth
    return settings


def _url(endpoint: Endpoint, host: str) -> str:
    return f"{endpoint.listener}://{f'[{host}]' if ':' in host else host}:{endpoint.port}"


def registration(
    node_id: int, cluster_id: str, endpoints: Sequence[Endpoint], rack: str, incarnation_id: uuid.UUID
) -> m.BrokerRegistrationRequest:
    """What a broker tells the controller of itself."""
    return m.BrokerRegistrationRequest(
        broker_id=node_id,
        cluster_id=cluster_id,
        incarnation_id=incarnation_id,
        listeners=[
            m.BrokerRegistrationRequest.Listener(
                name=each.listener,
                host=each.host,
                port=each.port,
                security_protocol=SECURITY_PROTOCOLS.index(each.security_protocol),
            )
            for each in endpoints
        ],
        rack=rack,
    )
