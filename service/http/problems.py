"""Defines the refusals that all routes share, and encodes any refusal as `application/problem+json` (RFC 9457).

Owns their statuses and texts. Knows no route, no row and no framework.
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
    """The reason of a refusal. `code` is stable, for programs; `at` names the field, if there is one."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    at: str | None


class RefusedWithHeaders(Refused):
    """A refusal that needs further headers, such as the true offset of an upload."""

    headers: tuple[tuple[bytes, bytes], ...] = ()


class NotFound(Refused):
    """The resource does not exist, or is not visible to the caller. The response has the same bytes in both cases."""

    code, status, title = "not_found", 404, "Not found"

    def __init__(self, detail: str = "There is nothing here for you.", *, at: str | None = None) -> None:
        super().__init__(detail, at=at)


class Unauthenticated(Refused):
    """The token is missing, unknown, revoked or malformed. The response has the same bytes in all cases."""

    code, status, title = "access.unauthenticated", 401, "Who are you?"

    def __init__(self) -> None:
        super().__init__("A valid device token is needed: Authorization: Bearer <device token>.")


class MethodNotAllowed(Refused):
    """The resource does not support this method. The header Allow lists the methods that the resource supports."""

    code, status, title = "method_not_allowed", 405, "Not that way"

    def __init__(self, *, allowed: tuple[str, ...]) -> None:
        super().__init__(f"Here one may {', '.join(allowed)}.")
        self.allowed = allowed


class HeadMalformed(Refused):
    """The received bytes are not an HTTP/1.1 request."""

    code, status, title = "head.malformed", 400, "The request cannot be read"

    def __init__(self) -> None:
        super().__init__("This is no HTTP request that can be read: its line, a header or the framing of its body is wrong.")


class HeadTooLarge(Refused):
    """The request line and the headers are longer than the bound."""

    code, status, title = "head.too_large", 431, "The headers are too large"

    def __init__(self, *, bytes_max: int) -> None:
        super().__init__(f"The line and the headers of a request hold at most {bytes_max} bytes.")


class HeadTooSlow(Refused):
    """The request line and the headers did not arrive in time."""

    code, status, title = "head.too_slow", 408, "The headers came too slowly"

    def __init__(self, *, within_s: float) -> None:
        super().__init__(f"The headers had not arrived after {within_s:g} s.")


class BodyTooSlow(Refused):
    """The body did not arrive in time."""

    code, status, title = "body.too_slow", 408, "The body came too slowly"

    def __init__(self, *, within_s: float) -> None:
        super().__init__(f"The body had not arrived after {within_s:g} s.")


class BodyTooLarge(Refused):
    """The body is longer than this route accepts."""

    code, status, title = "body.too_large", 413, "The body is too large"

    def __init__(self, *, bytes_max: int) -> None:
        super().__init__(f"The body holds at most {bytes_max} bytes.")


class BodyNoRoom(Refused):
    """A budget for unfinished bodies is full: the budget of this sender, or the common budget of all senders of this kind."""

    code, status, title = "body.no_room", 503, "Too much is arriving"

    def __init__(self) -> None:
        super().__init__("More is arriving than is held at one time. Send the same again in a moment, and faster if you can.")


class MediaTypeUnsupported(Refused):
    """The body has a media type or charset that the route does not accept, or a content encoding."""

    code, status, title = "body.media_type", 415, "Not in that form"

    def __init__(self, accepted: Sequence[str], *, at: str = "Content-Type", also: str = "as UTF-8 where it is text") -> None:
        named = " or ".join(part for part in (", ".join(accepted[:-1]), accepted[-1]) if part)
        super().__init__(f"Send {named}, {also}, without content encoding.", at=at)
        self.accepted = tuple(accepted)


class TooManyRequests(Refused):
    """The device, or the address of a caller without a token, exceeds its rate limit."""

    code, status, title = "too_many_requests", 429, "Too many requests"

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(f"Try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


class CallReplayed(Refused):
    """This signature was accepted before. To send the call again, the sender signs it again, with the current time."""

    code, status, title = "daycare.replayed", 409, "This was here before"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__(
            "This signature was used already. To send again, sign again with the time of now.", at="webhook-signature"
        )


class HostInvalid(Refused):
    """The Host header is missing, repeated or invalid (RFC 9112, section 3.2)."""

    code, status, title = "host.invalid", 400, "No such host"

    def __init__(self) -> None:
        super().__init__("The header Host is missing, names no host, or names several.", at="Host")


class AddressTooLong(Refused):
    """The query is longer than the bound."""

    code, status, title = "uri_too_long", 414, "The address is too long"


class Unavailable(Refused):
    """A part of the service, usually the database, does not respond. The same request can safely be repeated."""

    code, status, title = "unavailable", 503, "Not just now"

    def __init__(self) -> None:
        super().__init__("A part of the service does not answer just now. Try again shortly.")


class Crashed(Refused):
    """An unexpected error occurred: the service has a bug."""

    code, status, title = "internal", 500, "Our mistake"

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side. The header X-Request-Id names this request.")


# The errors of asyncpg for a server that is down, stopping, starting or overloaded: all of them are temporary.
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
    # asyncpg 0.32 raises this if the server dies between two of its messages.
    asyncpg.InternalClientError,
)


def refusal_of(error: Exception) -> Refused:
    """Returns the refusal to send for an error: 503 for a temporary error, 500 for a bug. Returns a refusal unchanged."""
    if isinstance(error, Refused):
        return error
    return Unavailable() if isinstance(error, PASSING) else Crashed()


def problem_of(refusal: Refused) -> ProblemDocument:
    """Returns the problem document of a refusal."""
    return ProblemDocument(
        type=PROBLEM_TYPE + refusal.code,
        title=refusal.title,
        status=refusal.status,
        detail=refusal.detail,
        code=refusal.code,
        at=refusal.at,
    )


def headers_of(refusal: Refused) -> list[tuple[bytes, bytes]]:
    """Returns the headers of a refusal, including the content type."""
    headers = [(b"content-type", PROBLEM_MEDIA_TYPE)]
    match refusal:
        case RefusedWithHeaders():
            headers += refusal.headers
        case MethodNotAllowed():
            headers.append((b"allow", ", ".join(refusal.allowed).encode()))
        case TooManyRequests() | CallReplayed():
            headers.append((b"retry-after", b"%d" % refusal.retry_after_s))
        case MediaTypeUnsupported():
            # RFC 9110, sections 12.5.1 and 12.5.3: the media types and the coding that the next request may have.
            headers += [(b"accept", ", ".join(refusal.accepted).encode()), (b"accept-encoding", b"identity")]
        case Unauthenticated():
            headers.append((b"www-authenticate", b'Bearer realm="stillnew"'))
        case _ if refusal.status == 503:
            headers.append((b"retry-after", b"1"))
    if refusal.status in (408, 413):
        # The rest of the body is not read, and must not be parsed as the next request.
        headers.append((b"connection", b"close"))
    return headers


def bytes_of(refusal: Refused) -> bytes:
    """Returns the problem document as JSON."""
    return msgspec.json.encode(problem_of(refusal))
