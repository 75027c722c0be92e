"""Landlock: rules of the Linux kernel that a process lays on itself, also where namespaces are refused.

Source: https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.jail import syscalls

_ASK_VERSION = 1
_RULE_PATH, _RULE_PORT = 1, 2
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL  # the others are for folders
_BIND, _CONNECT = 1, 2
_SCOPES = 1 | 2  # abstract sockets, signals
_FILES_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
TCP_SINCE, SCOPES_SINCE = 4, 6


@dataclass(frozen=True)
class Rules:
    """What stays allowed.

    Attributes:
        readable: files and folders to read and execute.
        writable: folders to do anything in.
        devices: files to read and write.
        ports: TCP ports to connect to; None leaves TCP alone, for a jail with a network of its own.
    """

    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    devices: tuple[Path, ...] = tuple(Path("/dev") / name for name in ("null", "zero", "full", "random", "urandom"))
    ports: tuple[int, ...] | None = ()


def version() -> int:
    """The version of Landlock's rules that this system knows; 0 when it has none."""
    try:
        return syscalls.syscall("landlock_create_ruleset", ctypes.c_void_p(None), 0, _ASK_VERSION)
    except OSError:
        return 0


def restrict(rules: Rules) -> None:
    """Lay the rules on this thread and whatever it starts, for good. ``no_new_privs`` must be set.

    Raises:
        OSError: the system has no Landlock.
    """
    known = version()
    if known == 0:
        raise OSError("this system has no Landlock")
    files = _FILES_BY_VERSION[max(each for each in _FILES_BY_VERSION if each <= known)]
    net = _BIND | _CONNECT if rules.ports is not None and known >= TCP_SINCE else 0
    scopes = _SCOPES if known >= SCOPES_SINCE else 0
    length = 24 if known >= SCOPES_SINCE else 16 if known >= TCP_SINCE else 8
    attributes = struct.pack("<QQQ", files, net, scopes)[:length]
    ruleset = syscalls.syscall("landlock_create_ruleset", attributes, length, 0)
    try:
        _allow(ruleset, rules.readable, files & _READ)
        _allow(ruleset, rules.writable, files & ~_IOCTL)
        _allow(ruleset, rules.devices, files & (_READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL))
        for port in rules.ports or () if net else ():
            syscalls.syscall("landlock_add_rule", ruleset, _RULE_PORT, struct.pack("<QQ", _CONNECT, port), 0)
        syscalls.syscall("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, paths: Iterable[Path], rights: int) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError, PermissionError):
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                allowed = rights if path.is_dir() else rights & _FILE_RIGHTS
                rule = struct.pack("<Qi", allowed, fd)
                syscalls.syscall("landlock_add_rule", ruleset, _RULE_PATH, rule, 0)
            finally:
                os.close(fd)
