"""Serves clips: what there is of one, its file and its stills by range, and tickets for a browser's `<video>`.

A clip that is held from the caller, one of another family, one that is not attached and one that never existed: 404 alike.
"""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from events.ids import ClipId, FamilyId
from service.access.guard import Membership
from service.clips.errors import RangeUnsatisfiable
from service.clips.serving import QUERIES, SUFFIXES, Reader, clip_of, find_file, send_file
from service.clips.tickets import LASTS, Ticket, make_ticket, read_ticket
from service.clips.uploads import Uploader
from service.daycare.event_ids import secrets_of
from service.http.asgi import Receive, Scope, Send
from service.http.body import encode, media_type_of, query_of
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import NotFound
from service.http.rate_limit import Kind
from service.runtime import Runtime

Rendition = Literal["clip", "h264"]
Size = Literal[320, 1280]


class Rendered(msgspec.Struct, frozen=True):
    """One file of a clip."""

    rendition: str
    media_type: str
    length_bytes: int
    width: int
    height: int


class ClipListed(msgspec.Struct, frozen=True):
    """The files of a clip."""

    clip: ClipId
    length_ms: int | None
    """None: a picture."""
    codec: str | None
    files: tuple[Rendered, ...]


class OwnUpload(msgspec.Struct, frozen=True):
    """An upload, for the member who made it."""

    clip: ClipId
    state: Literal["open", "whole", "cleaned", "refused"]
    """Open: bytes are missing. Whole: it waits to be cleaned. Cleaned: it can be attached to an event."""
    refused_as: str | None
    received_bytes: int
    length_bytes: int
    captured_at: str | None
    """The time of the camera's clock: a suggestion for `occurred_at`. Nobody else gets it."""
    offset_known: bool | None


class TicketMade(msgspec.Struct, frozen=True):
    """An address that a browser can fetch without a token."""

    url: str
    expires_at: datetime


class WhichFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a clip's file."""

    rendition: Rendition = "clip"


class WhichPoster(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a clip's still."""

    size: Size = 320


class ByTicket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a clip's file by ticket."""

    ticket: str
    rendition: Rendition = "clip"


RENDITION: Final = {"rendition": {"type": "string", "enum": ["clip", "h264"], "default": "clip"}}
RANGES: Final = {name: {"type": "string"} for name in ("Range", "If-Range", "If-None-Match")}
FILE_TYPES: Final = tuple(SUFFIXES)

FILE: Final = Endpoint(
    summary="The file of a clip, or a range of it", caller=CallerKind.MEMBER, kind=Kind.READ, response=str,
    media_types=FILE_TYPES, other_statuses=(206,), errors=(RangeUnsatisfiable,), has_etag=True, query=RENDITION, headers=RANGES,
)  # fmt: skip
POSTER: Final = Endpoint(
    summary="The still of a clip", caller=CallerKind.MEMBER, kind=Kind.READ, response=str,
    media_types=("image/jpeg",), other_statuses=(206,), errors=(RangeUnsatisfiable,), has_etag=True,
    query={"size": {"type": "integer", "enum": [320, 1280], "default": 320}},
    headers=RANGES,
)  # fmt: skip
LISTED: Final = Endpoint(
    summary="The files of a clip, with their sizes", caller=CallerKind.MEMBER, kind=Kind.READ, response=ClipListed
)
OWN: Final = Endpoint(
    summary="How an upload of the caller's own is", caller=CallerKind.MEMBER, kind=Kind.READ, response=OwnUpload
)
TICKET: Final = Endpoint(
    summary="An address for a browser's <video>: this device and this clip, for ten minutes",
    caller=CallerKind.MEMBER, kind=Kind.READ, status=201, response=TicketMade, query=RENDITION,
)  # fmt: skip
SHOWN: Final = Endpoint(
    summary="The file of a clip by ticket, or a range of it", caller=CallerKind.ANYONE, kind=Kind.STRANGER, response=str,
    media_types=FILE_TYPES, other_statuses=(206,), errors=(RangeUnsatisfiable,), has_etag=True,
    query={"ticket": {"type": "string"}, **RENDITION}, headers=RANGES,
)  # fmt: skip


async def file(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends a clip: GET /v1/families/{family}/clips/{clip}."""
    rendition = query_of(scope, WhichFile).rendition
    await send_file(scope, send, _runtime(scope), Reader.of(scope["caller"]), clip_of(scope), rendition)


async def poster(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends a still: GET /v1/families/{family}/clips/{clip}/poster."""
    size = query_of(scope, WhichPoster).size
    await send_file(scope, send, _runtime(scope), Reader.of(scope["caller"]), clip_of(scope), f"poster-{size}")


async def listed(scope: Scope, receive: Receive, send: Send) -> None:
    """Returns what there is of a clip: GET /v1/families/{family}/clips/{clip}/files."""
    caller: Membership = scope["caller"]
    rows = await _runtime(scope).pool.fetch(QUERIES.renditions, caller.family, caller.member, clip_of(scope))
    if not rows:
        raise NotFound
    files = tuple(
        Rendered(row["rendition"], row["media_type"], row["length"], row["width"], row["height"]) for row in rows
    )
    await _answer(scope, send, ClipListed(clip_of(scope), rows[0]["length_ms"], rows[0]["codec"], files))


async def own(scope: Scope, receive: Receive, send: Send) -> None:
    """Returns how an upload is, to its member: GET /v1/families/{family}/clips/{clip}/upload."""
    caller: Membership = scope["caller"]
    upload = await _runtime(scope).clips.uploads.find(Uploader(caller.family, caller.member, caller.device), clip_of(scope))
    answer = OwnUpload(
        clip=upload.clip, state=upload.state, refused_as=upload.refused_as, received_bytes=upload.received,
        length_bytes=upload.length, captured_at=upload.captured_at, offset_known=upload.offset_known,
    )  # fmt: skip
    await _answer(scope, send, answer)


async def ticket(scope: Scope, receive: Receive, send: Send) -> None:
    """Makes a ticket: POST /v1/families/{family}/clips/{clip}/ticket."""
    caller: Membership = scope["caller"]
    runtime, clip, rendition = _runtime(scope), clip_of(scope), query_of(scope, WhichFile).rendition
    await find_file(runtime, Reader.of(caller), clip, rendition)
    secrets = await secrets_of(runtime.pool, [caller.family], makes=True)
    made = Ticket(caller.device, caller.member, runtime.now().replace(microsecond=0) + LASTS)
    text = make_ticket(secrets[caller.family], caller.family, clip, made)
    more = "" if rendition == "clip" else f"&rendition={rendition}"
    url = f"/v1/families/{caller.family}/clips/{clip}/shown?ticket={text}{more}"
    await _answer(scope, send, TicketMade(url, made.ends_at), status=201)


async def shown(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends a clip by ticket: GET /v1/families/{family}/clips/{clip}/shown."""
    query, runtime = query_of(scope, ByTicket), _runtime(scope)
    family, clip = FamilyId(scope["ids"]["family"]), clip_of(scope)
    secret = await runtime.pool.fetchval(QUERIES.secret, family)
    made = None if secret is None else read_ticket(secret, family, clip, query.ticket, now=runtime.now())
    if made is None or not await runtime.pool.fetchval(QUERIES.may_still_read, family, made.member, made.device):
        raise NotFound
    await send_file(scope, send, runtime, Reader(family, made.member, made.device), clip, query.rendition)


async def _answer(scope: Scope, send: Send, value: Any, *, status: int = 200) -> None:
    media_type = media_type_of(scope)
    body = encode(value, media_type)
    headers = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body)), (b"vary", b"accept")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _runtime(scope: Scope) -> Runtime:
    runtime: Runtime = scope["runtime"]
    return runtime


_CLIP: Final = "/v1/families/{family}/clips/{clip}"
ROUTES: Final = (
    ("GET", _CLIP, FILE, file),
    ("GET", f"{_CLIP}/poster", POSTER, poster),
    ("GET", f"{_CLIP}/files", LISTED, listed),
    ("GET", f"{_CLIP}/upload", OWN, own),
    ("POST", f"{_CLIP}/ticket", TICKET, ticket),
    ("GET", f"{_CLIP}/shown", SHOWN, shown),
)
"""Method, path, declaration and application of each route."""
