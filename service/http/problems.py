"""Refusals of the HTTP house, and how any refusal is told: `application/problem+json`, RFC 9457.

Owns statuses and sentences that every route shares. Knows no route, no row and no framework.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import asyncpg
import msgspec

from events.errors import Refused

PROBLEM_TYPE: Final = "tag:stillnew.org,2026:problem/"
PROBLEM_MEDIA_TYPE: Final = b"application/problem+json"


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was refused. `code` is stable, for programs; `at` names the field, where there is one."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    at: str | None


class NotFound(Refused):
    """No such thing, or not for the caller: alike, to the byte."""

    code, status, title = "not_found", 404, "Not found"

    def __init__(self, detail: str = "There is nothing here for you.", *, at: str | None = None) -> None:
        super().__init__(detail, at=at)


class Unauthenticated(Refused):
    """No token, one that nobody knows, a revoked or a malformed one: alike, to the byte."""

    code, status, title = "access.unauthenticated", 401, "Who are you?"

    def __init__(self) -> None:
        super().__init__("A valid device token is needed: Authorization: Bearer <device token>.")


class MethodNotAllowed(Refused):
    """This resource does not know that method; the header Allow lists what it knows."""

    code, status, title = "method_not_allowed", 405, "Not that way"

    def __init__(self, *, allowed: tuple[str, ...]) -> None:
        super().__init__(f"Here one may {', '.join(allowed)}.")
        self.allowed = allowed


class HeadMalformed(Refused):
    """What came is no request of HTTP/1.1."""

    code, status, title = "head.malformed", 400, "The request cannot be read"

    def __init__(self) -> None:
        super().__init__("This is no HTTP request that can be read: its line, a header or the framing of its body is wrong.")


class HeadTooLarge(Refused):
    """The request's line and headers are longer than any that a device sends."""

    code, status, title = "head.too_large", 431, "The headers are too large"

    def __init__(self, *, bytes_max: int) -> None:
        super().__init__(f"The line and the headers of a request hold at most {bytes_max} bytes.")


class HeadTooSlow(Refused):
    """The request's line and headers did not arrive in time."""

    code, status, title = "head.too_slow", 408, "The headers came too slowly"

    def __init__(self, *, within_s: float) -> None:
        super().__init__(f"The headers had not arrived after {within_s:g} s.")


class BodyTooSlow(Refused):
    """The body did not arrive in time."""

    code, status, title = "body.too_slow", 408, "The body came too slowly"

    def __init__(self, *, within_s: float) -> None:
        super().__init__(f"The body had not arrived after {within_s:g} s.")


class BodyTooLarge(Refused):
    """The body is longer than this route takes."""

    code, status, title = "body.too_large", 413, "The body is too large"

    def __init__(self, *, bytes_max: int) -> None:
        super().__init__(f"The body holds at most {bytes_max} bytes.")


class BodyNoRoom(Refused):
    """As many bytes of unfinished bodies are held as this process holds for such senders, or for this one."""

    code, status, title = "body.no_room", 503, "Too much is arriving"

    def __init__(self) -> None:
        super().__init__("More is arriving than is held at one time. Send the same again in a moment, and faster if you can.")


class MediaTypeUnsupported(Refused):
    """A body has one of the media types that its route takes, text in UTF-8, and no content encoding."""

    code, status, title = "body.media_type", 415, "Not in that form"

    def __init__(self, takes: Sequence[str], *, at: str = "Content-Type", also: str = "as UTF-8 where it is text") -> None:
        named = " or ".join(part for part in (", ".join(takes[:-1]), takes[-1]) if part)
        super().__init__(f"Send {named}, {also}, without content encoding.", at=at)
        self.takes = tuple(takes)


class TooManyRequests(Refused):
    """The device, or the address of a caller without one, asks faster than its limit."""

    code, status, title = "too_many_requests", 429, "Too many requests"

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(f"Try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


class CallReplayed(Refused):
    """This very call was taken already. Who is not sure that it was signs it again, with the time of now."""

    code, status, title = "daycare.replayed", 409, "This was here before"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__(
            "This signature was used already. To send again, sign again with the time of now.", at="webhook-signature"
        )


class HostInvalid(Refused):
    """A request names one host, in the form of one (RFC 9112, section 3.2)."""

    code, status, title = "host.invalid", 400, "No such host"

    def __init__(self) -> None:
        super().__init__("The header Host is missing, names no host, or names several.", at="Host")


class AddressTooLong(Refused):
    """The query is longer than any that this service asks for."""

    code, status, title = "uri_too_long", 414, "The address is too long"


class Unavailable(Refused):
    """A part of the service, the database mostly, does not answer. Nothing was changed, or the same request may be repeated."""

    code, status, title = "unavailable", 503, "Not just now"

    def __init__(self) -> None:
        super().__init__("A part of the service does not answer just now. Try again shortly.")


class Crashed(Refused):
    """A mistake of ours."""

    code, status, title = "internal", 500, "Our mistake"

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side. The header X-Request-Id names this request.")


# What asyncpg raises when the server is gone, going, not yet there, or too busy: all of it passes.
PASSING: Final = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,  # a full disk, no memory, too many connections
    asyncpg.PostgresIOError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.InterfaceError,
    # asyncpg 0.32 says so when the server dies between two of its messages.
    asyncpg.InternalClientError,
)


def refusal_of(error: Exception) -> Refused:
    """What to answer to an error: itself if it is a refusal, 503 for what passes, and else 500 without any detail."""
    if isinstance(error, Refused):
        return error
    return Unavailable() if isinstance(error, PASSING) else Crashed()


def problem_of(refusal: Refused) -> ProblemDocument:
    """The document that describes a refusal."""
    return ProblemDocument(
        type=PROBLEM_TYPE + refusal.code,
        title=refusal.title,
        status=refusal.status,
        detail=refusal.detail,
        code=refusal.code,
        at=refusal.at,
    )


def headers_of(refusal: Refused) -> list[tuple[bytes, bytes]]:
    """The headers that belong to a refusal, its content type among them."""
    headers = [(b"content-type", PROBLEM_MEDIA_TYPE)]
    match refusal:
        case MethodNotAllowed():
            headers.append((b"allow", ", ".join(refusal.allowed).encode()))
        case TooManyRequests() | CallReplayed():
            headers.append((b"retry-after", b"%d" % refusal.retry_after_s))
        case MediaTypeUnsupported():
            # RFC 9110, sections 12.5.1 and 12.5.3: what a next request may be, by media type and by coding.
            headers += [(b"accept", ", ".join(refusal.takes).encode()), (b"accept-encoding", b"identity")]
        case Unauthenticated():
            headers.append((b"www-authenticate", b'Bearer realm="stillnew"'))
        case _ if refusal.status == 503:
            headers.append((b"retry-after", b"1"))
    if refusal.status in (408, 413):
        # What is left of the body is not worth reading, and must not be taken for the next request.
        headers.append((b"connection", b"close"))
    return headers


def bytes_of(refusal: Refused) -> bytes:
    """The problem document as JSON."""
    return msgspec.json.encode(problem_of(refusal))
