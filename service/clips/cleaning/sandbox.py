"""Takes from this process what cleaning a file does not need: network, other programs, other files, memory and time without end.

Resource limits hold on every Unix. Landlock (files, network) and seccomp (system calls) hold where the kernel has them:
`missing_walls` names those that are not there, for `stillnew doctor`. Everything that the process needs is loaded before.
"""

import ctypes
import errno
import os
import resource
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

MIB: Final = 1024 * 1024

# Numbers of Landlock's system calls, the same on every processor (Linux, asm-generic/unistd.h).
CREATE_RULESET: Final = 444
ADD_RULE: Final = 445
RESTRICT_SELF: Final = 446
ASK_VERSION: Final = 1
PATH_BENEATH: Final = 1
NO_NEW_PRIVILEGES: Final = 38
# linux/landlock.h: by ABI, the last of the rights to files, and the rights to the network (TCP) and to other processes.
FILE_RIGHTS_BY_ABI: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
NETWORK_RIGHTS: Final = 0b11
SCOPES: Final = 0b11
# The working folder allows to write, read and truncate the files that are in it, and to make no other.
FOLDER_RIGHTS: Final = (1 << 1) | (1 << 2) | (1 << 14)

PROT_EXEC: Final = 4
ALLOWED_CALLS: Final = (
    "read", "readv", "pread64", "write", "writev", "pwrite64", "lseek", "_llseek", "close", "ftruncate", "ftruncate64", "fcntl",
    "fcntl64", "open", "openat", "fstat", "fstat64", "stat", "stat64", "lstat", "lstat64", "newfstatat", "fstatat64", "statx",
    "getcwd", "brk", "munmap", "mremap", "madvise", "futex", "futex_time64", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sigaltstack", "getrandom", "clock_gettime", "clock_gettime64", "gettimeofday", "time", "getpid", "gettid", "sched_yield",
    "sched_getaffinity", "sysinfo", "getrusage", "restart_syscall", "set_robust_list", "rseq", "exit", "exit_group",
)  # fmt: skip
"""System calls that decoders need, as they were seen with strace. All others are refused: a network, a process, a program, a new
file, a file's owner or mode, a higher limit."""
CALLS_WITHOUT_CODE: Final = ("mmap", "mmap2", "mprotect")
"""Allowed as long as the memory is not for code: all code is loaded before."""

CLONE_THREAD: Final = 0x10000
CLONE_NAMESPACES: Final = 0x7E020000
"""Decoders of HEIC start a thread in any case. A thread shares all walls of its process."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one process, which cleans one file."""

    memory_bytes: int = 1024 * MIB
    cpu_s: int = 120
    file_bytes: int = 640 * MIB
    """Of each file. A cleaned film is hardly longer than its source, of at most 512 MiB."""
    open_files: int = 32


def confine(folder: Path, files: Iterable[str], limits: Limits) -> None:
    """Confines this process to some files of a folder and to limits, for good. The files are made here, empty."""
    for name in files:
        (folder / name).touch()
    seccomp = _seccomp()  # read before no file can be read any more
    _limit(limits)
    if seccomp is None:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # no thread either
    if _landlock_abi() > 0:
        _confine_files(folder)
    if seccomp is not None:
        _confine_calls(seccomp)


def missing_walls() -> list[str]:
    """Returns the walls that this system does not have."""
    missing = [] if _landlock_abi() > 0 else ["Landlock (Linux 5.13 or newer, enabled)"]
    return missing if _seccomp() is not None else [*missing, "seccomp (the library libseccomp.so.2); no HEIC is read without it"]


def _limit(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits.open_files, limits.open_files))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _landlock_abi() -> int:
    """Returns the version of Landlock; 0 or less where the kernel has none."""
    return int(ctypes.CDLL(None, use_errno=True).syscall(CREATE_RULESET, None, 0, ASK_VERSION))


def _confine_files(folder: Path) -> None:
    libc, abi = ctypes.CDLL(None, use_errno=True), _landlock_abi()
    files = (1 << FILE_RIGHTS_BY_ABI.get(abi, 16)) - 1
    fields = [files, NETWORK_RIGHTS if abi >= 4 else 0, SCOPES if abi >= 6 else 0]
    attributes = struct.pack("<3Q", *fields)[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    ruleset = libc.syscall(CREATE_RULESET, attributes, len(attributes), 0)
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    rule = struct.pack("<Qi", FOLDER_RIGHTS & files, opened)
    if (
        ruleset < 0
        or libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, rule, 0) != 0
        or libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0
        or libc.syscall(RESTRICT_SELF, ruleset, 0) != 0
    ):
        raise OSError(ctypes.get_errno(), "Landlock refused the rules")
    os.close(opened)
    os.close(ruleset)


def _seccomp() -> Any | None:
    """Returns the binding of libseccomp; None where the library is missing."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError):
        return None
    return pyseccomp


def _confine_calls(seccomp: Any) -> None:
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    native = seccomp.Arch.NATIVE
    for call in ALLOWED_CALLS:
        if seccomp.resolve_syscall(native, call) >= 0:  # processors and versions of libseccomp differ in the calls that they know
            rules.add_rule(seccomp.ALLOW, call)
    for call in CALLS_WITHOUT_CODE:
        if seccomp.resolve_syscall(native, call) >= 0:
            rules.add_rule(seccomp.ALLOW, call, seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0))
    rules.add_rule(seccomp.ALLOW, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD | CLONE_NAMESPACES, CLONE_THREAD))
    # Its flags are in memory, where no rule reaches: whoever is told that there is no such call tries clone.
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    rules.load()
