"""What the service says of itself: log lines and metrics, neither of which can name a person.

Owns the list of fields that a line may hold. A field that is not on it is dropped, and a text that is not one of ours is
too: so no name, note, title or token gets into a line, whatever a caller hands in. Knows no request and no row.
"""

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, Literal, TextIO
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
"""All that a line may hold. `event` is a sentence of ours, `route` a template, `error` a class, `where` our own lines of code."""

TEXT_MAX: Final = 400
FRAMES_MAX: Final = 12
OURS: Final = str(Path(__file__).parents[1]) + "/"
PACKAGES: Final = ("service/", "projections/", "events/", "tests/")


REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The request that this task answers; every line that is told meanwhile bears it."""


class RequestLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answered request. A type of its own: its fields are all that can be said, and writing it costs microseconds."""

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
    """Where request lines go: past structlog, whose processors cost more than a whole push has, unless people read along."""
    into = Losing(sys.stderr if stream is None else stream)

    def write(line: RequestLine) -> None:
        into.write(_encode_line(line).decode() + "\n")

    def show(line: RequestLine) -> None:
        fields = msgspec.structs.asdict(line)
        said = {name: fields[name] for name in fields if name not in ("event", "level", "timestamp") and fields[name] is not None}
        structlog.get_logger().info("request", **said)

    return write if style == "json" else show


def name_request(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Add the request that is being answered."""
    request_id = REQUEST_ID.get()
    return event_dict if request_id is None else {"request_id": request_id, **event_dict}


def keep_listed(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Drop what is not on the list, and cut what is longer than anything of ours."""
    return {
        name: value[:TEXT_MAX] if isinstance(value, str) and name != "where" else value
        for name, value in event_dict.items()
        if name in FIELDS
    }


def tell_errors_apart(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """`exc_info` becomes class and place: a message may quote a row."""
    found = event_dict.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    return {**event_dict, **described(error)} if isinstance(error, BaseException) else event_dict


def _as_json(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> str:
    return msgspec.json.encode(event_dict, enc_hook=str).decode()


class Losing:
    """A stream that loses what it cannot write: a full disk, or a reader that went away, stops no request and no commit."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write, or lose it."""
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush, or do not."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def drop_unwritable_lines() -> None:
    """Drop the lines that standard error does not take, at the end of a process.

    Python tries to write them once more as it exits, and a process that did its work would end with exit code 120.
    """
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def configure(style: Literal["json", "console"], *, stream: TextIO | None = None) -> None:
    """Say how lines look from now on, in this process. They go to standard error."""
    stream = sys.stderr if stream is None else stream
    last: Any = structlog.dev.ConsoleRenderer(colors=stream.isatty()) if style == "console" else _as_json
    structlog.configure(
        processors=[
            name_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            tell_errors_apart,
            keep_listed,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=Losing(stream)),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    # Libraries log in their own words, with values in them: a refused row, an address, a header.
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "litestar", "asyncio", "asyncpg"):
        library = logging.getLogger(name)
        library.handlers[:] = [_OnlyThatItHappened(name)] if name in ("uvicorn.error", "asyncio") else [logging.NullHandler()]
        library.propagate = False


class _OnlyThatItHappened(logging.Handler):
    """Tells that a library had an error, its class and place, and nothing of what the library said."""

    def __init__(self, name: str) -> None:
        super().__init__(level=logging.ERROR)
        self._library = name

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        found = {} if error is None else described(error)
        structlog.get_logger().error("library error", reason=f"{self._library} {record.module}:{record.lineno}", **found)


def described(error: BaseException) -> dict[str, Any]:
    """An error without its message, which may quote a row: its class, and the lines of code that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.removeprefix(OURS).startswith(PACKAGES)][-FRAMES_MAX:]
    last = [] if not frames or frames[-1] in ours else [frames[-1]]
    where = [f"{frame.filename.removeprefix(OURS)}:{frame.lineno} {frame.name}" for frame in (*ours, *last)]
    return {"error": f"{type(error).__module__}.{type(error).__qualname__}", "where": where}


class Metrics:
    """The counters of one process. Labels are route templates, methods and classes of status: nothing grows with families."""

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
