"""Sends a file of another system to the service, and tells how far it has come. Owns the questions and the words; prints nothing.

The file stays as it is: the service reads it. Whatever is cut off is made whole by importing the same file again.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import msgspec

from client.answers import Problem, read
from client.environment import World
from client.errors import DeviceError, RefusedByService, ServiceMisspoke, ServiceUnreachable
from client.http import Wire, refuse
from client.me import Me

PIECE_BYTES: Final = 64 * 1024
ANSWER_S_MAX: Final = 120.0
"""Between two lines of the answer: some hundreds of records are written in that time on a very slow machine."""
MEDIA_TYPE_BY_SUFFIX: Final = {".csv": "text/csv", ".json": "application/json"}

SERVER_ERROR: Final = 500

Told = Callable[[str, int, int], None]
"""Called with what is being done (`sending`, in bytes; `taking in`, in records), how much of it is done, and of how much."""


class ImportFailed(RuntimeError):
    """Nothing more was imported; the message says in one sentence why, and what to do."""


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A child whom a file names."""

    reference: str
    shown_name: str | None
    child: UUID | None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could not be read, or that was refused: its place, and why."""

    at: str
    detail: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the importing parent should know."""

    code: str
    detail: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file."""

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
    """A line of the answer: how far the service has come. The last line is the result, or the problem that ended the import."""

    done: int = 0
    of: int | None = None
    status: int | None = None


async def import_file(
    file: Path, *, url: str, token: str, family: UUID | None, query: dict[str, str], told: Told, world: World | None = None
) -> Imported:
    """Import one file. `query` is that of the route: `source`, and perhaps `child`, `reference`, `zone` and `dry_run`.

    Raises:
        ImportFailed
    """
    if not url.startswith(("http://", "https://")):
        raise ImportFailed(f"{url} is no address: say --url as http://… or https://…")
    try:
        size = file.stat().st_size  # noqa: ASYNC240 - one file of one's own, in a command that does nothing else
    except OSError as error:
        raise ImportFailed(f"{file} cannot be read: {error.strerror}.") from None
    wire = Wire(base_url=url, token=token, world=world or World())
    try:
        family = family or read(await wire.ask("GET", "/v1/me"), Me).membership(None).family
        return await _send(wire, f"/v1/families/{family}/imports", file, size, query, told)
    except RefusedByService as error:
        raise ImportFailed(_refusal(error)) from None
    except (ServiceUnreachable, httpx.TransportError) as error:
        raise ImportFailed(f"{url} was cut off ({error}): import the same file again, nothing comes twice.") from None
    except (DeviceError, OSError) as error:
        raise ImportFailed(str(error)) from None
    finally:
        await wire.close()


async def _send(wire: Wire, path: str, file: Path, size: int, query: dict[str, str], told: Told) -> Imported:
    async def pieces() -> AsyncIterator[bytes]:
        sent = 0
        with file.open("rb") as opened:
            while piece := opened.read(PIECE_BYTES):
                yield piece
                sent += len(piece)
                told("sending", sent, size)

    headers = {
        "Accept": "application/x-ndjson", "Content-Length": str(size),
        "Content-Type": MEDIA_TYPE_BY_SUFFIX.get(file.suffix.lower(), "application/octet-stream"),
    }  # fmt: skip
    timeout = httpx.Timeout(ANSWER_S_MAX, connect=wire.world.connect_s_max)
    async with wire.client.stream("POST", path, params=query, content=pieces(), headers=headers, timeout=timeout) as answer:
        if not answer.is_success:
            await answer.aread()
            refuse(answer)
        done = 0
        async for line in answer.aiter_lines():
            said = _decoded(line, _Line)
            if said.status is not None:
                raise ImportFailed(_stopped(_decoded(line, Problem), status=said.status, done=done))
            if said.of is None:
                imported: Imported = _decoded(line, Imported)
                return imported
            done = said.done
            told("taking in", said.done, said.of)
    raise ServiceMisspoke("the answer ended before it said what became of the file: import the same file again")


def _decoded(body: bytes | str, shape: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise ServiceMisspoke(f"an answer that cannot be read: {error}") from None


def _refusal(error: RefusedByService) -> str:
    """One sentence: what the service says, and the code and the field for who asks others."""
    named = ", ".join(part for part in (error.code, error.at) if part)
    return f"Nothing was imported. {error.detail or error.title}" + (f" ({named})" if named else f" (status {error.status})")


def _stopped(problem: Problem, *, status: int, done: int) -> str:
    again = " Import the same file again: nothing comes twice." if status >= SERVER_ERROR else ""
    return f"The import stopped after {done} records. {problem.detail or problem.title} ({problem.code}){again}"
