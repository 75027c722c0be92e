"""Memory for large reads: lent out, taken back, used again."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.broker.storage import FileRange
from kit.broker.storage.files import OpenFile
from kit.broker.storage.read_buffers import ReadBuffers
from kit.wire.errors import BrokerError, ErrorCode

pytestmark = pytest.mark.portable
LARGE = 100_000
CONTENT = bytes(range(256)) * 1024


@pytest.fixture
def file(tmp_path: Path) -> OpenFile:
    """A file with `CONTENT`."""
    path = tmp_path / "0.log"
    path.write_bytes(CONTENT)
    return OpenFile(path)


def test_large_range_is_read_where_it_lies(file: OpenFile) -> None:
    """The bytes are those of the range, and no more than it has."""
    assert ReadBuffers().read(FileRange(file, 7, LARGE)) == CONTENT[7 : 7 + LARGE]


def test_small_range_is_no_loan(file: OpenFile) -> None:
    """Bytes stay readable when they are given back."""
    buffers = ReadBuffers()
    data = buffers.read(FileRange(file, 7, 100))

    buffers.give_back(data)

    assert data == CONTENT[7:107]


def test_memory_is_used_again_and_only_after_its_loan(file: OpenFile) -> None:
    """Two loans at once have memory of their own; the next one takes what came back."""
    buffers = ReadBuffers()
    first, second = (buffers.read(FileRange(file, start, LARGE)) for start in (0, 1))
    assert isinstance(first, memoryview)
    memory = first.obj
    assert (first, second) == (CONTENT[:LARGE], CONTENT[1 : LARGE + 1])

    buffers.give_back(first)
    third = buffers.read(FileRange(file, 2, LARGE - 1))

    assert isinstance(third, memoryview)
    assert third.obj is memory
    assert (second, third) == (CONTENT[1 : LARGE + 1], CONTENT[2 : LARGE + 1])


def test_ended_loan_cannot_be_read(file: OpenFile) -> None:
    """Whoever kept it too long finds out, in place of reading another partition's records."""
    buffers = ReadBuffers()
    data = buffers.read(FileRange(file, 0, LARGE))

    buffers.give_back(data)

    with pytest.raises(ValueError, match="released"):
        bytes(data)


def test_kept_memory_is_bounded(file: OpenFile) -> None:
    """After a burst of loans no more than eight megabytes stay."""
    buffers = ReadBuffers()
    loans = [buffers.read(FileRange(file, 0, LARGE)) for _ in range(100)]

    for loan in loans:
        buffers.give_back(loan)

    assert 0 < sum(map(len, buffers._free)) <= 8 << 20  # noqa: SLF001 - nobody else can see it


def test_range_behind_the_end_of_the_file_is_an_error(file: OpenFile) -> None:
    """The file was cut while an answer was on its way."""
    with pytest.raises(BrokerError, match="ends 7 bytes before") as caught:
        ReadBuffers().read(FileRange(file, 7, len(CONTENT)))

    assert caught.value.code is ErrorCode.KAFKA_STORAGE_ERROR
