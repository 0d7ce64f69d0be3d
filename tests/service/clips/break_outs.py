"""Tries to do harm from inside of the walls, as the code of an attacker would that a decoder was made to run.

Is run as a program by test_sandbox, in the folder that it may use: `break_outs.py NAME` prints what became of the attempt. Where
the walls fail, an attempt changes nothing but the test's own folder.
"""

import ctypes
import mmap
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from service.clips.cleaning.sandbox import Limits, confine

LIBC = ctypes.CDLL(None, use_errno=True)
MIB = 1024 * 1024
PARENT = os.getppid()
NUMBERS = {"io_uring_setup": 425, "memfd_create": 319, "ptrace": 101, "bpf": 321, "unshare": 272, "clone": 56, "vfork": 58}
"""Of x86-64 (linux, syscall_64.tbl)."""
SIGCHLD = 17
CLONE_NEWUSER = 0x10000000
OF_A_THREAD = 0x10000


def _call(name: str, *args: int) -> None:
    if LIBC.syscall(NUMBERS[name], *args) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _connect(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as made:
        made.connect(("127.0.0.1", 9))


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _in_a_thread() -> None:
    """Reads a file of others in a thread, which has to be behind the same walls."""
    errors: list[OSError] = []

    def read() -> None:
        try:
            Path("/etc/passwd").read_bytes()
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def _fill() -> None:
    with Path("clip").open("wb") as file:
        for _ in range(3):
            file.write(bytes(MIB))
            file.flush()


def _fill_with_many_files() -> None:
    for nth in range(1_000):
        Path(f"file-{nth}").write_bytes(bytes(MIB))


def _open_many() -> None:
    for _ in range(100):
        os.open("clip", os.O_RDONLY)


ATTEMPTS: dict[str, Callable[[], object]] = {
    "read a file of the system": lambda: Path("/etc/passwd").read_bytes(),
    "read a file beside the folder": lambda: Path("../secret").read_bytes(),
    "read its own memory": lambda: Path("/proc/self/mem").read_bytes(),
    "read its own environment": lambda: Path("/proc/self/environ").read_bytes(),
    "read the process that started it": lambda: Path(f"/proc/{PARENT}/environ").read_bytes(),
    "list a folder": lambda: os.listdir("/"),
    "write beside the folder": lambda: Path("../secret").write_bytes(b"x"),
    "make a file beside the folder": lambda: Path("../another").write_bytes(b"x"),
    "make a file": lambda: Path("another").write_bytes(b"x"),
    "make a folder": lambda: Path("another").mkdir(),
    "make a link": lambda: Path("another").symlink_to("/etc/passwd"),
    "rename its file": lambda: Path("clip").rename("another"),
    "remove its file": lambda: Path("clip").unlink(),
    "make its file a program": lambda: Path("clip").chmod(0o4755),
    "let others write a file beside the folder": lambda: Path("../secret").chmod(0o666),
    "fork": _fork,
    "fork by number": lambda: _call("clone", SIGCHLD, 0, 0, 0, 0),
    "vfork by number": lambda: _call("vfork"),
    "make a namespace": lambda: _call("unshare", CLONE_NEWUSER),
    "make a thread in a namespace": lambda: _call("clone", OF_A_THREAD | CLONE_NEWUSER, 0, 0, 0, 0),
    "run a program": lambda: subprocess.run(["/bin/true"], check=True),
    "become a program": lambda: os.execv("/bin/true", ["true"]),
    "open TCP": lambda: _connect(socket.SOCK_STREAM),
    "open UDP": lambda: _connect(socket.SOCK_DGRAM),
    "open a local socket": lambda: socket.socketpair(),
    "kill the process that started it": lambda: os.kill(PARENT, 0),
    "raise a limit": lambda: resource.setrlimit(resource.RLIMIT_CPU, (1_000_000, 1_000_000)),
    "write code into memory": lambda: mmap.mmap(-1, 4_096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "use io_uring": lambda: _call("io_uring_setup", 1, 0),
    "make a file in memory": lambda: _call("memfd_create", 0, 0),
    "trace a process": lambda: _call("ptrace", 16, PARENT, 0, 0),
    "load a program into the kernel": lambda: _call("bpf", 0, 0, 0),
    "read a file in a thread": _in_a_thread,
    "fill the disk with one file": _fill,
    "fill the disk with many files": _fill_with_many_files,
    "open many files": _open_many,
    "take all memory": lambda: bytearray(2_048 * MIB),
    "end never": lambda: all(True for _ in iter(int, 1)),
    "use another opened file": lambda: [os.fstat(one) for one in range(3, 32)],
    "write its own file": lambda: Path("clip").write_bytes(b"x"),
}


def main() -> None:
    attempt = ATTEMPTS[sys.argv[1]]
    confine(Path.cwd(), ("clip",), Limits(file_bytes=2 * MIB, cpu_s=1))
    try:
        attempt()
    except (OSError, MemoryError, ValueError) as error:
        print(type(error).__name__, os.strerror(getattr(error, "errno", 0) or 0), sep=": ")
    else:
        print("done")
