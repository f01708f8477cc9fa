"""Confine this process: no new files, no network, no other processes, limited time and memory.

Linux alone offers what this needs to every user, without a container: a filter of system calls
(seccomp). The filter lets through what computing and reading need, and refuses everything else. So
a call that is not on the list fails with "operation not permitted", whatever Python code makes it.
The filter cannot be taken off again, and it holds for every thread.

Files can still be read. What is read can leave the process only through the pipe to the grader.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

# The calls let through: numbers on x86-64 and on 64-bit ARM. A missing number is no call there.
_CALLS: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "stat": (4, None), "fstat": (5, 80),
    "lstat": (6, None), "poll": (7, None), "ppoll": (271, 73), "lseek": (8, 62),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "pread64": (17, 67), "readv": (19, 65), "access": (21, None), "select": (23, None),
    "pselect6": (270, 72), "sched_yield": (24, 124), "mremap": (25, 216), "madvise": (28, 233),
    "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24), "nanosleep": (35, 101),
    "getitimer": (36, 102), "getpid": (39, 172), "exit": (60, 93), "uname": (63, 160),
    "getcwd": (79, 17), "readlink": (89, None), "readlinkat": (267, 78),
    "gettimeofday": (96, 169), "getrlimit": (97, 163), "getrusage": (98, 165), "sysinfo": (99, 179),
    "times": (100, 153), "getuid": (102, 174), "getgid": (104, 176), "geteuid": (107, 175),
    "getegid": (108, 177), "getppid": (110, 173), "sigaltstack": (131, 132), "statfs": (137, 43),
    "fstatfs": (138, 44), "arch_prctl": (158, None), "gettid": (186, 178), "time": (201, None),
    "futex": (202, 98), "sched_getaffinity": (204, 123), "getdents64": (217, 61),
    "set_tid_address": (218, 96), "restart_syscall": (219, 128), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "exit_group": (231, 94),
    "newfstatat": (262, 79), "faccessat": (269, 48), "faccessat2": (439, 439),
    "set_robust_list": (273, 99), "get_robust_list": (274, 100), "getcpu": (309, 168),
    "getrandom": (318, 278), "membarrier": (324, 283), "statx": (332, 291), "rseq": (334, 293),
}  # fmt: skip
# Opening is let through only for reading: the place of the flags among the arguments.
_OPEN = {"open": (2, None, 1), "openat": (257, 56, 2)}
_NO_READING = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000  # 1 is EPERM
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2


def can_confine() -> bool:
    """Return whether this machine has the filter: Linux on x86-64 or 64-bit ARM."""
    return sys.platform == "linux" and platform.machine() in _ARCHITECTURES and sys.maxsize > 2**32


def _program() -> list[tuple[int, int, int, int]]:
    """Return the filter: (code, jump if true, jump if false, number) for each step."""
    architecture, column = _ARCHITECTURES[platform.machine()]
    steps = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
    ]
    for *numbers, place in _OPEN.values():
        if (number := numbers[column]) is not None:
            steps += [
                (_EQUAL, 0, 4, number),
                (_LOAD, 0, 0, 16 + 8 * place),  # the lower half of a 64-bit argument
                (_ANY_BIT, 0, 1, _NO_READING),
                (_RETURN, 0, 0, _REFUSE),
                (_RETURN, 0, 0, _ALLOW),
            ]
    for pair in _CALLS.values():
        if (number := pair[column]) is not None:
            steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    return [*steps, (_RETURN, 0, 0, _REFUSE)]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def limit(seconds: int, memory: int) -> None:
    """Limit processor time in seconds and memory in bytes; allow no file to grow."""
    import resource

    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def confine() -> None:
    """Let this process compute and read, and nothing else, until it ends.

    Raises
    ------
    OSError
        If the machine refuses the filter. Nothing untrusted must run then.
    """
    if not can_confine():
        raise OSError("Only Linux can confine a process in the way this needs.")
    steps = b"".join(struct.pack("HBBI", *step) for step in _program())
    buffer = ctypes.create_string_buffer(steps, len(steps))
    program = _Program(len(steps) // 8, ctypes.addressof(buffer))
    call = ctypes.CDLL(None, use_errno=True).prctl
    if call(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or call(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "The filter of system calls was refused.")
