"""What daycares, and parents about them, send and are answered: section Daycare of protocol.md, as types. Decides nothing."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from events.event import Name
from events.ids import ChildId, MemberId
from service.access.shapes import Code, RequestBody
from service.daycare.cloud_events import Named as Reference
from service.log.receipts import Problem


class NewDaycare(RequestBody, frozen=True, kw_only=True):
    """A daycare, as people call it."""

    name: Name


class DaycareAdded(msgspec.Struct, frozen=True, kw_only=True):
    """A daycare of one family. The secret is told here, once."""

    member: MemberId
    key_id: UUID
    secret: str


class KeyMade(msgspec.Struct, frozen=True, kw_only=True):
    """A key for whichever families give it a code. The secret is told here, once."""

    key_id: UUID
    secret: str


class ForChild(RequestBody, frozen=True, kw_only=True):
    """The child that a code is for."""

    child: ChildId


class CodeMade(msgspec.Struct, frozen=True, kw_only=True):
    """A code for a daycare. It works once."""

    code: str
    expires_at: datetime


class Link(RequestBody, frozen=True, kw_only=True):
    """Whom a reference means. No child: nobody any more."""

    reference: Reference
    child: ChildId | None
    also_called: Annotated[tuple[Name, ...], msgspec.Meta(max_length=16)] | None = None
    """Nicknames by which the daycare may write of the child; null: those that were said before, while the child is the same."""


class ReferenceListed(msgspec.Struct, frozen=True, kw_only=True):
    """What a daycare calls a child. `is_waiting`: something came, and waits until somebody says whose it is."""

    reference: str
    shown_name: str | None
    """What the daycare calls whom nobody has linked."""
    child: ChildId | None
    also_called: tuple[str, ...]
    is_waiting: bool


class DaycareListed(msgspec.Struct, frozen=True, kw_only=True):
    """A daycare of the family, and whom it speaks of here."""

    member: MemberId
    name: str
    imported_by: MemberId | None
    """The parent whose files it writes; None: it posts for itself."""
    references: tuple[ReferenceListed, ...]
    """Of another parent's importer none are listed."""


class Daycares(msgspec.Struct, frozen=True, kw_only=True):
    """The family's daycares, in order of id."""

    daycares: tuple[DaycareListed, ...]


class Redeem(RequestBody, frozen=True, kw_only=True):
    """A parent's code, and what the daycare calls the child."""

    code: Code
    reference: Reference


class Redeemed(msgspec.Struct, frozen=True, kw_only=True):
    """The reference means a child from now on; which one is the family's to know."""

    reference: str


class Nothing(RequestBody, frozen=True, kw_only=True):
    """An object without fields."""


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """The secret from now on. It is told here, once; the one before works until then as well."""

    secret: str
    before_until: datetime


class DaycareReceipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one event: all that a daycare's key ever reads."""

    id: str | None
    source: str | None
    outcome: Annotated[
        str, msgspec.Meta(pattern="^(recorded|already_recorded|amended|withdrawn|outdated|waiting|refused)$")
    ]
    keep_quiet: tuple[str, ...] = ()
    problem: Problem | None = None


class DaycareReceipts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a call, in the order of its events."""

    receipts: tuple[DaycareReceipt, ...]
