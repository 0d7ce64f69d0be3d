"""Declares the push and live endpoints, which are plain ASGI: the framework would cost too much per request and per stream.

Owns their declarations and the reading of their queries. `log.routes` and `feed.live` handle the requests.
"""

from typing import Annotated, Final

import msgspec

from events.errors import FieldInvalid
from events.event import Instant
from events.wire import DRAFTS_MAX, DeviceDraft
from service.feed.live import live as send_live
from service.feed.pages import FeedAhead
from service.feed.streams import NoRoomForStreams, TooManyStreams
from service.http.asgi import Receive, Scope, Send
from service.http.body import query_of
from service.http.endpoint import CallerKind, Endpoint
from service.http.rate_limit import Kind
from service.log.append_queue import LogBusy
from service.log.group_commit import LogUnavailable
from service.log.routes import Pushed
from service.log.routes import push as receive_push

PLACE_MAX: Final = 2**62
Place = Annotated[int, msgspec.Meta(ge=0, le=PLACE_MAX)]


class PushBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a push: drafts, and the device's time when the push is sent. At most 1 MiB, and 64 KiB per draft."""

    sent_at: Instant
    drafts: Annotated[tuple[DeviceDraft, ...], msgspec.Meta(min_length=1, max_length=DRAFTS_MAX)]


class After(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a live stream."""

    after: Place = 0


PUSH = Endpoint(
    summary="Push drafts. Each is recorded or refused by itself, and once however often it is sent",
    caller=CallerKind.MEMBER, kind=Kind.PUSH, request=PushBody, response=Pushed, errors=(LogBusy, LogUnavailable),
)  # fmt: skip
LIVE = Endpoint(
    summary="The feed as it grows, as server-sent events: catches up, then follows",
    caller=CallerKind.MEMBER, kind=Kind.READ, response=str, media_type="text/event-stream",
    query={"after": {"type": "integer", "minimum": 0, "maximum": PLACE_MAX, "default": 0}},
    headers={"Last-Event-ID": {"type": "string", "pattern": "^[0-9]{1,18}$"}},
    errors=(FeedAhead, TooManyStreams, NoRoomForStreams, FieldInvalid),
)  # fmt: skip


async def push(scope: Scope, receive: Receive, send: Send) -> None:
    """Receives drafts: POST /v1/families/{family}/events."""
    await receive_push(scope, receive, send, runtime=scope["runtime"], caller=scope["caller"])


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """Streams the feed as it grows: GET /v1/families/{family}/live."""
    after = query_of(scope, After).after
    await send_live(scope, receive, send, runtime=scope["runtime"], caller=scope["caller"], after=after)
