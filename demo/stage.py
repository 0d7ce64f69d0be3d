"""Starts a service for the demo alone, with a data directory of its own, and stops the service in order.

Owns the process and its folder. Knows of the service only its command and `/health/ready`. Never uses a database that the
environment names, so that the invented year stays apart from real families.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from demo.failed import DemoFailed

READY_S_MAX: Final = 90.0
"""The longest wait for a new service. A service creates a database: in 4 s on two idle cores, much slower on busy cores."""
STOP_S_MAX: Final = 20.0
LOOK_AGAIN_S: Final = 0.1
LAST_LINES: Final = 6
SERVICE_SETTINGS: Final = ("DATABASE_URL", "STILLNEW_")
"""Prefixes of the environment variables that configure a service."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A running service: its address, its data, and the folder of the devices' files."""

    base_url: str
    devices: Path
    data: Path
    is_kept: bool
    process: asyncio.subprocess.Process


@contextlib.asynccontextmanager
async def stage(*, data: Path | None, port: int | None) -> AsyncIterator[Stage]:
    """Runs a service while the block runs. If `data` is None, the service uses a folder that is removed afterwards.

    Raises:
        DemoFailed: the service did not become ready.
    """
    with _folder(data) as folder:
        port = _free_port(port or 0)
        base_url = f"http://127.0.0.1:{port}"
        log = folder / "demo-service.log"
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                # This same Python, so that no other installation of the command on the PATH is used.
                *(sys.executable, "-m", "service.cli", "serve"),
                *("--host", "127.0.0.1", "--port", str(port), "--data", str(folder)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=asyncio.subprocess.STDOUT,
                env=_environment(),
                # Control-C reaches the demo alone, which then ends the service in order.
                start_new_session=True,
            )
        try:
            await _until_ready(base_url, process, log)
            devices = Path(tempfile.mkdtemp(prefix="devices-", dir=folder))
            yield Stage(base_url=base_url, devices=devices, data=folder, is_kept=data is not None, process=process)
        finally:
            await _stop(process)


@contextlib.contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is not None:
        try:
            data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DemoFailed(f"{data} cannot be made: {error.strerror}.", next="Name another folder with --data DIR.") from error
        yield data.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="stillnew-demo-"))
    # If root starts the demo, the database runs as another account, which has to enter this folder.
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port(wanted: int) -> int:
    """Returns the port `wanted`, or a free port if `wanted` is 0. Raises DemoFailed if the port is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise DemoFailed(
                f"Port {wanted} cannot be had: {error.strerror}.", next="Name another with --port, or none, for a free one."
            ) from error
        port: int = probe.getsockname()[1]
        return port


def _environment() -> dict[str, str]:
    rest = {name: value for name, value in os.environ.items() if not name.startswith(SERVICE_SETTINGS)}
    # The parent folder of this package contains the service, also where nothing was installed.
    path = [str(Path(__file__).resolve().parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return rest | {"STILLNEW_FOUNDING": "open", "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}


async def _until_ready(base_url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    deadline = time.monotonic() + READY_S_MAX
    async with httpx.AsyncClient(base_url=base_url, timeout=2.0, trust_env=False) as client:
        while time.monotonic() < deadline:
            if process.returncode is not None:
                raise DemoFailed(
                    f"The service ended before it was ready (exit code {process.returncode}). It said:\n{_last_lines(log)}\n",
                    next="`stillnew doctor` says what is missing; another --port or --data may do, too.",
                )
            try:
                if (await client.get("/health/ready")).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                # The port is not open yet, because the database is being made.
                await asyncio.sleep(LOOK_AGAIN_S)
            else:
                await asyncio.sleep(LOOK_AGAIN_S)
    raise DemoFailed(
        f"The service was not ready within {READY_S_MAX:.0f} seconds. It said:\n{_last_lines(log)}\n",
        next="Try again on a quieter machine, or look with `stillnew doctor`.",
    )


def _last_lines(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
    return "\n".join(f"  {line}" for line in lines) or "  (nothing)"


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_S_MAX):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
