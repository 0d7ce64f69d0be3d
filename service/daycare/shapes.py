"""Defines the requests and responses about daycares: section Daycare of protocol.md, as types. Decides nothing."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from events.event import Name
from events.ids import ChildId, MemberId
from service.access.shapes import Code, RequestBody
from service.daycare.cloud_events import Named as Reference
from service.log.append_request import Problem


class NewDaycare(RequestBody, frozen=True, kw_only=True):
    """A new daycare, under the name that people use."""

    name: Name


class DaycareAdded(msgspec.Struct, frozen=True, kw_only=True):
    """A new daycare of one family. No other response contains its secret."""

    member: MemberId
    key_id: UUID
    secret: str


class KeyMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new key for any family that gives it a code. No other response contains its secret."""

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
    """The child that a reference is linked to; null unlinks it."""

    reference: Reference
    child: ChildId | None
    also_called: Annotated[tuple[Name, ...], msgspec.Meta(max_length=16)] | None = None
    """The child's nicknames in the daycare's texts. Null keeps the stored ones, until the reference is linked to another
    child."""


class ReferenceListed(msgspec.Struct, frozen=True, kw_only=True):
    """A daycare's reference for a child. `is_waiting`: records wait under it until somebody links it."""

    reference: str
    shown_name: str | None
    """The daycare's name for a child that is not linked."""
    child: ChildId | None
    also_called: tuple[str, ...]
    is_waiting: bool


class DaycareListed(msgspec.Struct, frozen=True, kw_only=True):
    """A daycare of the family, with its references for children."""

    member: MemberId
    name: str
    imported_by: MemberId | None
    """The parent who imports the files that it writes; None: it posts by itself."""
    references: tuple[ReferenceListed, ...]
    """Empty for another parent's importer."""


class Daycares(msgspec.Struct, frozen=True, kw_only=True):
    """The family's daycares, in order of id."""

    daycares: tuple[DaycareListed, ...]


class Redeem(RequestBody, frozen=True, kw_only=True):
    """A parent's code, and the daycare's reference for the child."""

    code: Code
    reference: Reference


class Redeemed(msgspec.Struct, frozen=True, kw_only=True):
    """A reference that is linked now. The daycare does not learn which child it is."""

    reference: str


class Nothing(RequestBody, frozen=True, kw_only=True):
    """An object without fields."""


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """The new secret. No other call returns it. The earlier secret works until `before_until`, too."""

    secret: str
    before_until: datetime


class DaycareReceipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of one event: a daycare's key reads nothing else."""

    id: str | None
    source: str | None
    outcome: Annotated[
        str, msgspec.Meta(pattern="^(recorded|already_recorded|amended|withdrawn|outdated|waiting|refused)$")
    ]
    keep_quiet: tuple[str, ...] = ()
    problem: Problem | None = None


class DaycareReceipts(msgspec.Struct, frozen=True, kw_only=True):
    """The outcomes of a call, in the order of its events."""

    receipts: tuple[DaycareReceipt, ...]
