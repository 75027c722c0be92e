"""Log files and the ranges of them that fetch answers are made of.

Two rules. A descriptor is opened when it is first needed and may be taken back by the pool, so thousands of segments
cost no descriptors. Whoever holds a `FileRange` holds the descriptor too, so closing, evicting or deleting a file
never disturbs an answer that is on its way.
"""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from pathlib import Path

from kit.wire.errors import BrokerError, ErrorCode

Buffer = bytes | bytearray | memoryview

FORCE_PORTABLE = os.environ.get("KIT_FORCE_PORTABLE") == "1"
_OPEN_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # Linux
_MAX_OPEN_FILES = 64  # macOS lets a process have 256 descriptors, and connections need some


def log_file_name(offset: int, suffix: str) -> str:
    """``00000000000000000042.log``: Kafka names a segment's files by its base offset."""
    return f"{offset:020d}{suffix}"


def seek_and_read(fd: int, size_bytes: int, position: int) -> bytes:
    """``os.pread`` for Windows; the file is opened for appending, so moving its position harms no write."""
    os.lseek(fd, position, os.SEEK_SET)
    return os.read(fd, size_bytes)


read_at = seek_and_read if FORCE_PORTABLE or not hasattr(os, "pread") else os.pread


def _seek_and_read_into(fd: int, buffer: memoryview, position: int) -> int:
    data = seek_and_read(fd, len(buffer), position)
    buffer[: len(data)] = data
    return len(data)


def _read_into(fd: int, buffer: memoryview, position: int) -> int:
    return os.preadv(fd, [buffer], position)


read_into_at = _seek_and_read_into if FORCE_PORTABLE or not hasattr(os, "preadv") else _read_into


class OpenFile:
    """A descriptor that closes itself when the last one who refers to it lets go."""

    __slots__ = ("fd",)

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, _OPEN_FLAGS, 0o644)

    def fileno(self) -> int:
        """The descriptor, for ``os.sendfile``."""
        return self.fd

    def __del__(self) -> None:
        fd = getattr(self, "fd", -1)  # not set when os.open failed
        if fd >= 0:
            os.close(fd)


class FilePool:
    """Bounds how many log files are open at once, by closing those that were not used lately ("second chance")."""

    def __init__(self, max_open: int = _MAX_OPEN_FILES) -> None:
        self.max_open = max_open
        self._open: OrderedDict[LogFile, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, file: LogFile) -> None:
        """Make room for ``file``, which is being opened, by closing others when there are too many."""
        while len(self._open) >= self.max_open:
            oldest, _ = self._open.popitem(last=False)
            if oldest.used_lately:
                oldest.used_lately = False
                self._open[oldest] = None
            else:
                oldest.close()
        self._open[file] = None

    def discard(self, file: LogFile) -> None:
        """Note that ``file`` was closed."""
        self._open.pop(file, None)

    def force(self, descriptor: int) -> None:
        """Wait until what was written is on the disk itself (fsync); an ``OSError`` if that fails."""
        os.fsync(descriptor)

    def note_durable(self, path: Path, size_bytes: int) -> None:
        """Told how much of a file is on the disk itself; here nobody wants to know.

        A simulated disk does: it forgets the rest when the power goes.
        """

    def note_truncated(self, path: Path, size_bytes: int) -> None:
        """Told that a file was cut, so that no more of it can be on the disk."""

    def boot_id(self, directory: Path) -> str:  # noqa: ARG002 - a simulated disk has one per node
        """Changes when what was written and not flushed may be gone, so with each start of the machine.

        Empty when the system does not say.
        """
        try:
            return "" if FORCE_PORTABLE else BOOT_ID.read_text(encoding="ascii").strip()
        except OSError:
            return ""


SHARED_POOL = FilePool()  # descriptors are limited per process, so this is too


class FileRange:
    """Some bytes of a log file, not read yet: a part of a fetch answer.

    Attributes:
        file: has ``fileno()``; keeps the descriptor open.
        position: where the range starts in the file, in bytes.
        size_bytes: how long it is.
    """

    __slots__ = ("file", "position", "size_bytes")

    def __init__(self, file: OpenFile, position: int, size_bytes: int) -> None:
        self.file = file
        self.position = position
        self.size_bytes = size_bytes

    def __len__(self) -> int:
        return self.size_bytes

    def __repr__(self) -> str:
        return f"FileRange(fd={self.file.fd}, position={self.position}, size_bytes={self.size_bytes})"

    def sub(self, offset: int, size_bytes: int) -> FileRange:
        """``size_bytes`` of this range from its byte ``offset`` on; ``ValueError`` when that is not inside it."""
        if offset < 0 or size_bytes < 0 or offset + size_bytes > self.size_bytes:
            raise ValueError(f"bytes {offset} to {offset + size_bytes} are outside a range of {self.size_bytes}")
        return FileRange(self.file, self.position + offset, size_bytes)

    def read(self) -> bytes:
        """The bytes; ``BrokerError`` (KAFKA_STORAGE_ERROR) when the file was cut shorter meanwhile."""
        data = read_at(self.file.fd, self.size_bytes, self.position)
        while len(data) < self.size_bytes:
            more = read_at(self.file.fd, self.size_bytes - len(data), self.position + len(data))
            if not more:
                raise self._too_short(len(data))
            data += more
        return data

    def read_into(self, buffer: memoryview) -> None:
        """Fill ``buffer``, which is as large as the range, with the bytes; raises as `read`."""
        done = 0
        while done < self.size_bytes:
            num_bytes = read_into_at(self.file.fd, buffer[done:], self.position + done)
            if not num_bytes:
                raise self._too_short(done)
            done += num_bytes

    def _too_short(self, num_bytes: int) -> BrokerError:
        return BrokerError(
            ErrorCode.KAFKA_STORAGE_ERROR,
            f"a log file ends {self.size_bytes - num_bytes} bytes before the end of {self!r}; fetch again",
        )


class LogFile:
    """One ``.log`` file: appended to, read at any position, opened lazily.

    Attributes:
        size_bytes: how many bytes of the file are the log's; what a failed write left behind it does not count.
        used_lately: since the pool looked; not set by opening, so that a file used once goes first.
    """

    __slots__ = ("_open_file", "_pool", "_torn", "path", "size_bytes", "used_lately")

    def __init__(self, path: Path, pool: FilePool) -> None:
        self.path = path
        self.used_lately = False
        self._pool = pool
        self._open_file: OpenFile | None = None
        self._torn = False
        try:
            self.size_bytes = path.stat().st_size
        except FileNotFoundError:
            self.size_bytes = 0
            pool.note_durable(path, 0)

    def open(self) -> OpenFile:
        """The open file, created on disk if it is not there.

        Raises:
            BrokerError: KAFKA_STORAGE_ERROR when the operating system refuses.
        """
        if self._open_file is None:
            try:
                self._open_file = OpenFile(self.path)
            except OSError as error:
                raise storage_error(f"cannot open {self.path}", error) from error
            self._pool.add(self)
        else:
            self.used_lately = True
        return self._open_file

    def append(self, data: Buffer) -> None:
        """Write ``data`` at the end.

        Raises:
            BrokerError: KAFKA_STORAGE_ERROR, for example when the disk is full; the log is as it was.
        """
        fd = self.open().fd
        size_bytes = len(data)
        try:
            if self._torn:
                self._cut(fd)
            written = os.write(fd, data)
            while written < size_bytes:
                written += os.write(fd, memoryview(data)[written:])
        except OSError as error:
            self._torn = True
            with contextlib.suppress(OSError):  # tried again before the next append
                self._cut(fd)
            raise storage_error(f"cannot append {size_bytes} bytes to {self.path}", error) from error
        self.size_bytes += size_bytes

    def _cut(self, fd: int) -> None:
        os.ftruncate(fd, self.size_bytes)
        self._torn = False

    def read(self, position: int, size_bytes: int) -> bytes:
        """Up to ``size_bytes`` bytes from ``position``, fewer at the end of the log."""
        size_bytes = min(size_bytes, self.size_bytes - position)
        return read_at(self.open().fd, size_bytes, position) if size_bytes > 0 else b""

    def range(self, start: int, end: int) -> FileRange:
        """The bytes from ``start`` up to ``end`` (exclusive)."""
        return FileRange(self.open(), start, end - start)

    def truncate(self, size_bytes: int) -> None:
        """Throw away everything from byte ``size_bytes`` on."""
        os.ftruncate(self.open().fd, size_bytes)
        self.size_bytes = size_bytes
        self._torn = False
        self._pool.note_truncated(self.path, size_bytes)

    def flush(self) -> None:
        """Wait until the bytes are on the disk itself (fsync); ``BrokerError`` (KAFKA_STORAGE_ERROR) if that fails."""
        try:
            self._pool.force(self.open().fd)
        except OSError as error:
            raise storage_error(f"cannot flush {self.path}", error) from error
        self._pool.note_durable(self.path, self.size_bytes)

    def close(self) -> None:
        """Let go of the descriptor; harmless twice, and the next use opens the file again."""
        self._pool.discard(self)
        self._open_file = None


def replace_file(path: Path, content: bytes) -> None:
    """Write a small file so that a crash leaves the old content or the new, never a mixture.

    Not fsynced: everything written this way can be derived from the log again.
    """
    scratch = path.with_name(path.name + ".tmp")
    scratch.write_bytes(content)
    scratch.replace(path)


def storage_error(what: str, error: OSError) -> BrokerError:
    """What the operating system said, as Kafka's error code and with a hint."""
    return BrokerError(
        ErrorCode.KAFKA_STORAGE_ERROR,
        f"{what}: {error.strerror or error}; look at the free space and the permissions of the data directory",
    )
