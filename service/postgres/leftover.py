"""Ends servers on one cluster: the one that runs, or what a killed process left behind.

Owns the signals, and the certainty that nobody writes to the cluster any more. Starts nothing.
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
    """The server outlived two requests to end."""


def end_leftover(cluster: Path, *, sockets: Path, pid: int) -> None:
    """End whatever runs on `cluster`, whose lock file names `pid`, and see to it that no lock of it stops a new server.

    `sockets` is the folder of its socket, which has a lock of its own.

    Raises:
        PostgresDidNotStop
    """
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process = psutil.Process(pid)
        if not has_ended(process) and process in _servers_on(cluster, among=[process]):
            shut_down(process)
            return
        # A number that was given to another program since (a container restarts at 1), or a dead server that nobody has
        # buried: to a new server both look alive, and it would refuse to start. What the locks also guard against, backends
        # that outlive their server by a moment, is waited for here.
        _wait_until_nobody_runs_on(cluster)
        for lock in (cluster / "postmaster.pid", *sockets.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)


def shut_down(server: psutil.Process) -> None:
    """Ask for a fast shutdown; after STOP_S_MAX, for an immediate one, which costs a recovery and loses nothing.

    Raises:
        PostgresDidNotStop
    """
    for ask in (signal.SIGINT, signal.SIGQUIT):
        try:
            server.send_signal(ask)
        except psutil.NoSuchProcess:
            return
        deadline = time.monotonic() + STOP_S_MAX
        while time.monotonic() < deadline:
            if has_ended(server):
                return
            time.sleep(LOOK_AGAIN_S)
    raise PostgresDidNotStop(f"process {server.pid} still runs after {2 * STOP_S_MAX:.0f} s")


def has_ended(process: psutil.Process) -> bool:
    """Whether it is dead, buried or not: process 1 may take seconds to bury what it inherited, or never do it."""
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
