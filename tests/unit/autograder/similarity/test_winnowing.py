"""`winnow`: the paper's two promises."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autograder.similarity.winnowing import RUN, WINDOW, hashes, winnow

rows = st.lists(st.integers(0, 3), max_size=120)


@given(rows, rows, rows, rows, st.lists(st.integers(0, 3), min_size=RUN + WINDOW - 1, max_size=60))
def test_winnow_finds_every_long_common_piece(
    a: list[int], b: list[int], c: list[int], d: list[int], common: list[int]
) -> None:
    """Whatever stands around it, a common piece of RUN + WINDOW - 1 tokens has a common fingerprint."""
    assert winnow(hashes(a + common + b)) & winnow(hashes(c + common + d))


@given(st.lists(st.integers(0, 9), max_size=80), st.lists(st.integers(10, 19), max_size=80))
def test_winnow_finds_nothing_in_rows_that_share_nothing(a: list[int], b: list[int]) -> None:
    """Without a common token there is no common fingerprint."""
    assert not winnow(hashes(a)) & winnow(hashes(b))


@given(rows)
def test_hashes_are_those_of_the_runs_themselves(row: list[int]) -> None:
    """The rolling hash is the hash of each run alone."""
    assert hashes(row) == [hashes(row[at : at + RUN])[0] for at in range(len(row) - RUN + 1)]


def test_winnow_keeps_a_sample() -> None:
    """About two of WINDOW + 1 hashes are kept."""
    values = [pow(3, n, 1_000_003) for n in range(10_000)]

    assert 1_200 < len(winnow(values)) < 1_700
