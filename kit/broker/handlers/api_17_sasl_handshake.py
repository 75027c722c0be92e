"""SaslHandshake, v0-1: choose how to log in.

Behaviour: `kit.broker.security.sasl` answers it during a login. Here it comes too late, or by a listener where nobody
logs in: ILLEGAL_SASL_STATE.
Version notes: 1 the login's messages come in SaslAuthenticate (KIP-152), after 0 as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext


@handles(17, 0, 1)
def handle(broker: Broker, request: m.SaslHandshakeRequest, context: RequestContext) -> m.SaslHandshakeResponse:
    return m.SaslHandshakeResponse(error_code=ErrorCode.ILLEGAL_SASL_STATE)
