"""Makes the faults of a schedule happen, and ends each in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kit.simulation import faults
from kit.simulation.cluster import SimCluster
from kit.simulation.faults import Fault, Schedule
from kit.simulation.recorder import Recorder


class Consumers(Protocol):
    """The consumers of the workload, by number."""

    def crash(self, number: int) -> bool:
        """Let one fall silent; False when it is not there."""

    def start(self, number: int) -> None:
        """Start one as a new member."""


class FaultPlayer:
    """Plays one schedule.

    A fault that makes no sense when its time comes waits until it does: killing a node that is down, pausing one that
    is paused. So all are played, those that wait for acknowledgements at the latest when no more will come. A power
    loss while another node has not recovered from one becomes a crash, unless ``any_power_loss``.
    """

    def __init__(
        self,
        cluster: SimCluster,
        consumers: Consumers,
        recorder: Recorder,
        schedule: Schedule,
        *,
        any_power_loss: bool = False,
    ) -> None:
        self._cluster = cluster
        self._clock = cluster.clock
        self._consumers = consumers
        self._recorder = recorder
        self._any_power_loss = any_power_loss
        self._waiting = list(schedule)
        self._began_ms = self._clock.monotonic_ms()
        self._busy_nodes: dict[int, Fault] = {}
        self._network: list[Fault] = []
        self._unrecovered: int | None = None  # the node whose power was lost last, until it is in sync again
        self._num_active = 0
        self.num_played = 0

    def tick(self, *, is_last: bool = False) -> None:
        """Begin every fault whose time has come.

        Args:
            is_last: no record will be acknowledged any more.
        """
        now_ms = self._clock.monotonic_ms() - self._began_ms
        due = [
            fault
            for fault in self._waiting
            if (fault.at_ms is not None and fault.at_ms <= now_ms)
            or (fault.after_acked is not None and (is_last or fault.after_acked <= self._recorder.num_acknowledged))
        ]
        for fault in due:
            if self._begin(fault) or self._is_quiet:  # where nothing will end, nothing will make it possible
                self._waiting.remove(fault)

    @property
    def is_over(self) -> bool:
        """Whether nothing is wrong any more and nothing more will be."""
        return self._is_quiet and not self._waiting

    @property
    def _is_quiet(self) -> bool:
        return not self._num_active and not self._busy_nodes  # a controlled stop may take longer than its fault

    def _begin(self, fault: Fault) -> bool:
        """Let it happen; False when that is not possible now."""
        end: Callable[[], None] | None = None
        if fault.kind in faults.NODE_FAULTS:
            end = self._begin_node_fault(fault)
        elif fault.kind in faults.NETWORK_FAULTS:
            end = self._begin_network_fault(fault)
        elif fault.kind == faults.CONSUMER_CRASH:
            end = self._crash_consumer(fault.arguments["consumer"])
        else:
            self._administer(fault)
            self._recorder.note("administration", fault.as_json())
            return True
        if end is None:
            return False
        self._recorder.note("fault", fault.as_json())
        self.num_played += 1
        self._num_active += 1
        self._clock.call_later(fault.duration_ms, lambda: self._end(fault, end))
        return True

    def _end(self, fault: Fault, end: Callable[[], None]) -> None:
        self._recorder.note("fault_ends", fault.as_json())
        self._num_active -= 1
        end()

    # -- nodes ---------------------------------------------------------------------------------------------------

    def _begin_node_fault(self, fault: Fault) -> Callable[[], None] | None:
        node_id = fault.arguments["node"]
        if node_id in self._busy_nodes:
            return None
        self._busy_nodes[node_id] = fault
        if fault.kind == faults.PAUSE:
            self._cluster.pause(node_id)
        elif fault.kind == faults.STOP:
            self._cluster.stop(node_id)
        elif fault.kind == faults.POWER_LOSS and self._may_lose_power(node_id):
            self._unrecovered = node_id
            self._cluster.power_loss(node_id)
        else:
            self._cluster.kill(node_id)
        return lambda: self._end_node_fault(fault)

    def _may_lose_power(self, node_id: int) -> bool:
        if self._any_power_loss:
            return True
        if self._unrecovered is not None and self._cluster.has_recovered(self._unrecovered):
            self._unrecovered = None
        return self._unrecovered in (None, node_id)

    def _end_node_fault(self, fault: Fault) -> None:
        node_id = fault.arguments["node"]
        if fault.kind == faults.PAUSE:
            self._cluster.resume(node_id)
        elif self._cluster.is_running(node_id):  # a controlled stop that did not come to its end
            self._clock.call_later(100, lambda: self._end_node_fault(fault))
            return
        else:
            self._cluster.restart(node_id)
        del self._busy_nodes[node_id]

    # -- the network ---------------------------------------------------------------------------------------------

    def _begin_network_fault(self, fault: Fault) -> Callable[[], None]:
        self._network.append(fault)
        self._apply(fault)

        def end() -> None:
            self._network.remove(fault)
            self._cluster.heal()
            for other in self._network:
                self._apply(other)

        return end

    def _apply(self, fault: Fault) -> None:
        data = fault.arguments
        if fault.kind == faults.ISOLATE:
            self._cluster.isolate(data["node"])
        elif fault.kind == faults.CUT:
            self._cluster.cut(data["groups"], one_way=data["one_way"], clients=data["clients"])
        elif fault.kind == faults.SLOW:
            self._cluster.slow(data["node"], data["delay_ms"], data["jitter_ms"])
        else:
            self._cluster.drop(data["node"], data["what"], data["share"])

    # -- clients -------------------------------------------------------------------------------------------------

    def _administer(self, fault: Fault) -> None:
        """Ask for a change; it is made, or refused, or nobody hears of it."""
        if fault.kind == faults.ELECT:
            self._cluster.elect_preferred_leaders()
        else:
            self._cluster.reassign(**fault.arguments)

    def _crash_consumer(self, number: int) -> Callable[[], None] | None:
        if not self._consumers.crash(number):
            return None
        return lambda: self._consumers.start(number)
