"""Links between nodes of one loop: order, loss, delay, death, healing; and the clock that ends with its node."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from kit.broker.clock import NodeClock, VirtualClock
from kit.broker.deferred import Deferred
from kit.broker.fabric import FETCH, Fabric
from kit.broker.faults import Links
from kit.broker.storage import FileRange
from kit.broker.storage.files import OpenFile
from kit.wire import messages as m

HEARTBEAT = 63
TIMEOUT_MS = 1_000


class Station:
    """A node that notes what it gets and answers with the request doubled, at once or never."""

    def __init__(self, node_id: int, clock: VirtualClock) -> None:
        self.node_id = node_id
        self.clock = NodeClock(clock)
        self.got: list[tuple[int, Any]] = []
        self.is_silent = False

    def receive_call(self, source: int, _api_key: int, _api_version: int, request: Any, _client_id: str | None) -> Any:
        """Answer."""
        self.got.append((source, request))
        answer: Deferred[Any] = Deferred()
        if not self.is_silent:
            answer.resolve(request * 2)
        return answer


class Lab:
    """Three stations."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.links = Links([1, 2, 3], random.Random(0))
        self.latencies_ms = [0.0]
        self.fabric = Fabric(clock=self.clock, links=self.links, latency_ms=lambda: self.latencies_ms[-1])
        self.stations = {node_id: Station(node_id, self.clock) for node_id in (1, 2, 3)}
        for station in self.stations.values():
            self.fabric.attach(station)

    def call(self, source: int, target: int, request: Any, timeout_ms: float = TIMEOUT_MS) -> Deferred[Any]:
        """Send a request."""
        return self.fabric.network(source).call(target, HEARTBEAT, request, timeout_ms=timeout_ms)


@pytest.fixture
def lab() -> Lab:
    """Three nodes and whole links."""
    return Lab()


def test_call_is_answered_soon_and_never_at_once(lab: Lab) -> None:
    """Whoever calls has finished what it does before the other node begins."""
    answer = lab.call(1, 2, 21)
    assert not answer.done
    assert lab.stations[2].got == []

    lab.clock.advance(0)

    assert answer.value == 42
    assert lab.stations[2].got == [(1, 21)]


def test_call_times_out(lab: Lab) -> None:
    """No answer is an answer: None."""
    lab.stations[2].is_silent = True
    answer = lab.call(1, 2, 1)

    lab.clock.advance(TIMEOUT_MS - 1)
    assert not answer.done
    lab.clock.advance(1)

    assert answer.value is None


def test_call_to_nobody_is_refused_soon(lab: Lab) -> None:
    """A node that is down is found out long before a timeout, as by a refused connection."""
    lab.fabric.detach(2)
    answer = lab.call(1, 2, 1)

    lab.clock.advance(0)

    assert answer.value is None


def test_requests_keep_their_order_over_changing_latency(lab: Lab) -> None:
    """As on one connection."""
    for number, latency_ms in enumerate((9.0, 1.0, 5.0)):
        lab.latencies_ms.append(latency_ms)
        lab.call(1, 2, number)

    lab.clock.advance(100)

    assert lab.stations[2].got == [(1, 0), (1, 1), (1, 2)]


def test_lost_request_never_arrives_and_heal_tells_the_caller(lab: Lab) -> None:
    """Healing finds out what was lost at once; what was lost stays lost."""
    lab.links.cut([{1}, {2, 3}])
    answer = lab.call(1, 2, 1)
    lab.clock.advance(10)
    assert not answer.done

    lab.links.heal()
    lab.fabric.reset_lost()
    lab.clock.advance(0)

    assert answer.value is None
    assert lab.stations[2].got == []


@pytest.mark.parametrize("what", ["requests", "replies"])
def test_lifted_drop_tells_those_whom_it_let_wait(lab: Lab, what: str) -> None:
    """And nobody else."""
    lab.links.drop(2, what)
    lab.links.isolate(3)
    dropped, cut_off = lab.call(1, 2, 1), lab.call(1, 3, 2)
    lab.clock.advance(10)

    lab.links.drop(2, what, share=0)
    lab.fabric.reset_lost()
    lab.clock.advance(10)

    assert (dropped.done, dropped.value, cut_off.done) == (True, None, False)


def test_lost_reply_leaves_the_request_carried_out(lab: Lab) -> None:
    """The caller cannot tell it from a lost request."""
    lab.links.drop(2, "replies")
    answer = lab.call(1, 2, 1)

    lab.clock.advance(TIMEOUT_MS)

    assert lab.stations[2].got == [(1, 1)]
    assert answer.value is None


def test_slow_link_delays_request_and_reply(lab: Lab) -> None:
    """Once each way."""
    lab.links.slow(2, 100)
    answer = lab.call(1, 2, 1)

    lab.clock.advance(199)
    assert not answer.done
    lab.clock.advance(1)

    assert answer.value == 2


def test_death_of_the_target_answers_none(lab: Lab) -> None:
    """As a connection that is reset."""
    lab.stations[2].is_silent = True
    answer = lab.call(1, 2, 1)
    lab.clock.advance(0)

    lab.fabric.detach(2)
    lab.clock.advance(0)

    assert answer.value is None


def test_answer_does_not_reach_the_heir_of_a_dead_caller(lab: Lab) -> None:
    """What a killed node had asked is nobody's business any more, though another one has its id now."""
    lab.latencies_ms.append(10.0)
    heard = []
    lab.call(1, 2, 1).then(heard.append)
    lab.stations[1].clock.stop()
    lab.fabric.detach(1)
    lab.fabric.attach(Station(1, lab.clock))

    lab.clock.advance(TIMEOUT_MS)

    assert heard == []


def test_paused_node_answers_after_the_pause(lab: Lab) -> None:
    """What it got meanwhile it does late, even if nobody waits any more."""
    lab.stations[2].clock.pause()
    answer = lab.call(1, 2, 1, timeout_ms=50)
    lab.clock.advance(100)
    assert answer.value is None
    assert lab.stations[2].got == []

    lab.stations[2].clock.resume()

    assert lab.stations[2].got == [(1, 1)]


def test_node_clock_holds_timers_during_a_pause_and_drops_them_at_the_end() -> None:
    """Late, in order; and not at all for the dead."""
    clock = VirtualClock()
    node = NodeClock(clock)
    ran = []
    node.call_later(10, lambda: ran.append("a"))
    node.call_later(20, lambda: ran.append("b"))
    node.pause()
    clock.advance(15)
    node.call_soon(lambda: ran.append("c"))
    clock.advance(10)
    assert ran == []

    node.resume()
    assert ran == ["a", "c", "b"]

    node.call_later(10, lambda: ran.append("d"))
    node.stop()
    clock.advance(20)
    assert ran == ["a", "c", "b"]


def test_node_clock_cancelled_timer_of_a_pause_does_not_run() -> None:
    """A timer that became due during the pause can still be cancelled before the node goes on."""
    clock = VirtualClock()
    node = NodeClock(clock)
    ran = []
    timer = node.call_later(10, lambda: ran.append("a"))
    node.pause()
    clock.advance(10)
    timer.cancel()

    node.resume()

    assert ran == []


def test_records_of_a_fetch_are_read_when_the_reply_leaves(lab: Lab, tmp_path: Path) -> None:
    """What becomes of the file afterwards does not matter; and they are lent until the callback returns."""
    path = tmp_path / "0.log"
    path.write_bytes(b"a" * 100_000)
    partition = m.FetchResponse.PartitionData(records=FileRange(OpenFile(path), 0, 100_000))
    reply = m.FetchResponse(responses=[m.FetchableTopicResponse(partitions=[partition])])
    read: list[bytes] = []

    def answer(*_: Any) -> Deferred[Any]:
        lab.clock.call_soon(lambda: path.write_bytes(b"b" * 100_000))  # between the reply and its arrival
        found: Deferred[Any] = Deferred()
        found.resolve(reply)
        return found

    lab.stations[2].receive_call = answer  # type: ignore[method-assign]

    lab.fabric.network(1).call(2, FETCH, m.FetchRequest(), timeout_ms=TIMEOUT_MS).then(
        lambda response: read.append(bytes(response.responses[0].partitions[0].records))
    )
    lab.clock.advance(0)

    assert path.read_bytes() == b"b" * 100_000
    assert read == [b"a" * 100_000]
    with pytest.raises(ValueError, match="released"):
        bytes(partition.records)
