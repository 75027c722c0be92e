"""A small JSON file beside a notebook that several kernels share: no change is lost, none is half written."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from kit.file_lock import lock

T = TypeVar("T")

_PATIENCE_S = 2.0  # a change takes a thousandth of it
_PAUSE_S = 0.01
_MOST_BYTES = 5_000_000  # of a file that somebody put there; ours are a thousandth of it


class JsonFile(Generic[T]):
    """The file, under a lock while it is read or changed.

    Args:
        path: of the file; it appears with the first change, and so does its lock.
        decode: makes the content of what is in the file; raises ValueError when that makes no sense.
        encode: makes what JSON can hold of the content.
        empty: the content where there is no file.

    Attributes:
        trouble: a sentence when something was wrong with the file at the last read or change; else empty.
    """

    def __init__(
        self, path: Path, *, decode: Callable[[Any], T], encode: Callable[[T], Any], empty: Callable[[], T]
    ) -> None:
        self.path = path
        self.trouble = ""
        self._decode = decode
        self._encode = encode
        self._empty = empty

    def read(self) -> T:
        """What is in it now. A damaged file is put aside, never overwritten; `trouble` says so.

        Raises:
            OSError: it cannot be read, or a damaged one not be put aside.
        """
        self.trouble = ""
        try:
            self.path.stat()
        except FileNotFoundError:
            return self._empty()  # and no lock is left where nothing was ever changed
        try:
            with self._alone():
                return self._read()
        except PermissionError:  # a folder that can only be read from
            return self._read()

    def change(self, edit: Callable[[T], T]) -> T:
        """Change what is in it now, whoever wrote that, and return all of it.

        Raises:
            OSError: it cannot be written, or somebody else keeps it locked.
        """
        self.trouble = ""
        with self._alone():
            content = edit(self._read())
            self._write(content)
        return content

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        fd = os.open(self.path.with_name(f".{self.path.name.lstrip('.')}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            give_up_s = time.monotonic() + _PATIENCE_S
            while True:
                try:
                    lock(fd)
                    break
                except OSError:
                    if time.monotonic() > give_up_s:
                        raise
                    time.sleep(_PAUSE_S)
            yield
        finally:
            os.close(fd)

    def _read(self) -> T:
        try:
            if self.path.stat().st_size > _MOST_BYTES:
                raise ValueError("too long")
            return self._decode(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return self._empty()
        except (ValueError, RecursionError):
            aside = self._free_name()
            self.path.replace(aside)
            self.trouble = f"{self.path.name} was damaged: it is now called {aside.name}, and a new one was begun."
            return self._empty()

    def _free_name(self) -> Path:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        return aside

    def _write(self, content: T) -> None:
        handle, name = tempfile.mkstemp(prefix=f"{self.path.name}-", suffix=".tmp", dir=self.path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(self._encode(content), file, ensure_ascii=False, indent=1)
                file.write("\n")
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
