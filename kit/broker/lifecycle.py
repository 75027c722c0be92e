"""How a broker comes, stays and goes, in the eyes of the active controller.

It registers, follows the metadata log until it knows of its own registration, opens its partitions, asks to be
unfenced, and from then on says every ``broker.heartbeat.interval.ms`` that it lives. Before it stops it asks to go,
and goes when it leads nothing any more. Source: KIP-631, Kafka's ``BrokerLifecycleManager``.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from enum import Enum
from typing import Any

from kit.broker.clock import Clock, Timer
from kit.broker.deferred import Deferred
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

log = logging.getLogger(__name__)

REGISTER, HEARTBEAT = 62, 63
_REGISTER_RETRY_MS = 10
_STOP_TIMEOUT_MS = 5_000
_NOT_REGISTERED = {ErrorCode.STALE_BROKER_EPOCH, ErrorCode.BROKER_ID_NOT_REGISTERED}

AskController = Callable[[Any, int], Deferred[Any]]  # (request, api_key) -> the response, None when there was none


class LifecycleState(Enum):
    """Where a broker is on its way."""

    REGISTERING = "registering"
    CATCHING_UP = "catching up"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"


class BrokerLifecycle:
    """The conversation of one broker with the active controller.

    Args:
        registration: all of it but ``previous_broker_epoch``.
        previous_broker_epoch: of the last registration if nothing was lost since then, else -1.
        ask_controller: sends one request, once.
        metadata_offset: how far the broker has followed the metadata log.
        on_registered: told the epoch of each registration, before the broker says that it is alive.
        on_caught_up: called once, when the broker knows all that was decided before its registration.

    Attributes:
        broker_epoch: of the registration; -1 before.
    """

    def __init__(
        self,
        registration: m.BrokerRegistrationRequest,
        *,
        previous_broker_epoch: int,
        heartbeat_interval_ms: int,
        clock: Clock,
        ask_controller: AskController,
        metadata_offset: Callable[[], int],
        on_registered: Callable[[int], None],
        on_caught_up: Callable[[], None],
    ) -> None:
        self.broker_epoch = -1
        self.state = LifecycleState.REGISTERING
        self._registration = registration
        self._registration.previous_broker_epoch = previous_broker_epoch
        self._interval_ms = heartbeat_interval_ms
        self._clock = clock
        self._ask_controller = ask_controller
        self._metadata_offset = metadata_offset
        self._on_registered = on_registered
        self._on_caught_up = on_caught_up
        self._timer: Timer | None = None
        self._is_asking = False
        self._is_stale = False  # metadata came while an answer was awaited
        self._refusal: ErrorCode | None = None  # why the last registration was refused
        self._stopped: Deferred[None] = Deferred()

    @property
    def incarnation_id(self) -> uuid.UUID:
        """New for each start of the broker."""
        return self._registration.incarnation_id

    def start(self) -> None:
        """Register, and go on from there."""
        self._beat()

    def stop(self) -> Deferred[None]:
        """Ask to go; resolves when the controller lets the broker go.

        Or after five seconds without such an answer, and at once when the broker is not registered.
        """
        if self.broker_epoch < 0:
            self.close()
        elif self.state is not LifecycleState.STOPPING:
            self.state = LifecycleState.STOPPING
            self._clock.call_later(_STOP_TIMEOUT_MS, self.close)
            self._beat_now()
        return self._stopped

    def close(self) -> None:
        """Say nothing any more."""
        self.state = LifecycleState.STOPPED
        if self._timer is not None:
            self._timer.cancel()
        self._stopped.resolve(None)

    def metadata_changed(self) -> None:
        """The broker has followed the metadata log further: do not wait with what that makes possible."""
        is_possible = {
            LifecycleState.REGISTERING: True,  # there is a controller
            LifecycleState.CATCHING_UP: self._knows_its_registration(),
        }
        if is_possible.get(self.state, False):
            self._beat_now()

    def _knows_its_registration(self) -> bool:
        return self._metadata_offset() > self.broker_epoch

    def _beat_now(self) -> None:
        if self._is_asking:
            self._is_stale = True
        else:
            if self._timer is not None:
                self._timer.cancel()
            self._beat()

    def _beat(self) -> None:
        if self.state is LifecycleState.STOPPED or self._is_asking:
            return
        self._is_asking = True
        self._is_stale = False
        if self.state is LifecycleState.REGISTERING:
            self._ask_controller(self._registration, REGISTER).then(self._registered)
        else:
            request = m.BrokerHeartbeatRequest(
                broker_id=self._registration.broker_id,
                broker_epoch=self.broker_epoch,
                current_metadata_offset=self._metadata_offset() - 1,
                want_fence=self.state is LifecycleState.CATCHING_UP,
                want_shut_down=self.state is LifecycleState.STOPPING,
            )
            self._ask_controller(request, HEARTBEAT).then(self._heard)

    def _registered(self, response: m.BrokerRegistrationResponse | None) -> None:
        self._is_asking = False
        if response is not None and response.error_code == ErrorCode.NONE:
            self.broker_epoch = response.broker_epoch
            self._refusal = None
            self._on_registered(self.broker_epoch)
            if self.state is LifecycleState.REGISTERING:
                self.state = LifecycleState.CATCHING_UP
                if self._knows_its_registration():
                    self._beat()
                    return
        elif response is None and self._is_stale:
            self._beat()
            return
        elif response is not None:
            self._tell_refusal(ErrorCode(response.error_code))
        self._beat_later()

    def _tell_refusal(self, code: ErrorCode) -> None:
        if code is not self._refusal:  # it is tried again every few milliseconds
            log.warning("broker %d: not registered: %s", self._registration.broker_id, code.name)
        self._refusal = code

    def _heard(self, response: m.BrokerHeartbeatResponse | None) -> None:
        self._is_asking = False
        if self.state is LifecycleState.STOPPED:
            return
        if response is None:
            self._beat_later()
        elif response.error_code in _NOT_REGISTERED and self.state is not LifecycleState.STOPPING:
            self.state = LifecycleState.REGISTERING
            self._registration.previous_broker_epoch = self.broker_epoch  # this very process: nothing was lost
            self._beat()
        elif response.error_code:
            self._beat_later()
        else:
            self._follow(response)

    def _follow(self, response: m.BrokerHeartbeatResponse) -> None:
        if self.state is LifecycleState.CATCHING_UP and response.is_caught_up:
            self._on_caught_up()
            self.state = LifecycleState.STARTING
            self._beat()
            return
        if self.state is LifecycleState.STARTING and not response.is_fenced:
            self.state = LifecycleState.RUNNING
        if self.state is LifecycleState.STOPPING and response.should_shut_down:
            self.close()
            return
        self._beat_later()

    def _beat_later(self) -> None:
        if self.state is not LifecycleState.STOPPED:
            registers = self.state is LifecycleState.REGISTERING  # nothing can begin before that, so do not wait long
            delay_ms = min(_REGISTER_RETRY_MS, self._interval_ms) if registers else self._interval_ms
            self._timer = self._clock.call_later(delay_ms, self._beat)
