"""Late and duplicate events: as many as asked for, and nothing else changes."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import datagen
from kit.datagen.events import LATE_FROM_MS

shares = st.sampled_from([0.0, 0.01, 0.3, 1.0])


@pytest.mark.parametrize(("late", "duplicates"), [(0.05, 0.02), (0.5, 0), (0, 0.5), (1, 1)])
def test_shares_are_those_asked_for(late: float, duplicates: float) -> None:
    """Of the events, not of the arrivals: a duplicate is one more."""
    arrivals = datagen.listens(seed=4, late=late, duplicates=duplicates).take(40_000)
    firsts = [event for event in arrivals if not event.is_duplicate]

    assert sum(event.is_late for event in firsts) / len(firsts) == pytest.approx(late, abs=0.01)
    assert len(arrivals) / len(firsts) - 1 == pytest.approx(duplicates, abs=0.05 * duplicates)


@given(seed=st.integers(0, 1_000), late=shares, duplicates=shares, late_ms=st.sampled_from([1_000, 5_000, 600_000]))
def test_the_same_happens_whatever_goes_wrong_on_the_way(
    seed: int, late: float, duplicates: float, late_ms: int
) -> None:
    """Arrivals come in order, a duplicate after its first, no delay is too long, and no event changes or is lost."""
    arrivals = datagen.plays(seed, late=late, duplicates=duplicates, late_ms=late_ms).take(300)
    happened = {event.id: event for event in datagen.plays(seed).take(1_000)}
    seen: Counter[str] = Counter()

    assert all(one.arrival_ms <= other.arrival_ms for one, other in itertools.pairwise(arrivals))
    for event in arrivals:
        assert event.is_duplicate == bool(seen[event.id])
        assert event.is_duplicate or 0 <= event.arrival_ms - event.timestamp_ms <= max(late_ms, LATE_FROM_MS)
        seen[event.id] += 1
        assert (event.key, event.value, event.headers) == _record(happened[event.id])
    assert max(seen.values()) <= 2
    on_time = [event for event in happened.values() if event.arrival_ms + late_ms < arrivals[-1].arrival_ms]
    assert {event.id for event in on_time} <= seen.keys()


def test_duplicates_do_not_change_who_is_late() -> None:
    """Turning one knob leaves the other alone, so that a class can compare."""
    some = datagen.listens(late=0.1).take(5_000)
    more = [event for event in datagen.listens(late=0.1, duplicates=0.5).take(8_000) if not event.is_duplicate]

    late = [event.id for event in more if event.is_late]
    assert late[:300] == [event.id for event in some if event.is_late][:300]


def _record(event: datagen.Event) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    return event.key, event.value, event.headers
