"""Sends a file of another system to the service, and tells how far it has come. Owns the questions and the words; prints nothing.

The file stays as it is: the service reads it. Whatever is cut off is made whole by importing the same file again.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import msgspec

from client.answers import read
from client.errors import DeviceError, RefusedByService, ServiceMisspoke, ServiceUnreachable
from client.http import Wire, refuse
from client.me import Me
from client.world import World

PIECE_BYTES: Final = 64 * 1024
ANSWER_S_MAX: Final = 120.0
"""Between two lines of the answer: some hundreds of records are written in that time on a very slow machine."""
MEDIA_TYPE_BY_SUFFIX: Final = {".csv": "text/csv", ".json": "application/json"}

Told = Callable[[str, int, int], None]
"""Called with what is being done (`sending`, in bytes; `taking in`, in records), how much of it is done, and of how much."""


class ImportFailed(RuntimeError):
    """Nothing more was imported; the message says in one sentence why, and what to do."""


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a file speaks of."""

    reference: str
    shown_name: str | None
    child: UUID | None


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be read."""

    at: str
    detail: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file."""

    dry_run: bool
    member: UUID | None
    records: int
    outcomes: dict[str, int]
    ignored: dict[str, int]
    media: int
    unreadable: tuple[Unread, ...]
    references: tuple[Reference, ...]


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the answer: how far the service has come; the last line says something else."""

    done: int = 0
    of: int | None = None


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
        raise ImportFailed(f"The service does not take it: {error}") from None
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
        async for line in answer.aiter_lines():
            said = _decoded(line, _Line)
            if said.of is None:
                imported: Imported = _decoded(line, Imported)
                return imported
            told("taking in", said.done, said.of)
    raise ServiceMisspoke("the answer ended before it said what became of the file: import the same file again")


def _decoded(body: bytes | str, shape: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise ServiceMisspoke(f"an answer that cannot be read: {error}") from None


def in_words(said: Imported) -> list[str]:
    """What became of a file, line by line."""
    would = "would be " if said.dry_run else ""
    lines = [f"{said.records} records"]
    lines += [f"  {count:>6}  {would}{outcome.replace('_', ' ')}" for outcome, count in said.outcomes.items()]
    lines += [f"  {count:>6}  left out: {why.replace('_', ' ')}" for why, count in said.ignored.items()]
    if said.media:
        lines.append(f"  {said.media:>6}  pictures and films are named, and were not fetched")
    lines += [f"  cannot be read: {one.at}: {one.detail}" for one in said.unreadable]
    unknown = [one for one in said.references if one.child is None]
    if unknown:
        lines.append("Whose these are nobody has said yet; what is said of them waits until a parent links them:")
        lines += [f"  {one.reference}" + (f"  ({one.shown_name})" if one.shown_name else "") for one in unknown]
        lines.append("A file about one child is linked at once by --child ID.")
    return lines
