"""SaslAuthenticate, v0-2: one message of a login (KIP-152).

Behaviour: `kit.broker.security.sasl` answers it during a login. Here it comes too late, or by a listener where nobody
logs in: ILLEGAL_SASL_STATE. Logging in again on a connection (KIP-368) is refused, as by Kafka with the default
``connections.max.reauth.ms`` of 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext


@handles(36, 0, 2)
def handle(broker: Broker, request: m.SaslAuthenticateRequest, context: RequestContext) -> m.SaslAuthenticateResponse:
    text = "SaslAuthenticate request received after successful authentication"
    return m.SaslAuthenticateResponse(error_code=ErrorCode.ILLEGAL_SASL_STATE, error_message=text)
