"""ApiVersions, v0-4: what this broker serves.

Behaviour: answers from the handlers' registry. A version above 4 is answered in v0 with UNSUPPORTED_VERSION by
`Broker.receive`, still with the table, so that the client can fall back (KIP-511).
Left out: supported and finalized features (none are advertised yet).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")  # KIP-511


@handles(18, 0, 4)
def handle(broker: Broker, request: m.ApiVersionsRequest, context: RequestContext) -> m.ApiVersionsResponse:
    if context.api_version >= 3:
        for text in (request.client_software_name, request.client_software_version):
            if not _SOFTWARE.fullmatch(text):
                return m.ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST)
    return broker.api_versions()
