"""What a device is told of each draft that it sent. Owns the shape; decides nothing."""

from typing import Literal, Self

import msgspec

from events.errors import Refused
from events.ids import EventId


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a draft was refused: a stable code, the field, a sentence for people."""

    code: str
    at: str | None
    detail: str

    @classmethod
    def of(cls, refusal: Refused, *, within: str = "") -> Self:
        """Describe a refusal; `within` is the path of the draft that the refusal's own path begins at."""
        path = ".".join(part for part in (within, refusal.at) if part)
        return cls(code=refusal.code, at=path or None, detail=refusal.detail)


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What became of one draft. `place` is its place in the author's own feed."""

    id: EventId | None
    outcome: Literal["recorded", "already_recorded", "refused"]
    place: int | None = None
    keep_quiet: tuple[str, ...] = ()
    """The names of members who wait for what this tells, as far as its author may know."""
    problem: Problem | None = None
