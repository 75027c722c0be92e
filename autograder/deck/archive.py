"""A PPTX as the zip archive it is: looked at as a whole before any part of it is unpacked."""

from __future__ import annotations

import io
import zipfile
import zlib

from autograder.deck.limits import DeckLimits
from autograder.deck.refusal import RefusedError

_ENTRY_SIGNATURE = b"PK\x01\x02"  # of each entry of the central directory
_HARMLESS_BYTES = 20_000_000  # a deck that unpacks to less is no bomb, however well it was packed
_ENCRYPTED = 0x1
# What PowerPoint itself puts into a deck: the workbook behind a chart, an embedded document.
_OFFICE_ARCHIVES = (".xlsx", ".xlsm", ".xlsb", ".docx", ".pptx", ".sldx")
_ARCHIVES = (".zip", ".gz", ".7z", ".rar", ".xz", ".bz2", ".tar", ".zst", ".tgz", ".jar")


class Archive:
    """The parts of a PPTX, each unpacked when it is asked for and never beyond the size it declares.

    Args:
        content: of the file.

    Raises:
        RefusedError: not a zip archive, too much in it, encrypted, or names that lead out of it.
    """

    def __init__(self, content: bytes, limits: DeckLimits) -> None:
        self._limits = limits
        # Counted in the bytes: `zipfile` makes an object for each entry before it can be asked how many there are.
        if content.count(_ENTRY_SIGNATURE) > 10 * limits.entries:
            raise RefusedError("zip bomb", f"has more than {limits.entries:,} files in it")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, EOFError, OSError) as error:
            raise RefusedError("broken", "is a damaged zip archive") from error
        self._entries = {entry.filename: entry for entry in self._zip.infolist()}
        self._look(len(content))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all parts."""
        return tuple(self._entries)

    def size(self, name: str) -> int:
        """How large a part is when it is unpacked, in bytes."""
        return self._entries[name].file_size

    def archives(self) -> list[str]:
        """The parts that are archives themselves and that no presentation program put there. None is opened."""
        return [
            name
            for name in self._entries
            if name.lower().endswith(_ARCHIVES)
            or (name.lower().endswith(_OFFICE_ARCHIVES) and not name.startswith("ppt/embeddings/"))
        ]

    def read(self, name: str, most_bytes: int) -> bytes:
        """One part, unpacked.

        Raises:
            KeyError: there is none of that name.
            RefusedError: it is larger than ``most_bytes``, or damaged.
        """
        entry = self._entries[name]
        if entry.file_size > most_bytes:
            raise RefusedError(
                "zip bomb", f"has a part of {_size(entry.file_size)}, and {_size(most_bytes)} are allowed"
            )
        try:
            with self._zip.open(entry) as part:
                return part.read(most_bytes)
        except (
            zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OSError
        ) as error:  # fmt: skip
            raise RefusedError("broken", "has a damaged part") from error

    def _look(self, packed_bytes: int) -> None:
        limits = self._limits
        entries = self._zip.infolist()
        if len(entries) > limits.entries:
            raise RefusedError("zip bomb", f"has {len(entries):,} files in it, and {limits.entries:,} are allowed")
        if any(_leads_out(entry.filename) for entry in entries):
            raise RefusedError("names", "has a file in it whose name leads out of the archive")
        if any(entry.flag_bits & _ENCRYPTED for entry in entries):
            raise RefusedError("encrypted", "is encrypted")
        unpacked_bytes = sum(entry.file_size for entry in entries)
        if unpacked_bytes > limits.unpacked_bytes:
            raise RefusedError(
                "zip bomb", f"would unpack to {_size(unpacked_bytes)}, and {_size(limits.unpacked_bytes)} are allowed"
            )
        if unpacked_bytes > max(_HARMLESS_BYTES, limits.ratio * packed_bytes):
            raise RefusedError("zip bomb", f"would unpack to {unpacked_bytes // packed_bytes:,} times its size")


def _leads_out(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or parts[0] == "" or ":" in parts[0] or "\0" in name


def _size(count_bytes: int) -> str:
    return f"{count_bytes / 1e6:,.1f} MB"
