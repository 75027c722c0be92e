"""A root folder of its own: empty, in memory, of limited size, with the system and Python bound into it for reading.

What is not bound is not there: no home, no course, no gradebook, no other student's files, no sockets of this machine.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from autograder.jail import syscalls

WORK = Path("/home/student")  # where the student's files are, inside
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/lib32",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
)
_DEVICES = ("null", "zero", "full", "random", "urandom")
_FILES = 16_384


def build(scratch: Path, readable: Iterable[Path], disk_bytes: int, user: int) -> None:
    """Replace the root of this process, whose namespaces are its own, by an empty one.

    Args:
        scratch: its files are copied to `WORK`.
        readable: bound at the same place, for reading.
        disk_bytes: everything that can be written, together.
        user: the owner of what can be written.

    Raises:
        OSError: the system refuses.
    """
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    new = "/tmp"  # any folder serves as the place to mount at; this one is everywhere
    files = {path.relative_to(scratch): path.read_bytes() for path in sorted(scratch.rglob("*")) if path.is_file()}
    sources = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in _places(readable)}
    size = disk_bytes + 16 * 4096  # its folders and links are not the student's
    options = f"size={size},nr_inodes={_FILES},mode=755"
    syscalls.mount("tmpfs", new, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, options)
    for path, fd in sources.items():
        _bind(fd, path, new)
        os.close(fd)
    _links(new)
    _devices(new)
    _writable(new, files, user)
    (Path(new) / "proc").mkdir()
    with contextlib.suppress(OSError):  # some containers refuse; then there is none
        flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
        syscalls.mount("proc", f"{new}/proc", "proc", flags)
    os.chdir(new)
    syscalls.pivot_root(".", ".")
    syscalls.unmount(".")
    os.chdir("/")


def python_places() -> list[Path]:
    """Where this Python, its packages and the kit are, without what lies beside them."""
    places = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parents[1]]
    prefixes = tuple(places)
    places += [path for each in sys.path if each and _is_packages(path := Path(each), prefixes)]
    places += [path for name in ("kit", "autograder") if (path := Path(__file__).parents[2] / name).is_dir()]
    return places


def _is_packages(path: Path, prefixes: Sequence[Path]) -> bool:
    """Whether an entry of sys.path holds only packages. A project's own folder holds more, such as solutions."""
    inside = any(path.is_relative_to(prefix) for prefix in prefixes)
    return path.is_dir() and (inside or path.name in {"site-packages", "dist-packages"})


def system_places() -> list[Path]:
    """The system's own programs and libraries."""
    return [Path(each) for each in _SYSTEM]


def _places(readable: Iterable[Path]) -> list[Path]:
    """What to bind: real files and folders, each once, none inside another. Links are made anew."""
    found: list[Path] = []
    for path in sorted({*(Path(each) for each in _SYSTEM), *readable}):
        if path.exists() and not path.is_symlink() and not any(path.is_relative_to(outer) for outer in found):
            found.append(path)
    return found


def _bind(fd: int, path: Path, new: str) -> None:
    target = Path(f"{new}{path}")
    target.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISDIR(os.fstat(fd).st_mode):  # the path itself may lie below what was just mounted
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    syscalls.mount(f"/proc/self/fd/{fd}", str(target), None, syscalls.MS_BIND | syscalls.MS_REC)
    _make_read_only(str(target))


def _make_read_only(target: str) -> None:
    """For reading only, with all that is mounted below."""
    try:
        syscalls.make_read_only(target)
    except OSError as error:
        if error.errno != errno.ENOSYS:  # before Linux 5.12 one mount at a time
            raise
        flags = syscalls.MS_BIND | syscalls.MS_REMOUNT | syscalls.MS_RDONLY | syscalls.MS_NOSUID | syscalls.MS_NODEV
        syscalls.mount("none", target, None, flags)


def _links(new: str) -> None:
    for each in _SYSTEM:
        path = Path(each)
        if path.is_symlink():
            target = Path(new + each)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path.readlink())


def _devices(new: str) -> None:
    folder = Path(new) / "dev"
    folder.mkdir()
    for name in _DEVICES:
        (folder / name).touch()
        syscalls.mount(f"/dev/{name}", str(folder / name), None, syscalls.MS_BIND)
    for name, place in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        (folder / name).symlink_to(place)


def _writable(new: str, files: dict[Path, bytes], user: int) -> None:
    root = Path(new)
    etc = root / "etc"
    etc.mkdir(exist_ok=True)
    (etc / "passwd").write_text(f"student:x:{user}:{user}:student:{WORK}:/bin/sh\n")
    (etc / "group").write_text(f"student:x:{user}:\n")
    (etc / "hosts").write_text("127.0.0.1 localhost\n")
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
    work = Path(new + str(WORK))
    work.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_bytes(content)
    for folder in (root / "tmp", root / "dev" / "shm", root / "var" / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o1777)
    for path in (work, *work.rglob("*")):
        shutil.chown(path, user, user)
