"""What every route says of itself, beside its code: who may ask, how often, what it takes, answers and refuses.

Owns the declaration. The front enforces it and the OpenAPI document is drawn from it, so that neither can drift from the
other. A route without one does not start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from events.errors import Refused
from service.http.rate_limit import Kind

KEY: Final = "says"


class CallerKind(Enum):
    """Whom a route answers. Checked before the route runs."""

    ANYONE = "anyone"
    ANYONE_OR_DEVICE = "anyone or a device"
    """A token is not needed; one that is sent must be good, and says which person asks."""
    DEVICE = "a device"
    MEMBER = "a member of the family in the path"
    SIGNED = "a daycare's system, by its signature"
    """Nobody can be told from the headers alone: the route reads the body, checks, and counts."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One route's declaration.

    `takes` and `answers` are types that msgspec describes, or None. `query` holds a JSON schema by parameter. `answers_as`
    names the media type of what is neither JSON nor MessagePack.
    """

    summary: str
    who: CallerKind
    kind: Kind
    status: int = 200
    answers_also_at: tuple[int, ...] = ()
    """Statuses beside `status` whose answer has the same shape."""
    validates: bool = False
    """The answer has an ETag, and is 304 to who names it in If-None-Match."""
    takes: Any = None
    takes_as: tuple[str, ...] = ()
    """The media types of a body that is neither JSON nor MessagePack, or not both."""
    answers: Any = None
    speaks_of: tuple[Any, ...] = ()
    answers_as: str | None = None
    refuses: tuple[type[Refused], ...] = ()
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def opt(self) -> dict[str, Any]:
        """For the `opt` argument of a litestar handler."""
        return {KEY: self}
