"""Runs the service: starts the embedded Postgres if no database is named, migrates, starts workers, prints one line when ready.

Owns processes and signals. Knows no route. A single worker runs in this process. Several workers are processes of uvicorn on one
socket, and this process runs their embedded database.
"""

import asyncio
import contextlib
import gc
import multiprocessing
import multiprocessing.connection
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import structlog
import uvicorn
import uvloop
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from service.app import build, from_env
from service.checks.database import check_database, migrate_or_refuse, not_started
from service.checks.everything import check_settings
from service.checks.finding import CannotStart, Finding, refuse_what_stops
from service.http.connection import HttpConnection
from service.http.gateway import Gateway
from service.postgres.embedded import EmbeddedPostgres
from service.settings import Settings, variable_of
from service.telemetry import configure

DRAIN_S: Final = 20
"""The time that open requests have at shutdown. A push ends within one or two seconds, and streams are ended at once. A request
that still runs after this time is cut."""
KEEP_ALIVE_S: Final = 75
BACKLOG: Final = 2_048
POLL_S: Final = 0.05
HEALTHCHECK_S: Final = 30
"""The time without a response after which a worker is killed. It is long, because a start takes seconds on a busy machine."""

START_ERROR_FILE: Final = "why-not-started"
"""The file, in the folder of the counters, to which a worker writes why it did not start."""

YOUNG_OBJECTS = 20_000
"""The garbage collector's threshold: about the number of objects that a batch of 500 drafts creates."""

logger = structlog.get_logger()


class CannotServe(RuntimeError):
    """The service cannot start with these arguments; the message states what to change."""


class Server(uvicorn.Server):
    """The server of uvicorn. It prints a line when it is ready, and returns after SIGTERM instead of raising the signal again."""

    ready_line: str | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        for bound in sockets or ():
            # A program that this process starts, as the cleaner of clips does, must not hold the address after this process.
            bound.set_inheritable(False)
        await super().startup(sockets)
        _tune_garbage_collector()
        if self.started and self.ready_line is not None:
            print(self.ready_line, flush=True)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again after draining, but this process must still stop its database.
        with super().capture_signals():
            try:
                yield
            finally:
                self._captured_signals.clear()


def _tune_garbage_collector() -> None:
    """Makes the garbage collector run less often, and ignore the objects that were loaded at startup.

    A batch of drafts lives for some milliseconds and has no reference cycles. With the default threshold of 700 objects, the
    collector would scan it dozens of times.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


class Workers(Multiprocess):
    """The workers of uvicorn, with one printed line when all workers are ready.

    One thread checks for each worker whether it is ready and whether it is alive, because both checks use the same pipe. If two
    threads used the pipe, one thread could read the response to the other thread's check. Then a healthy worker would be killed,
    because it seems not to respond.
    """

    ready_line: str | None = None

    @property
    def has_failed(self) -> bool:
        """Whether a worker ended before it was ready."""
        return any(one.exitcode == STARTUP_FAILURE for one in self.processes)

    def keep_subprocess_alive(self) -> None:
        for one in self.processes:
            # The worker has its own copy of this end of the pipe. With a copy in this process, a worker that dies during a
            # health check would look busy for HEALTHCHECK_S.
            one.child_conn.close()
        super().keep_subprocess_alive()
        if self.ready_line is not None and not self.should_exit.is_set() and all(one.is_ready() for one in self.processes):
            print(self.ready_line, flush=True)
            self.ready_line = None


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Serves until SIGTERM or SIGINT, then drains and stops.

    Raises:
        CannotStart: a check of the settings or of the database failed.
        CannotServe: the address cannot be used.
        DataDirectoryInUse, AccountCannotReach, BinariesMissing, PostgresDidNotStart: the embedded Postgres cannot be started.
    """
    configure(settings.log)
    bound = _bind(host, port)
    refuse_what_stops(_log_warnings(asyncio.run(check_settings(settings))))
    embedded = None if settings.database_url is not None else EmbeddedPostgres(settings.data_dir)
    try:
        database_url = settings.database_url or (embedded.start() if embedded is not None else "")
        refuse_what_stops(asyncio.run(check_database(database_url, settings)))
        settings = msgspec.structs.replace(settings, database_url=database_url)
        applied = asyncio.run(migrate_or_refuse(database_url))
        if applied:
            logger.info("migrated", migrations=applied)
        where = f" (data in {settings.data})" if embedded is not None else ""
        line = f"Stillnew listens on {_address_of(bound, host)}{where}"
        with _supervised(embedded):
            if settings.workers == 1:
                _serve_in_this_process(settings, bound, line)
            else:
                _serve_in_workers(settings, bound, line)
    finally:
        bound.close()
        if embedded is not None:
            embedded.stop()


def _log_warnings(findings: list[Finding]) -> list[Finding]:
    """Logs a warning for each finding that is wrong but stops nothing, and returns all findings."""
    for finding in findings:
        if finding.is_fine is False and not finding.stops:
            logger.warning("not well, see `stillnew doctor`", reason=finding.part.partition(" ")[0])
    return findings


def _serve_in_this_process(settings: Settings, bound: socket.socket, line: str) -> None:
    assert settings.database_url is not None, "serve() sets the database"
    application, failures = build(settings), list[Exception]()
    application.when_start_fails = failures.append
    server = Server(config_of(application, workers=1))
    server.ready_line = line
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve(sockets=[bound]))
    except SystemExit:
        if not failures:
            raise
    if failures and not server.started:
        raise not_started(settings.database_url, failures[0])


def _serve_in_workers(settings: Settings, bound: socket.socket, line: str) -> None:
    """Runs several workers. Workers read their settings from the environment, so all settings are copied into the environment."""
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if value is not None:
            os.environ[variable_of(name)] = str(value)
    counters = Path(tempfile.mkdtemp(prefix="stillnew-counters-"))
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(counters)
    config = config_of("service.serve:application_of_a_worker", workers=settings.workers)
    workers = Workers(config, sockets=[bound])
    workers.ready_line = line
    try:
        workers.run()
        if (counters / START_ERROR_FILE).exists():
            raise CannotStart((counters / START_ERROR_FILE).read_text())
        if workers.has_failed:
            raise CannotStart("A worker did not start; the log above says why.")
    finally:
        shutil.rmtree(counters, ignore_errors=True)


def application_of_a_worker() -> Gateway:
    """Builds the application of a worker process, which ends when its parent process ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with_parent, args=(parent.sentinel,), name="end with the parent", daemon=True).start()
    application = from_env()
    application.when_start_fails = _write_start_error
    return application


def _write_start_error(error: Exception) -> None:
    """Writes why this worker did not start. Only the first failed worker writes the file, and the parent process prints it."""
    why = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]) / START_ERROR_FILE
    with contextlib.suppress(FileExistsError), why.open("x") as left:
        left.write(str(not_started(os.environ[variable_of("database_url")], error)))


def _end_with_parent(sentinel: int) -> None:
    """Ends this process as soon as its parent has ended, to free the address and the database for a new start."""
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def config_of(app: Gateway | str, *, workers: int) -> uvicorn.Config:
    """Returns uvicorn's configuration for `app`, an application or the import path of its factory."""
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        loop="uvloop",
        http=HttpConnection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
        timeout_worker_healthcheck=HEALTHCHECK_S,
        backlog=BACKLOG,
    )


def _bind(host: str, port: int) -> socket.socket:
    """Binds the address before anything else starts, because an address in use is the most common start error."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        bound.close()
        raise CannotServe(f"Cannot listen on {host}:{port} ({error}). Name another with --host and --port.") from error
    bound.set_inheritable(True)
    return bound


def _address_of(bound: socket.socket, host: str) -> str:
    port = bound.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _supervised(embedded: EmbeddedPostgres | None) -> Iterator[None]:
    """Restarts the embedded Postgres whenever it dies, until the block ends. Uses a thread, because a restart blocks."""
    if embedded is None:
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        asyncio.run(_supervise(embedded, ended))

    thread = threading.Thread(target=watch, name="embedded postgres", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def _supervise(embedded: EmbeddedPostgres, ended: threading.Event) -> None:
    watching = asyncio.ensure_future(embedded.supervise())
    while not ended.is_set() and not watching.done():
        await asyncio.wait({watching}, timeout=POLL_S)
    watching.cancel()
    await asyncio.wait({watching})
    if not watching.cancelled():
        watching.result()
