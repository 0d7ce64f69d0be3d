"""Defines the receipts that a device is sent for its drafts. Owns the shape; decides nothing."""

from typing import Literal, Self

import msgspec

from events.errors import Refused
from events.ids import EventId


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The reason why a draft was refused: a stable code, the field, and a sentence for people."""

    code: str
    at: str | None
    detail: str

    @classmethod
    def of(cls, refusal: Refused, *, within: str = "") -> Self:
        """Returns a refusal as a problem. `within`: the path of the draft; the refusal's own path is below it."""
        path = ".".join(part for part in (within, refusal.at) if part)
        return cls(code=refusal.code, at=path or None, detail=refusal.detail)


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The result of one draft. `place` is its place in the author's own feed."""

    id: EventId | None
    outcome: Literal["recorded", "already_recorded", "refused"]
    place: int | None = None
    keep_quiet: tuple[str, ...] = ()
    """The names of the members who wait for what the draft reveals, as far as its author may know."""
    problem: Problem | None = None
