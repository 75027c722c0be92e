"""Namespaces: a user, a network, pids, messages and a file system that nobody else has.

Source: the manual pages user_namespaces(7), pid_namespaces(7), network_namespaces(7), netdevice(7).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from autograder.jail import syscalls
from autograder.jail.network import Network

INSIDE = 1000  # the student's user and group in there
NOBODY = 65534  # what root's jails run as, so that the system's limits count
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


def enter(network: Network | None) -> int:
    """Put this process into namespaces of its own; pids count from the next child on.

    Returns:
        The user that the student's process is to become, as it is called inside.

    Raises:
        OSError: the system refuses.
    """
    flags = syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWUTS
    if network is None:
        flags |= syscalls.CLONE_NEWNET
    else:
        join(network)
    user, group = os.geteuid(), os.getegid()
    if user == 0 and _maps(NOBODY):
        os.setgroups([])
        with mapped_from_outside({0: 0, NOBODY: NOBODY}, {0: group, NOBODY: NOBODY}):
            syscalls.unshare(flags)
        inside = NOBODY
    else:
        syscalls.unshare(flags)
        own = Path("/proc/self")
        (own / "setgroups").write_text("deny")
        (own / "uid_map").write_text(f"{INSIDE} {user} 1\n")
        (own / "gid_map").write_text(f"{INSIDE} {group} 1\n")
        inside = INSIDE
    if network is None:
        bring_up_loopback()
    return inside


@contextlib.contextmanager
def mapped_from_outside(users: dict[int, int], groups: dict[int, int]) -> Iterator[None]:
    """After the body has left the user namespace, map it to more users than it could map itself: only root may."""
    parent = os.getpid()
    left_reading, left_writing = os.pipe()
    helper = os.fork()
    if helper == 0:
        try:
            os.close(left_writing)
            if os.read(left_reading, 1):
                for name, ids in (("uid_map", users), ("gid_map", groups)):
                    Path(f"/proc/{parent}/{name}").write_text("".join(f"{each} {ids[each]} 1\n" for each in ids))
                os._exit(0)
        finally:
            os._exit(1)
    try:
        yield
        os.write(left_writing, b"!")
    finally:
        os.close(left_writing)
        os.close(left_reading)
        _, status = os.waitpid(helper, 0)
    if status:
        raise OSError("root could not map the users of the jail")


def join(network: Network) -> None:
    """Enter the network of another process of this user, by way of its user namespace.

    Raises:
        OSError: there is no such process, or it is somebody else's.
    """
    with contextlib.ExitStack() as opened:
        folder = Path(f"/proc/{network.pid}/ns")
        fds = {}
        for name in ("user", "net"):
            fds[name] = os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC)
            opened.callback(os.close, fds[name])
        if not os.path.sameopenfile(fds["user"], own := os.open("/proc/self/ns/user", os.O_RDONLY)):
            syscalls.setns(fds["user"], syscalls.CLONE_NEWUSER)
        os.close(own)
        syscalls.setns(fds["net"], syscalls.CLONE_NEWNET)


def bring_up_loopback() -> None:
    """Give this network namespace its 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh", b"lo", 0)
        _, flags = struct.unpack("16sh", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request)[:18])
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def become(user: int) -> None:
    """Be the student's user from now on, without any capability."""
    syscalls.bound_capabilities()
    if os.geteuid() != user:
        with contextlib.suppress(OSError):
            os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    syscalls.drop_capabilities()
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)


def forbid_more() -> None:
    """No further user namespaces below this one: each is a way to capabilities, and much of the kernel's own code."""
    with contextlib.suppress(OSError):
        Path("/proc/sys/user/max_user_namespaces").write_text("0")


def _maps(user: int) -> bool:
    """Whether this user exists in the present user namespace."""
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = map(int, line.split())
        if first <= user < first + count:
            return True
    return False
