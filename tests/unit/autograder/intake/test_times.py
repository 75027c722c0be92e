"""Times of submission are read as their writers meant them, or not at all."""

from __future__ import annotations

import pytest

from autograder.intake.times import read_time, written

_TEN = "2026-11-26 10:00:00"


@pytest.mark.parametrize(
    ("content", "utc"),
    [
        (b"2026-11-26 04:43:58.123456 UTC\n", "2026-11-26 04:43:58.123456 UTC"),
        (b"2026-11-26T10:00Z", f"{_TEN} UTC"),
        (b"2026-11-26 10:00:00", f"{_TEN} UTC"),
        (b"\xef\xbb\xbf2026-11-26 10:00:00 UTC\r\n", f"{_TEN} UTC"),
        (f"{_TEN} UTC".encode("utf-16"), f"{_TEN} UTC"),
        (b"2026-11-26 11:00:00 +0100", f"{_TEN} UTC"),
        (b"2026-11-26 11:00:00 +01:00", f"{_TEN} UTC"),
        (b"2026-11-26 04:30:00 -0530", f"{_TEN} UTC"),
        (b"2026-11-26 11:00:00 Europe/Berlin", f"{_TEN} UTC"),
        (b"2026-06-26 12:00:00 Europe/Berlin", "2026-06-26 10:00:00 UTC"),
        (b"2026-11-26 07:00:00 America/Argentina/Buenos_Aires", f"{_TEN} UTC"),
        (b"2026-11-26 11:00:00 CET", f"{_TEN} UTC"),
        (b"2026-10-25 02:30:00 CEST", "2026-10-25 00:30:00 UTC"),
        (b"2026-10-25 02:30:00 CET", "2026-10-25 01:30:00 UTC"),
        (b"2026-11-26 05:00:00 EST", f"{_TEN} UTC"),
    ],
)
def test_time_is_read(content: bytes, utc: str) -> None:
    """With a mark of Notepad's, with a zone's name, and with offsets that nbgrader misreads."""
    at = read_time(content)
    assert at is not None
    assert written(at) == utc
    assert read_time(utc.encode()) == at


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xef\xbb\xbf", b"yesterday", b"\x00" * 5_000, b"\xff\xfe\x00", b"03.12.2026 10:00", b"2026-13-45 10:00",
        b"2026-11-26 99:00 UTC", b"2026-11-26 10:00:00 Europe/Nowhere", b"2026-11-26 10:00:00 ../etc/passwd",
        b"2026-11-26 10:00:00 Etc/..", b"0001-01-01 00:00:00 +0100", b"2026-11-26 10:00:00 IST",
        b"2026-06-26 10:00:00 CET", b"2026-11-26 10:00:00 +9900",
    ],
)  # fmt: skip
def test_what_can_be_two_times_is_none(content: bytes) -> None:
    """A day that may be a month, letters of several zones, and what is no time."""
    assert read_time(content) is None
