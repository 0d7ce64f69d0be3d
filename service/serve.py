"""Runs the service: the embedded Postgres where none is named, migrations, the workers, and the one line when it is ready.

Owns processes and signals. Knows no route. One worker runs in this process; several are uvicorn's own processes on one
socket, and this one keeps their database for them.
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
"""A push under way ends within a second or two; a stream is ended at once. What is left after this is cut."""
KEEP_ALIVE_S: Final = 75
BACKLOG: Final = 2_048
LOOK_AGAIN_S: Final = 0.05
HEALTHCHECK_S: Final = 30
"""A worker silent for so long hangs. A busy machine takes seconds to start one; that is no reason to kill it."""

WHY_NOT: Final = "why-not-started"
"""The file in which a worker leaves its sentence, beside the counters."""

YOUNG_OBJECTS = 20_000
"""About what a batch of 500 drafts makes."""

logger = structlog.get_logger()


class CannotServe(RuntimeError):
    """The service cannot start as it was asked to; the message says what to change."""


class Server(uvicorn.Server):
    """uvicorn's, which says when it is ready, and takes SIGTERM for an order and not for a death."""

    ready_line: str | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        _spare_the_collector()
        if self.started and self.ready_line is not None:
            print(self.ready_line, flush=True)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again when it has drained; ours still has a database to stop.
        with super().capture_signals():
            try:
                yield
            finally:
                self._captured_signals.clear()


def _spare_the_collector() -> None:
    """Look for reference cycles more rarely, and never again in what was loaded at the start.

    A batch of drafts lives for some milliseconds, and holds no cycle: looked through every 700 objects, as is the default, it
    was looked through dozens of times.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


class Workers(Multiprocess):
    """uvicorn's workers; says one line when all of them are ready.

    It asks in the thread that also asks whether they live: question and answer share one pipe for each worker, and a second
    thread would take the other's answers, until a healthy worker was killed for its silence.
    """

    ready_line: str | None = None

    @property
    def has_failed(self) -> bool:
        """Whether a worker ended before it was ready."""
        return any(one.exitcode == STARTUP_FAILURE for one in self.processes)

    def keep_subprocess_alive(self) -> None:
        for one in self.processes:
            # The worker has its end of the pipe by now. While this process holds it too, a worker that dies while it is asked is
            # taken for one that thinks about its answer, for as long as HEALTHCHECK_S.
            one.child_conn.close()
        super().keep_subprocess_alive()
        if self.ready_line is not None and not self.should_exit.is_set() and all(one.is_ready() for one in self.processes):
            print(self.ready_line, flush=True)
            self.ready_line = None


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then drain and stop.

    Raises:
        CannotStart: what it stands on would fail it.
        CannotServe, and what the embedded Postgres raises.
    """
    configure(settings.log)
    bound = _bind(host, port)
    refuse_what_stops(_warned(asyncio.run(check_settings(settings))))
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
        with _watched(embedded):
            if settings.workers == 1:
                _serve_here(settings, bound, line)
            else:
                _serve_in_workers(settings, bound, line)
    finally:
        bound.close()
        if embedded is not None:
            embedded.stop()


def _warned(findings: list[Finding]) -> list[Finding]:
    """The findings, of which those that are not well and stop nothing are in the log now."""
    for finding in findings:
        if finding.is_fine is False and not finding.stops:
            logger.warning("not well, see `stillnew doctor`", reason=finding.part.partition(" ")[0])
    return findings


def _serve_here(settings: Settings, bound: socket.socket, line: str) -> None:
    assert settings.database_url is not None, "serve() has named one"
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
    """Workers read the environment, so everything that was said on the command line is put there."""
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
        if (counters / WHY_NOT).exists():
            raise CannotStart((counters / WHY_NOT).read_text())
        if workers.has_failed:
            raise CannotStart("A worker did not start; the log above says why.")
    finally:
        shutil.rmtree(counters, ignore_errors=True)


def application_of_a_worker() -> Gateway:
    """The application as the environment describes it, in a process that ends with the one that started it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), name="end with the parent", daemon=True).start()
    application = from_env()
    application.when_start_fails = _leave_word
    return application


def _leave_word(error: Exception) -> None:
    """Leave the sentence of a failed start to the process that started this worker: it says the first one, once for all."""
    why = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]) / WHY_NOT
    with contextlib.suppress(FileExistsError), why.open("x") as left:
        left.write(str(not_started(os.environ[variable_of("database_url")], error)))


def _end_after(sentinel: int) -> None:
    """End at once when the parent has: whoever starts the service again needs its address, and its database."""
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def config_of(app: object, *, workers: int) -> uvicorn.Config:
    """How uvicorn runs `app`, an application or the name of what makes one."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
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
    """Take the address before anything is started: that it is taken is the commonest reason not to start."""
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
def _watched(embedded: EmbeddedPostgres | None) -> Iterator[None]:
    """Start the embedded Postgres again whenever it dies, in a thread of its own: a restart waits, and requests must not."""
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
        await asyncio.wait({watching}, timeout=LOOK_AGAIN_S)
    watching.cancel()
    await asyncio.wait({watching})
    if not watching.cancelled():
        watching.result()
