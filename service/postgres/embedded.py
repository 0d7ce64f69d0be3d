"""Runs a PostgreSQL server under the data directory, for operators who have no database.

Owns the cluster's folder, the server process, its socket and its settings. Knows no table, no pool and no event. The server
listens on a Unix socket, not on a network address. Only the server's account (and root) may enter the folder of the socket.

    data/
      postgres/            the cluster
      postgres.lock        locked (flock) by the one process that runs the server
      postgres.log         the server's messages since its last start
      run/                 the socket
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil
import structlog

from service.postgres.account import Account, AccountCannotReach, choose, first_closed, make_private
from service.postgres.binaries import Binaries, locate
from service.postgres.durable import ENVIRONMENT, SETTINGS
from service.postgres.leftover import LOOK_AGAIN_S, STOP_S_MAX, end_leftover, shut_down

OWNER = "stillnew"
DATABASE = "postgres"

# sun_path has 104 bytes on macOS and 108 on Linux, with "/.s.PGSQL.5432" and a NUL in it.
SOCKET_FOLDER_BYTES_MAX = 85
START_S_MAX = 120.0   # far longer than crash recovery, which max_wal_size bounds
WAIT_S_MIN = 0.1
WAIT_S_MAX = 2.0      # every device must be current within 10 s of a fault (I-12), a full disk included

logger = structlog.get_logger()


class DataDirectoryInUse(RuntimeError):
    """Another process runs the server of this data directory."""

    def __init__(self, *, data_dir: Path, pid: str) -> None:
        super().__init__(f"{data_dir} is in use by process {pid or 'unknown'}: stop that one, or name another --data directory")
        self.data_dir = data_dir


class PostgresDidNotStart(RuntimeError):
    """The server ended, or did not become ready in time. The message ends with the last lines of its log."""


class EmbeddedPostgres:
    """One server on one data directory, from `start` to `stop`. The data stays after `stop`.

    Args:
        data_dir: created if it is missing. Belongs to one running process at a time.
        settings: replace some of the durable server settings, for tests and benchmarks.
    """

    def __init__(self, data_dir: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.cluster = self.data_dir / "postgres"
        self.log = self.data_dir / "postgres.log"
        self._settings = {**SETTINGS, **(settings or {})}
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_wanted = False
        # A stop waits for the end of a running restart. Otherwise the restarted server would keep running after the stop.
        self._turn = threading.Lock()

    @property
    def database_url(self) -> str:
        """The URL for connections as the owner of the database. A restart does not change it."""
        return f"postgresql://{OWNER}@/{DATABASE}?host={quote(str(self._socket_folder()), safe='')}"

    @property
    def is_running(self) -> bool:
        """Whether the server process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The id of the server's process, or None if the server was not started."""
        return None if self._process is None else self._process.pid

    def start(self) -> str:
        """Creates the cluster at the first start, starts the server, waits until it is ready, and returns the database's URL.

        A server that a killed process left behind is shut down first, because this process can supervise only its own child.

        Raises:
            DataDirectoryInUse: another process runs the server of this data directory.
            AccountCannotReach: this process runs as root, and the account of the server may not enter the data directory.
            PostgresDidNotStart: the server ended, or was not ready in time. The message has the last lines of the server's log.
        """
        if self.is_running:
            return self.database_url
        self.data_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._take_lock()
        try:
            with self._turn:
                self._start_server()
        except BaseException:
            self._free_lock()
            raise
        self._is_wanted = True
        return self.database_url

    def stop(self) -> None:
        """Shuts the server down, which cuts its connections and writes a checkpoint. Does nothing if no server runs."""
        self._is_wanted = False
        with self._turn:
            process, self._process = self._process, None
            if process is not None and process.poll() is None:
                shut_down(psutil.Process(process.pid))
                process.wait(STOP_S_MAX)
        self._free_lock()

    async def supervise(self) -> None:
        """Restarts the server whenever it ends by itself, until `stop` or cancellation.

        Restarts the server at once. After a failed start, waits up to WAIT_S_MAX before the next one. Never gives up: a full disk
        may have space again later, and at night nobody is there to start the service.
        """
        failures = 0
        while self._is_wanted:
            if self.is_running:
                await asyncio.sleep(LOOK_AGAIN_S)
                continue
            logger.warning("postgres ended: starting it again")
            try:
                await asyncio.to_thread(self._start_again)
                failures = 0
            except (PostgresDidNotStart, OSError) as error:
                failures += 1
                wait_s = min(WAIT_S_MIN * 2.0 ** min(failures, 10), WAIT_S_MAX)
                logger.warning("postgres did not start", error=type(error).__name__, wait_s=wait_s)
                await asyncio.sleep(wait_s)

    def _start_again(self) -> None:
        with self._turn:
            if self._is_wanted and not self.is_running:
                self._start_server()

    def _start_server(self) -> None:
        account = choose(cluster=self.cluster)
        closed = first_closed(self.data_dir, account=account)
        if closed is not None:
            raise AccountCannotReach(wanted=self.data_dir, closed=closed, account=account)
        binaries = locate(account=account, copies=self.data_dir)
        self._stop_leftover()
        if not (self.cluster / "PG_VERSION").exists():
            self._make_cluster(binaries, account=account)
        sockets = self._socket_folder()
        make_private(sockets, account=account)
        options = [f"-c{name}={value}" for name, value in {**self._settings, "unix_socket_directories": str(sockets)}.items()]
        deadline = time.monotonic() + START_S_MAX
        command = [binaries.program("postgres"), "-D", str(self.cluster), *options]
        while not self._try_once(command, account=account, deadline=deadline):
            time.sleep(0.2)

    def _try_once(self, command: list[str], *, account: Account, deadline: float) -> bool:
        with self.log.open("wb") as log:
            # The server has a session of its own. So Ctrl-C reaches only the service, which drains before it stops the server.
            self._process = process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data_dir,
                env=ENVIRONMENT,
                start_new_session=True,
                **account.identity(),
            )
        while time.monotonic() < deadline:
            if process.poll() is not None:
                last_lines = self._last_log_lines()
                # After kill -9 of the postmaster, its backends hold shared memory until they notice.
                if "pre-existing shared memory block" in last_lines or "is still in use" in last_lines:
                    return False
                raise PostgresDidNotStart(f"the embedded PostgreSQL ended with code {process.returncode}:\n{last_lines}")
            pid, status = self._pid_file()
            if pid == process.pid and status == "ready":
                return True
            time.sleep(LOOK_AGAIN_S)
        shut_down(psutil.Process(process.pid))
        raise PostgresDidNotStart(f"the embedded PostgreSQL was not ready within {START_S_MAX:.0f} s:\n{self._last_log_lines()}")

    def _make_cluster(self, binaries: Binaries, *, account: Account) -> None:
        # Made under another name, and renamed when it is complete: after a kill in between, no cluster looks finished.
        unfinished = self.data_dir / "postgres.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        make_private(unfinished, account=account)
        made = subprocess.run(
            [
                binaries.program("initdb"), "-D", str(unfinished), "--username", OWNER, "--auth=trust", "--encoding=UTF8",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
            ],
            stdin=subprocess.DEVNULL, capture_output=True, cwd=self.data_dir, env=ENVIRONMENT, check=False, **account.identity(),
        )
        if made.returncode != 0:
            reason = made.stderr.decode(errors="replace").strip()
            raise PostgresDidNotStart(f"initdb ended with code {made.returncode}:\n{reason}")
        unfinished.rename(self.cluster)

    def _stop_leftover(self) -> None:
        """Ends a server that a killed process left on this cluster. No living process needs it: this process has the lock."""
        pid, _ = self._pid_file()
        if pid is not None:
            end_leftover(self.cluster, sockets=self._socket_folder(), pid=pid)

    def _pid_file(self) -> tuple[int | None, str]:
        """Returns the process id and status from the server's lock file, or (None, "")."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None, ""
        pid = int(lines[0]) if lines and lines[0].strip().isdigit() else None
        return pid, lines[7].strip() if len(lines) > 7 else ""

    def _socket_folder(self) -> Path:
        beside = self.data_dir / "run"
        if len(os.fsencode(beside)) <= SOCKET_FOLDER_BYTES_MAX:
            return beside
        return Path(tempfile.gettempdir()) / f"stillnew-{hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]}"

    def _last_log_lines(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = (self.data_dir / "postgres.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip()
            lock.close()
            raise DataDirectoryInUse(data_dir=self.data_dir, pid=pid) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _free_lock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()
