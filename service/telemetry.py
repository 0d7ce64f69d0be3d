"""Writes log lines and metrics that contain no personal data.

Owns the list of fields that a line may have. Other fields are dropped, and so are the messages of errors and libraries: no name,
note, title or token reaches a line, whatever a caller passes. Knows no request and no row.
"""

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, Literal, TextIO, cast
from uuid import UUID

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.typing import EventDict, WrappedLogger

FIELDS: Final = frozenset(
    {
        "event", "level", "timestamp", "request_id", "method", "route", "status", "duration_ms", "code",
        "family", "device", "error", "where", "reason", "count", "workers", "migrations", "wait_s", "worker",
    }
)  # fmt: skip
"""The fields that a log line may have. `event` is a text from our code, `route` a template, `error` the name of a class, `where`
lines of our code."""

TEXT_MAX: Final = 400
FRAMES_MAX: Final = 12
OURS: Final = str(Path(__file__).parents[1]) + "/"
PACKAGES: Final = ("service/", "projections/", "events/", "tests/")


REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The id of the request that this task serves. Every log line of the task has this id."""


class RequestLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The log line of one request. Because the type fixes the fields, msgspec encodes a line in microseconds."""

    timestamp: str
    request_id: str
    method: str
    route: str
    status: int
    duration_ms: float
    code: str | None = None
    family: UUID | None = None
    event: Literal["request"]
    level: Literal["info"]


_encode_line = msgspec.json.Encoder().encode


def request_log(style: Literal["json", "console"], *, stream: TextIO | None = None) -> Callable[[RequestLine], None]:
    """Returns the function that writes request lines. JSON lines bypass structlog, whose steps would make a push too slow."""
    output = LossyStream(sys.stderr if stream is None else stream)

    def write(line: RequestLine) -> None:
        output.write(_encode_line(line).decode() + "\n")

    def show(line: RequestLine) -> None:
        fields = msgspec.structs.asdict(line)
        omitted = ("event", "level", "timestamp")
        shown = {name: value for name, value in fields.items() if name not in omitted and value is not None}
        structlog.get_logger().info("request", **shown)

    return write if style == "json" else show


def add_request_id(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Adds the id of the current request to a log line."""
    request_id = REQUEST_ID.get()
    return event_dict if request_id is None else {"request_id": request_id, **event_dict}


def keep_listed_fields(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Drops fields that are not in `FIELDS`, and cuts texts to `TEXT_MAX` characters."""
    return {
        name: value[:TEXT_MAX] if isinstance(value, str) and name != "where" else value
        for name, value in event_dict.items()
        if name in FIELDS
    }


def describe_error(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Replaces `exc_info` by the error's class and lines of code. Drops the error's message, which may contain a row."""
    found = event_dict.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    return {**event_dict, **described(error)} if isinstance(error, BaseException) else event_dict


def _as_json(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> str:
    return msgspec.json.encode(event_dict, enc_hook=str).decode()


class LossyStream:
    """A text stream that drops unwritable text, so that a full disk or a closed reader stops no request and no commit."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Writes the text, or drops it on an error."""
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flushes the stream, and ignores an error."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def drop_unwritable_lines() -> None:
    """Drops the lines that cannot be written to standard error. Called at the end of a process.

    Otherwise Python would try to write these lines again at exit, and a successful process would end with exit code 120.
    """
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def configure(style: Literal["json", "console"], *, stream: TextIO | None = None) -> None:
    """Sets the style of this process's log lines, and the stream that they are written to (None: standard error)."""
    stream = sys.stderr if stream is None else stream
    last: Any = structlog.dev.ConsoleRenderer(colors=stream.isatty()) if style == "console" else _as_json
    structlog.configure(
        processors=[
            add_request_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            describe_error,
            keep_listed_fields,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # Of a TextIO, structlog calls only what LossyStream has: write and flush.
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, LossyStream(stream))),
        cache_logger_on_first_use=False,
    )
    # The texts of libraries may contain values, such as a refused row, an address or a header: drop them.
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "litestar", "asyncio", "asyncpg"):
        library = logging.getLogger(name)
        library.handlers[:] = [_LibraryErrors(name)] if name in ("uvicorn.error", "asyncio") else [logging.NullHandler()]
        library.propagate = False


class _LibraryErrors(logging.Handler):
    """A handler that logs the class and lines of code of a library's error, without the library's text."""

    def __init__(self, name: str) -> None:
        super().__init__(level=logging.ERROR)
        self._library = name

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        found = {} if error is None else described(error)
        structlog.get_logger().error("library error", reason=f"{self._library} {record.module}:{record.lineno}", **found)


def described(error: BaseException) -> dict[str, Any]:
    """Returns the class of an error and its lines of code. Omits the message, which may contain a row."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.removeprefix(OURS).startswith(PACKAGES)][-FRAMES_MAX:]
    last = [] if not frames or frames[-1] in ours else [frames[-1]]
    where = [f"{frame.filename.removeprefix(OURS)}:{frame.lineno} {frame.name}" for frame in (*ours, *last)]
    return {"error": f"{type(error).__module__}.{type(error).__qualname__}", "where": where}


class Metrics:
    """The metrics of one process. Labels are route templates, methods and status classes: more families add no series."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self.requests = Counter(
            "stillnew_requests", "Requests answered", ["route", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "stillnew_request_seconds",
            "From the request's head to the end of its answer; streams are not in it",
            ["route"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self.registry,
        )
        self.open_requests = Gauge(
            "stillnew_open_requests", "Requests and streams that are being answered", registry=self.registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self.held_body_bytes = Gauge(
            "stillnew_held_body_bytes", "Bytes of bodies that are arriving, by the budget that they are held in", ["budget"],
            registry=self.registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self.refused_by_limit = Counter(
            "stillnew_refused_by_limit", "Requests refused by a rate limit", ["kind"], registry=self.registry
        )
