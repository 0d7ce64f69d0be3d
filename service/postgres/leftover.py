"""Ends the server processes on a cluster: a running server, or the processes that a killed server has left.

Owns the signals, and the check that no process writes to the cluster any more. Starts nothing.
"""

import contextlib
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psutil

STOP_S_MAX: Final = 30.0
LOOK_AGAIN_S: Final = 0.02


class PostgresDidNotStop(RuntimeError):
    """The server still runs after two requests to end."""


def end_leftover(cluster: Path, *, sockets: Path, pid: int) -> None:
    """Ends the server on `cluster`, and removes its lock files, so that a new server can start.

    `pid` is the process id in the cluster's lock file. `sockets` is the folder of the socket, which has a lock file of its own.

    Raises:
        PostgresDidNotStop: a process still runs on the cluster after `STOP_S_MAX`.
    """
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process = psutil.Process(pid)
        if not has_ended(process) and process in _servers_on(cluster, among=[process]):
            shut_down(process)
            return
        # The id may belong to another program by now (a container's ids restart at 1), or to a dead server that is still a
        # zombie. In both cases, a new server would refuse to start because of the lock files. These files also guard against
        # backends that outlive their server by a moment, so this code waits until the backends have ended.
        _wait_until_nobody_runs_on(cluster)
        for lock in (cluster / "postmaster.pid", *sockets.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)


def shut_down(server: psutil.Process) -> None:
    """Requests a fast shutdown, and after STOP_S_MAX seconds an immediate shutdown, which loses no data but needs a recovery.

    Raises:
        PostgresDidNotStop: the server still runs STOP_S_MAX seconds after the second request.
    """
    for request in (signal.SIGINT, signal.SIGQUIT):
        try:
            server.send_signal(request)
        except psutil.NoSuchProcess:
            return
        deadline = time.monotonic() + STOP_S_MAX
        while time.monotonic() < deadline:
            if has_ended(server):
                return
            time.sleep(LOOK_AGAIN_S)
    raise PostgresDidNotStop(f"process {server.pid} still runs after {2 * STOP_S_MAX:.0f} s")


def has_ended(process: psutil.Process) -> bool:
    """Returns whether a process has ended. A zombie counts as ended: process 1 may reap it after seconds, or never."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait_until_nobody_runs_on(cluster: Path) -> None:
    deadline = time.monotonic() + STOP_S_MAX
    while left := _servers_on(cluster, among=psutil.process_iter()):
        if time.monotonic() > deadline:
            raise PostgresDidNotStop(f"process {left[0].pid} still runs on {cluster}")
        time.sleep(LOOK_AGAIN_S)


def _servers_on(cluster: Path, *, among: Iterable[psutil.Process]) -> list[psutil.Process]:
    found = []
    for process in among:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.name() == "postgres" and Path(process.cwd()) == cluster:
                found.append(process)
    return found
