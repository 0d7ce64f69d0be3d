"""Sends an exported file of another system to the service, and reports the progress.

Owns the requests and the error messages. Does not print, and does not parse the file: the service parses it. After an
interruption, importing the same file again completes the import.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import msgspec

from client.environment import World
from client.errors import DeviceError, RefusedByService, ServiceMisspoke, ServiceUnreachable
from client.http import Wire, refuse
from client.me import Me
from client.responses import Problem, read

PIECE_BYTES: Final = 64 * 1024
ANSWER_S_MAX: Final = 120.0
"""The longest wait for the next line of the response. Even a very slow machine writes some hundreds of records in that time."""
MEDIA_TYPE_BY_SUFFIX: Final = {".csv": "text/csv", ".json": "application/json"}

SERVER_ERROR: Final = 500

OnProgress = Callable[[str, int, int], None]
"""A callback for the progress: the step (`sending`, in bytes, or `taking in`, in records), the amount done, and the total."""


class ImportFailed(RuntimeError):
    """The import stopped. The message states the reason in one sentence, and what to do."""


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """The file's reference of a child. `child` is None as long as no parent has linked the reference to a child."""

    reference: str
    shown_name: str | None
    child: UUID | None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the file that could not be read or was refused: its position and the reason."""

    at: str
    detail: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A remark on the import, for the parent who imports."""

    code: str
    detail: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an import. After a dry run, the counts are those that an import of the same file would have."""

    dry_run: bool
    member: UUID | None
    records: int
    records_of_children: int
    outcomes: dict[str, int]
    ignored: dict[str, int]
    taken_back: int
    media: int
    unreadable_records: int
    unreadable: tuple[Row, ...]
    refused: tuple[Row, ...]
    references: tuple[Reference, ...]
    notices: tuple[Notice, ...] = ()


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the response. Each line but the last states the progress; the last one is the result or a problem document."""

    done: int = 0
    of: int | None = None
    status: int | None = None


async def import_file(
    file: Path,
    *,
    url: str,
    token: str,
    family: UUID | None,
    query: dict[str, str],
    on_progress: OnProgress,
    world: World | None = None,
) -> Imported:
    """Imports one file. `query` is the query of the route: `source`, and optionally `child`, `reference`, `zone` and `dry_run`.

    Raises:
        ImportFailed: the file cannot be read, or the service refused it, stopped or did not answer.
    """
    if not url.startswith(("http://", "https://")):
        raise ImportFailed(f"{url} is no address: say --url as http://… or https://…")
    try:
        size = (await asyncio.to_thread(file.stat)).st_size
    except OSError as error:
        raise ImportFailed(f"{file} cannot be read: {error.strerror}.") from None
    wire = Wire(base_url=url, token=token, world=world or World())
    try:
        family = family or read(await wire.ask("GET", "/v1/me"), Me).membership(None).family
        return await _send(wire, f"/v1/families/{family}/imports", file, size, query, on_progress)
    except RefusedByService as error:
        raise ImportFailed(_refusal(error)) from None
    except (ServiceUnreachable, httpx.TransportError) as error:
        raise ImportFailed(f"{url} was cut off ({error}): import the same file again, nothing comes twice.") from None
    except (DeviceError, OSError) as error:
        raise ImportFailed(str(error)) from None
    finally:
        await wire.close()


async def _send(wire: Wire, path: str, file: Path, size: int, query: dict[str, str], on_progress: OnProgress) -> Imported:
    async def pieces() -> AsyncIterator[bytes]:
        sent = 0
        with file.open("rb") as opened:
            while piece := opened.read(PIECE_BYTES):
                yield piece
                sent += len(piece)
                on_progress("sending", sent, size)

    headers = {
        "Accept": "application/x-ndjson", "Content-Length": str(size),
        "Content-Type": MEDIA_TYPE_BY_SUFFIX.get(file.suffix.lower(), "application/octet-stream"),
    }  # fmt: skip
    timeout = httpx.Timeout(ANSWER_S_MAX, connect=wire.world.connect_s_max)
    async with wire.client.stream("POST", path, params=query, content=pieces(), headers=headers, timeout=timeout) as response:
        if not response.is_success:
            await response.aread()
            refuse(response)
        done = 0
        async for line in response.aiter_lines():
            progress = _decoded(line, _Line)
            if progress.status is not None:
                raise ImportFailed(_stopped(_decoded(line, Problem), status=progress.status, done=done))
            if progress.of is None:
                imported: Imported = _decoded(line, Imported)
                return imported
            done = progress.done
            on_progress("taking in", progress.done, progress.of)
    raise ServiceMisspoke("the answer ended before it said what became of the file: import the same file again")


def _decoded(body: bytes | str, shape: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise ServiceMisspoke(f"an answer that cannot be read: {error}") from None


def _refusal(error: RefusedByService) -> str:
    """Returns the message for a refusal: the detail, then the code and the field, so that a user can ask for help."""
    named = ", ".join(part for part in (error.code, error.at) if part)
    return f"Nothing was imported. {error.detail or error.title}" + (f" ({named})" if named else f" (status {error.status})")


def _stopped(problem: Problem, *, status: int, done: int) -> str:
    again = " Import the same file again: nothing comes twice." if status >= SERVER_ERROR else ""
    return f"The import stopped after {done} records. {problem.detail or problem.title} ({problem.code}){again}"
