"""Those who wait on a leader until something is committed, or known everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kit.broker.clock import Clock
from kit.broker.deferred import Deferred


class CommitWaiters:
    """The promises that offsets are committed, or known by certain nodes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._commits: list[tuple[int, Deferred[bool]]] = []
        self._everywhere: list[tuple[int, tuple[int, ...], Deferred[bool]]] = []

    def committed(self, offset: int) -> Deferred[bool]:
        """True once `high_watermark_moved` says more than ``offset``; False by `give_up`."""
        answer: Deferred[bool] = Deferred()
        self._commits.append((offset, answer))
        return answer

    def known_everywhere(self, offset: int, node_ids: Sequence[int], timeout_ms: float) -> Deferred[bool]:
        """True once `look_again` finds that all of these nodes know; False by `give_up` or after ``timeout_ms``."""
        answer: Deferred[bool] = Deferred()
        timer = self._clock.call_later(timeout_ms, lambda: answer.resolve(False))
        answer.then(lambda _: timer.cancel())
        self._everywhere.append((offset, tuple(node_ids), answer))
        return answer

    def high_watermark_moved(self, high_watermark: int) -> None:
        """Everything below ``high_watermark`` is committed, and was delivered here."""
        done = [answer for offset, answer in self._commits if offset < high_watermark]
        if done:
            self._commits = [each for each in self._commits if each[0] >= high_watermark]
            for answer in done:
                answer.resolve(True)

    def look_again(self, knows: Callable[[int, int], bool]) -> None:
        """Some node made progress; ``knows(node_id, offset)`` says whether it knows that ``offset`` is committed."""
        if not self._everywhere:
            return
        waiting, self._everywhere = self._everywhere, []
        done = []
        for offset, node_ids, answer in waiting:
            if answer.done:
                continue
            if all(knows(node_id, offset) for node_id in node_ids):
                done.append(answer)
            else:
                self._everywhere.append((offset, node_ids, answer))
        for answer in done:
            answer.resolve(True)

    def give_up(self) -> None:
        """This node leads no longer: what becomes of what it appended is not known."""
        commits, self._commits = self._commits, []
        everywhere, self._everywhere = self._everywhere, []
        for _, answer in commits:
            answer.resolve(False)
        for _, _, answer in everywhere:
            answer.resolve(False)
