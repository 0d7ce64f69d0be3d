"""Takes from this process what cleaning a file does not need: network, other programs, other files, memory and time without end.

Resource limits hold on every Unix. Landlock (files, network) and seccomp (system calls) hold where the kernel has them:
`missing_walls` names those that are not there, for `stillnew doctor`. Everything that the process needs is loaded before.
"""

import ctypes
import importlib
import os
import resource
import struct
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
# What the working folder allows: write, read and truncate files, make and remove plain files.
FOLDER_RIGHTS: Final = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 5) | (1 << 8) | (1 << 14)

FORBIDDEN_CALLS: Final = (
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg",
    "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "kill", "tgkill", "pidfd_open",
    "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "bpf", "perf_event_open", "keyctl", "add_key", "request_key",
    "io_uring_setup", "userfaultfd", "open_by_handle_at", "name_to_handle_at", "memfd_create", "init_module", "finit_module",
)  # fmt: skip
"""System calls that no decoder needs."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The resources that one file may use."""

    memory_bytes: int = 1024 * MIB
    cpu_s: int = 120
    file_bytes: int = 1024 * MIB
    open_files: int = 32


def confine(folder: Path, limits: Limits) -> None:
    """Confines this process to a folder and to limits, for good."""
    _limit(limits)
    if _landlock_abi() > 0:
        _confine_files(folder)
    if (seccomp := _seccomp()) is not None:
        _confine_calls(seccomp)


def missing_walls() -> list[str]:
    """Returns the walls that this system does not have."""
    missing = [] if _landlock_abi() > 0 else ["Landlock (Linux 5.13 or newer, enabled)"]
    return missing if _seccomp() is not None else [*missing, "seccomp (the library libseccomp.so.2)"]


def _limit(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits.open_files, limits.open_files))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
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
        return importlib.import_module("pyseccomp")
    except (ImportError, RuntimeError, OSError):
        return None


def _confine_calls(seccomp: Any) -> None:
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for call in FORBIDDEN_CALLS:
        rules.add_rule(seccomp.ERRNO(1), call)
    rules.load()
