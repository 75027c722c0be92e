"""The system calls of Linux that Python 3.11 has no names for.

Each raises OSError as the functions of `os` do. Numbers that differ between processors are looked up by `number`.

Source: the manual pages unshare(2), setns(2), mount(2), pivot_root(2), prctl(2), capset(2), landlock(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import platform
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 36, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
_LAST_CAPABILITY = 63
_CAPABILITY_VERSION_3 = 0x20080522

_NUMBERS = {"pivot_root": {"x86_64": 155, "aarch64": 41}}
_SAME_EVERYWHERE = {
    "mount_setattr": 442,
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def number(name: str) -> int:
    """The number of a system call on this processor.

    Raises:
        OSError: it is not known here.
    """
    if name in _SAME_EVERYWHERE:
        return _SAME_EVERYWHERE[name]
    try:
        return _NUMBERS[name][platform.machine()]
    except KeyError:
        raise OSError(f"{name}: no number known for the processor {platform.machine()}") from None


def syscall(name: str, *arguments: object) -> int:
    """Call by name; integers go as long, bytes and ctypes values as pointers."""
    made = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return _checked(_libc().syscall(ctypes.c_long(number(name)), *made), name)


def unshare(flags: int) -> None:
    """Leave namespaces that are shared with the parent."""
    _checked(_libc().unshare(flags), "unshare")


def setns(fd: int, kind: int) -> None:
    """Enter the namespace behind a descriptor."""
    _checked(_libc().setns(fd, kind), "setns")


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Mount, bind, or change a mount."""
    encoded = [None if each is None else os.fsencode(each) for each in (source, target, kind, data)]
    result = _libc().mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])
    _checked(result, f"mount {target}")


def make_read_only(target: str) -> None:
    """Make a mount and all below it read-only, without devices and programs that give rights."""
    attributes = struct.pack("<QQQQ", 1 | 2 | 4, 0, 0, 0)  # MOUNT_ATTR_RDONLY, NOSUID, NODEV
    recursive, no_folder = 0x8000, -100
    syscall("mount_setattr", no_folder, os.fsencode(target), recursive, attributes, len(attributes))


def unmount(target: str) -> None:
    """Take a mount out of sight; it ends with its last user."""
    _checked(_libc().umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """Make a mount the root, and move the old root below it."""
    syscall("pivot_root", os.fsencode(new), os.fsencode(old))


def prctl(option: int, *arguments: int) -> None:
    """Change something of this process or thread."""
    made = [ctypes.c_ulong(each) for each in (*arguments, *[0] * (4 - len(arguments)))]
    _checked(_libc().prctl(option, *made), f"prctl {option}")


def prctl_pointer(option: int, argument: int, pointer: object) -> None:
    """`prctl` whose third argument is a pointer."""
    _checked(_libc().prctl(option, ctypes.c_ulong(argument), pointer, 0, 0), f"prctl {option}")


def bound_capabilities() -> None:
    """No program that is started from here on can gain a capability; does nothing without CAP_SETPCAP."""
    for capability in range(_LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # the last one that this kernel knows has been dropped, or none may be


def drop_capabilities() -> None:
    """Give up every capability, for this thread and whatever it starts."""
    bound_capabilities()
    with contextlib.suppress(OSError):  # a kernel before 4.3 has none
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("<Ii", _CAPABILITY_VERSION_3, 0)
    _checked(_libc().capset(header, bytes(24)), "capset")
