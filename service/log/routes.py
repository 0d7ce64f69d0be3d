"""Receives a push. Plain ASGI, because this is the busiest route: the framework alone would cost more time than the log."""

from typing import Annotated, Final

import msgspec

from events.event import Effect, Instant
from events.kinds import types_with
from events.wire import DRAFTS_MAX, DeviceDraft, Malformed, read_push, read_push_of_msgpack
from service.access.guard import Membership
from service.http.asgi import Receive, Scope, Send
from service.http.body import JSON, MSGPACK, PUSH_BYTES_MAX, Encoding, encode, encoding_of, media_type_of, read_body
from service.http.endpoint import CallerKind, Endpoint
from service.http.rate_limit import Kind
from service.log.append_request import LogBusy, LogUnavailable, Receipt
from service.runtime import Runtime

CHOICES: Final = types_with(Effect.CHOICE)
WEIGHT_OF_A_CHOICE: Final = 20
"""The number of drafts for which a choice counts in the rate limit: a device may send 25 choices a second. With a thousand held
events, a choice takes a few milliseconds."""

_HEADERS: Final = {
    media_type: [(b"content-type", media_type.encode()), (b"vary", b"accept")] for media_type in (JSON, MSGPACK)
}


class PushBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a push: drafts, and the device's time when it sends them. At most 1 MiB in all, and 64 KiB for each draft."""

    sent_at: Instant
    drafts: Annotated[tuple[DeviceDraft, ...], msgspec.Meta(min_length=1, max_length=DRAFTS_MAX)]


class Pushed(msgspec.Struct, frozen=True):
    """The response to a push: the log's id, and receipts in the drafts' order."""

    log: str
    receipts: tuple[Receipt, ...]


PUSH: Final = Endpoint(
    summary="Push drafts. Each is recorded or refused by itself, and once however often it is sent",
    caller=CallerKind.MEMBER, kind=Kind.PUSH, request=PushBody, response=Pushed, errors=(LogBusy, LogUnavailable),
)  # fmt: skip


def weight_of(draft: DeviceDraft | Malformed) -> int:
    """Returns for how many drafts this one counts in the rate limit.

    A choice counts for more, because the rule is then applied again to all events that are held from its author.
    """
    return WEIGHT_OF_A_CHOICE if type(draft) is not Malformed and type(draft.event) in CHOICES else 1


async def push(scope: Scope, receive: Receive, send: Send) -> None:
    """Appends a device's drafts, and sends the response once they are on the disk: POST /v1/families/{family}/events.

    Raises:
        Refused: the body cannot be read, the device sends too much, or the log does not answer.
    """
    runtime: Runtime = scope["runtime"]
    caller: Membership = scope["caller"]
    encoding, media_type = encoding_of(scope), media_type_of(scope)
    body = await read_body(scope, receive, bytes_max=PUSH_BYTES_MAX)
    match encoding:
        case Encoding.JSON:
            pushed = read_push(body)
        case Encoding.MSGPACK:
            pushed = read_push_of_msgpack(body)
    runtime.limits.take(Kind.DRAFTS, caller.device, count=sum(map(weight_of, pushed.drafts)))
    log, receipts = await runtime.log.push(family=caller.family, author=caller.member, push=pushed)
    answer = encode(Pushed(str(log), receipts), media_type)
    headers = [*_HEADERS[media_type], (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
