"""Defines the types of requests and responses about daycares, as in section Daycare of docs/protocol.md. Decides nothing."""

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
    """A new daycare. `name` is the name that people use for it."""

    name: Name


class DaycareAdded(msgspec.Struct, frozen=True, kw_only=True):
    """A new daycare of one family, and its key. No other response contains the secret."""

    member: MemberId
    key_id: UUID
    secret: str


class KeyMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new key for a daycare of several families. No other response contains the secret."""

    key_id: UUID
    secret: str


class ForChild(RequestBody, frozen=True, kw_only=True):
    """The child that a daycare may link with the new code."""

    child: ChildId


class CodeMade(msgspec.Struct, frozen=True, kw_only=True):
    """A code with which a daycare links one child, once."""

    code: str
    expires_at: datetime


class Link(RequestBody, frozen=True, kw_only=True):
    """A daycare's reference, and the child to link to the reference. A null child unlinks the reference."""

    reference: Reference
    child: ChildId | None
    also_called: Annotated[tuple[Name, ...], msgspec.Meta(max_length=16)] | None = None
    """The child's nicknames in the daycare's texts. Null keeps the stored nicknames, except when the reference is linked to
    another child."""


class ReferenceListed(msgspec.Struct, frozen=True, kw_only=True):
    """A daycare's reference for a child. `is_waiting` states whether records wait until a parent links this reference."""

    reference: str
    shown_name: str | None
    """The child's name in the daycare's records. Null for a linked reference."""
    child: ChildId | None
    also_called: tuple[str, ...]
    is_waiting: bool


class DaycareListed(msgspec.Struct, frozen=True, kw_only=True):
    """A daycare of the family, with its references for children."""

    member: MemberId
    name: str
    imported_by: MemberId | None
    """The parent whose imports this member writes. Null: the member is a daycare whose system posts."""
    references: tuple[ReferenceListed, ...]
    """The daycare's references. The list is empty for an importer of another parent."""


class Daycares(msgspec.Struct, frozen=True, kw_only=True):
    """The family's daycares, in order of id."""

    daycares: tuple[DaycareListed, ...]


class Redeem(RequestBody, frozen=True, kw_only=True):
    """A parent's code, and the daycare's reference for the child."""

    code: Code
    reference: Reference


class Redeemed(msgspec.Struct, frozen=True, kw_only=True):
    """The reference that is linked now. The daycare does not learn the family or the child."""

    reference: str


class Nothing(RequestBody, frozen=True, kw_only=True):
    """An empty JSON object."""


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """The new secret of a key. No other call returns this secret. The previous secret is valid until `before_until`."""

    secret: str
    before_until: datetime


class DaycareReceipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The receipt of one posted event."""

    id: str | None
    source: str | None
    outcome: Annotated[
        str, msgspec.Meta(pattern="^(recorded|already_recorded|amended|withdrawn|outdated|waiting|refused)$")
    ]
    keep_quiet: tuple[str, ...] = ()
    problem: Problem | None = None


class DaycareReceipts(msgspec.Struct, frozen=True, kw_only=True):
    """The receipts of a call, in the order of its events."""

    receipts: tuple[DaycareReceipt, ...]
