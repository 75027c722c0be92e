"""A filter of system calls, written as the Linux kernel's own small programs: no library is needed.

It takes away what no notebook needs and what a jail is left by: new namespaces and mounts, other processes' memory,
limits and priorities, keys of the user, memory outside the limits, and parts of the kernel that have been broken often.
Where a jail shares network and files with the system, also every socket but TCP, and changes of a file's mode, owner,
times and attributes, which Landlock does not look at. On a processor that is not listed nothing is filtered; the other
walls stand.

Source: the manual page seccomp(2); https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from autograder.jail import syscalls

_MODE_FILTER = 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _PROCESSOR, _ARGUMENT_0, _ARGUMENT_1 = 0, 4, 16, 24  # places in struct seccomp_data, low halves
_X32 = 0x40000000
_NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW flag of clone(2)
_UNIX, _INET, _INET6, _STREAM, _TYPES = 1, 2, 10, 1, 0xF

_PROCESSORS = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# name: number on x86_64, on aarch64
_FORBIDDEN = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),  # these and those of messages and semaphores need a number only, which can be guessed
    "shmctl": (31, 195),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "ioprio_set": (251, 30),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "quotactl": (179, 60),
    "acct": (163, 89),
    "swapon": (167, 224),
    "reboot": (169, 142),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "syslog": (103, 116),
}
_ONLY_OF_ONESELF = {  # the first argument is a process, 0 for the caller
    "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
}
_OF_FILES = {  # those that aarch64 has not got have a number there that no call has
    "chmod": (90, 0xFFFF),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, 0xFFFF),
    "lchown": (94, 0xFFFF),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utime": (132, 0xFFFF),
    "utimes": (235, 0xFFFF),
    "futimesat": (261, 0xFFFF),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
_CLONE, _CLONE3, _SOCKET, _SETPRIORITY = (56, 220), (435, 435), (41, 198), (141, 140)

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant


def is_known() -> bool:
    """Whether there is a filter for this processor."""
    return platform.machine() in _PROCESSORS


def install(*, shares_system: bool) -> None:
    """Filter the system calls of this thread and whatever it starts, for good. ``no_new_privs`` must be set.

    Args:
        shares_system: network and files are those of the system. Then no socket but TCP can be made (pairs of connected
            sockets still can), and no file's mode, owner, times or attributes be changed.

    Raises:
        OSError: the system has no filters.
    """
    if not is_known():
        return
    program = _program(platform.machine(), shares_system=shares_system)
    packed = b"".join(struct.pack("<HBBI", *each) for each in program)
    content = ctypes.create_string_buffer(packed, len(packed))
    head = struct.pack("@HP", len(program), ctypes.addressof(content))
    syscalls.prctl_pointer(syscalls.PR_SET_SECCOMP, _MODE_FILTER, head)


def _program(processor: str, *, shares_system: bool) -> list[Instruction]:
    column = list(_PROCESSORS).index(processor)
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    program: list[Instruction] = [
        (_LOAD, 0, 0, _PROCESSOR),
        (_JUMP_EQUAL, 1, 0, _PROCESSORS[processor]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if processor == "x86_64":
        program += [(_JUMP_AT_LEAST, 0, 1, _X32), refuse]
    for numbers in (_FORBIDDEN | (_OF_FILES if shares_system else {})).values():
        program += [(_JUMP_EQUAL, 0, 1, numbers[column]), refuse]
    for numbers in _ONLY_OF_ONESELF.values():
        program += _only_of_oneself(numbers[column])
    program += _only_own_priority(_SETPRIORITY[column])
    # The C library then starts threads and processes with clone, whose flags can be read here.
    program += [(_JUMP_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    program += [
        (_JUMP_EQUAL, 0, 4, _CLONE[column]),
        (_LOAD, 0, 0, _ARGUMENT_0),
        (_JUMP_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        refuse,
        (_RETURN, 0, 0, _ALLOW),
    ]
    if shares_system:
        program += _only_tcp(_SOCKET[column])
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _only_of_oneself(number: int) -> list[Instruction]:
    """call(process, ...): 0 is the caller."""
    return [
        (_JUMP_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _ARGUMENT_0),
        (_JUMP_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _only_own_priority(number: int) -> list[Instruction]:
    """setpriority(which, who, ...): 0 and 0 are the calling process; the others may be all of a user's."""
    return [
        (_JUMP_EQUAL, 0, 6, number),
        (_LOAD, 0, 0, _ARGUMENT_0),
        (_JUMP_EQUAL, 0, 2, 0),
        (_LOAD, 0, 0, _ARGUMENT_1),
        (_JUMP_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _only_tcp(number: int) -> list[Instruction]:
    """socket(family, type): TCP is a stream of family INET or INET6."""
    return [
        (_JUMP_EQUAL, 0, 7, number),
        (_LOAD, 0, 0, _ARGUMENT_0),
        (_JUMP_EQUAL, 1, 0, _INET),
        (_JUMP_EQUAL, 0, 3, _INET6),
        (_LOAD, 0, 0, _ARGUMENT_1),
        (0x54, 0, 0, _TYPES),  # and: without the flags
        (_JUMP_EQUAL, 1, 0, _STREAM),
        (_RETURN, 0, 0, _ERRNO | errno.EACCES),
    ]
