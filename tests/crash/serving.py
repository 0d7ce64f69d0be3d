"""Runs the service in a process of its own with an embedded Postgres. Tests kill, stop and start this process again.

Owns processes, signals and the port. Knows no event. A crash test starts dozens of services, and the imports take longer than the
start. So the processes are forked from a process that has already imported the service. Each runs the command `stillnew serve`.
"""

import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

START_S_MAX = 60.0
STOP_S_MAX = 60.0

forking = multiprocessing.get_context("forkserver")
forking.set_forkserver_preload(["service.cli", "tests.crash.serving"])


def run(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Runs `stillnew` in this process. Its output goes to the files `stdout` and `log` in `folder`."""
    for descriptor, name in ((1, "stdout"), (2, "log")):
        written = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if name == "stdout" else os.O_APPEND), 0o644)
        os.dup2(written, descriptor)
    # Workers inherit the standard input by its file descriptor, and the descriptor that multiprocessing made is not theirs.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = os.fdopen(0)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["stillnew", *arguments]
    from service.cli import main

    main()


@contextmanager
def kept_port() -> Iterator[int]:
    """Reserves a port by a socket that is bound to this port, but does not listen."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


class Serving:
    """A `stillnew serve` with fixed arguments and a fixed address. It can be killed and started many times."""

    def __init__(self, *arguments: str, port: int, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """Prepares a service whose output goes to the files `stdout` and `log` in `folder`. Does not start it."""
        unlimited = {f"STILLNEW_LIMIT_{kind}": "0" for kind in ("PUSH", "DRAFTS", "READ", "ACCESS", "STRANGERS")}
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("STILLNEW_", "DATABASE_URL"))}
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        self.process: BaseProcess | None = None
        self._environment = {**ours, **unlimited, **(environment or {})}
        self._arguments = ["serve", "--port", str(port), *arguments]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def pid(self) -> int:
        assert self.process is not None
        assert self.process.pid is not None
        return self.process.pid

    def begin(self) -> None:
        """Starts the service without waiting until it is ready."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "stdout").unlink(missing_ok=True)
        self.process = forking.Process(target=run, args=(self._arguments, self._environment, str(self.folder)))
        self.process.start()

    def start(self) -> None:
        """Starts the service, and waits until it reports that it is ready."""
        self.begin()
        deadline_s = time.monotonic() + START_S_MAX
        while not self.is_ready():
            assert time.monotonic() < deadline_s, self.log[-2000:]
            assert self.process is not None
            assert self.process.exitcode is None, self.log[-2000:]
            time.sleep(0.01)

    def is_ready(self) -> bool:
        stdout = self.folder / "stdout"
        return stdout.exists() and stdout.read_text().endswith("\n")

    def kill(self) -> None:
        """Kills only the process of the service (SIGKILL). Its Postgres continues."""
        assert self.process is not None
        self.process.kill()
        self.process.join()

    def end(self) -> int:
        """Sends SIGTERM to the service, and returns its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        assert self.process is not None
        self.process.join(STOP_S_MAX)
        assert self.process.exitcode is not None, "it does not end"
        return self.process.exitcode


def postgres_of(data: Path) -> psutil.Process | None:
    """Returns the Postgres server of a data directory; None if no server runs."""
    with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess, ValueError, IndexError):
        process = psutil.Process(int((data / "postgres" / "postmaster.pid").read_text().split("\n")[0]))
        # The process id may belong to another process now.
        if process.name() == "postgres" and Path(process.cwd()) == (data / "postgres").resolve():
            return process
    return None


def kill_postgres(data: Path) -> bool:
    """Kills the Postgres server and its child processes (SIGKILL). Returns whether a server ran."""
    server = postgres_of(data)
    if server is None:
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        doomed = [server, *server.children(recursive=True)]
        for process in doomed:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        return True
    return False


@contextmanager
def serving(*arguments: str, folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Serving]:
    """Starts a service, and stops it at the end of the block if it still runs."""
    with kept_port() as port:
        service = Serving(*arguments, port=port, folder=folder, environment=environment)
        try:
            service.start()
            yield service
        finally:
            if service.process is not None and service.process.exitcode is None:
                service.process.terminate()
                service.process.join(STOP_S_MAX)
                service.process.kill()
                service.process.join()


@contextmanager
def serving_with_own_postgres(data: Path) -> Iterator[Serving]:
    """Starts a service on an embedded Postgres in `data`, and stops both at the end of the block."""
    try:
        with serving("--data", str(data), folder=data.with_name(f"{data.name}-output")) as service:
            yield service
    finally:
        kill_postgres(data)
