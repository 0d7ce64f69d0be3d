"""Starts the measured servers, each in a process of its own: the service as people start it, and the bare app.

Owns ports, folders, readiness and the end of processes. Knows no workload.
"""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import msgspec
import psutil

from benchmarks.connection import Address, Connection, request
from service.postgres.embedded import EmbeddedPostgres

READY_S_MAX = 60.0
STOP_S_MAX = 40.0

# The load comes from one address and few devices, faster than from any family. With rate limits, the limits would be measured.
NO_LIMITS: Mapping[str, str] = {
    "STILLNEW_FOUNDING": "open",
    "STILLNEW_LIMIT_PUSH": "0",
    "STILLNEW_LIMIT_READ": "0",
    "STILLNEW_LIMIT_ACCESS": "0",
    "STILLNEW_LIMIT_STRANGERS": "0",
    "STILLNEW_LIMIT_DRAFTS": "0",
}


class DidNotStart(RuntimeError):
    """A process ended, or did not answer in time. The message ends with the last lines of its log."""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A running server: its address and its process."""

    address: Address
    process: psutil.Process
    data: Path
    """The data directory of the service, or the folder of the bare app's log."""

    @property
    def database_url(self) -> str:
        """The URL of the service's Postgres, with the login of the database's owner."""
        return EmbeddedPostgres(self.data).database_url

    @property
    def rss_bytes(self) -> int:
        return int(self.process.memory_info().rss)

    @property
    def cpu_s(self) -> float:
        """The CPU time of the process since its start, user and system."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def raise_open_files() -> int:
    """Raises the limit of open files of this process and its children to the machine's maximum. Returns the new limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port() -> int:
    """Returns a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def stillnew(*, settings: Mapping[str, str] | None = None) -> AsyncIterator[Served]:
    """Starts the service on an empty data directory with its own Postgres (fsync on), one worker, no rate limits."""
    with tempfile.TemporaryDirectory(prefix="stillnew-bench-") as folder:
        data = Path(folder)
        _let_others_enter(data)
        address = Address("127.0.0.1", free_port())
        command = [
            sys.executable, "-m", "service.cli", "serve",
            "--host", address.host, "--port", str(address.port), "--data", str(data / "data"),
        ]
        environment = _environment() | {**NO_LIMITS, **(settings or {})}
        async with _running(command, address=address, ready_path="/health/ready", data=data / "data", log=data / "log",
                            environment=environment) as served:
            yield served


@contextlib.asynccontextmanager
async def beside(service: Served, *, module: str) -> AsyncIterator[Served]:
    """Starts one more process on the database of a running service. `module` takes the same arguments as `service.cli`."""
    with tempfile.TemporaryDirectory(prefix="stillnew-bench-") as folder:
        data = Path(folder)
        address = Address("127.0.0.1", free_port())
        command = [sys.executable, "-m", module, "serve", "--host", address.host, "--port", str(address.port)]
        environment = _environment() | {**NO_LIMITS, "DATABASE_URL": service.database_url}
        async with _running(command, address=address, ready_path="/health/ready", data=data, log=data / "log",
                            environment=environment) as served:
            yield served


@contextlib.asynccontextmanager
async def bare_app() -> AsyncIterator[Served]:
    """Starts the bare app (see `benchmarks.bare`), on uvicorn with the settings of the service."""
    with tempfile.TemporaryDirectory(prefix="stillnew-bench-") as folder:
        address = Address("127.0.0.1", free_port())
        command = [
            sys.executable, "-m", "uvicorn", "benchmarks.bare:app", "--host", address.host, "--port", str(address.port),
            "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-server-header", "--log-level", "warning",
            "--timeout-keep-alive", "75",  # it is idle while a round of the service is measured
        ]
        data = Path(folder)
        async with _running(command, address=address, ready_path="/ready", data=data, log=data / "log",
                            environment=dict(os.environ)) as served:
            yield served


@contextlib.asynccontextmanager
async def _running(
    command: Sequence[str], *, address: Address, ready_path: str, data: Path, log: Path, environment: Mapping[str, str]
) -> AsyncIterator[Served]:
    process = _launch(command, log=log, environment=environment)
    try:
        deadline = time.monotonic() + READY_S_MAX
        while not await _answers(address, ready_path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise DidNotStart(f"{' '.join(command[:5])}: {_end_of(log)}")
            await asyncio.sleep(0.05)
        yield Served(address=address, process=psutil.Process(process.pid), data=data)
    except Exception:
        # The folder of the server's log is about to be removed.
        sys.stderr.write(_end_of(log))
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment() -> dict[str, str]:
    """Returns the environment of this process without the settings of a service."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_URL", "STILLNEW_"))}


def _launch(command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(environment), cwd=Path(__file__).parents[1]
        )


def _end_of(log: Path) -> str:
    """Returns the end of a server's log, without the lines about single requests."""
    lines = log.read_text(errors="replace").splitlines(keepends=True)
    return "".join(line for line in lines if '"level":"info"' not in line)[-2_000:]


def _let_others_enter(folder: Path) -> None:
    # If root starts the service, Postgres runs under another account, which must be able to enter the folder.
    folder.chmod(0o755)


async def _answers(address: Address, path: str) -> bool:
    try:
        connection = await Connection.open(address)
        answer = await connection.ask(request("GET", path))
    except OSError:
        return False
    connection.close()
    return answer.status == 200
