"""Defines the types of the requests and responses about daycares (docs/protocol.md, section Daycare). Decides nothing."""

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
    """A request to add a daycare or to make a key for it. `name` is the name that people use for the daycare."""

    name: Name


class DaycareAdded(msgspec.Struct, frozen=True, kw_only=True):
    """A new daycare of one family, and the daycare's key. No other response contains the secret of this key."""

    member: MemberId
    key_id: UUID
    secret: str


class KeyMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new key for a daycare that serves several families. No other response contains the secret of this key."""

    key_id: UUID
    secret: str


class ForChild(RequestBody, frozen=True, kw_only=True):
    """A request to make a code. A daycare may link `child` with this code."""

    child: ChildId


class CodeMade(msgspec.Struct, frozen=True, kw_only=True):
    """A code with which a daycare can link one child. The code works once."""

    code: str
    expires_at: datetime


class Link(RequestBody, frozen=True, kw_only=True):
    """A request to link a daycare's reference to `child`. If `child` is null, the reference is unlinked."""

    reference: Reference
    child: ChildId | None
    also_called: Annotated[tuple[Name, ...], msgspec.Meta(max_length=16)] | None = None
    """The child's nicknames in the daycare's texts. Null: the stored nicknames stay, unless the reference is linked to another
    child."""


class ReferenceListed(msgspec.Struct, frozen=True, kw_only=True):
    """A daycare's reference for a child. `is_waiting` states whether records of this reference wait until a parent links it."""

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
    """The parent whose imports this member writes. Null: this member is a daycare whose system posts records."""
    references: tuple[ReferenceListed, ...]
    """The daycare's references. The list is empty for an importer of another parent."""


class Daycares(msgspec.Struct, frozen=True, kw_only=True):
    """The family's daycares, in the order of their ids."""

    daycares: tuple[DaycareListed, ...]


class Redeem(RequestBody, frozen=True, kw_only=True):
    """A request to link a reference: a parent's code, and the daycare's reference for the child."""

    code: Code
    reference: Reference


class Redeemed(msgspec.Struct, frozen=True, kw_only=True):
    """The reference that is linked now. The response names neither the family nor the child."""

    reference: str


class Nothing(RequestBody, frozen=True, kw_only=True):
    """A request body without content: an empty JSON object."""


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """The new secret of a key. Only the call that made this secret, and repetitions of this call, return it.

    The previous secret is valid until `before_until`.
    """

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
    """The receipts of a call, one for each event, in the order of the events."""

    receipts: tuple[DaycareReceipt, ...]
