"""Decodes what rows store as bytes: sightings, wishes, hints and held events. The module `write` encodes these."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from events.event import Audience
from events.ids import ChildId, MemberId, Seq
from events.surprise import Hint
from projections.first_saw import Sighting
from projections.logged_event import Content, DescribedEvent, LoggedEvent, Naming, Subject
from projections.surprise_state import Choice, Wishes, wishes_of

decode_sighting = msgspec.json.Decoder(Sighting).decode
decode_hint = msgspec.json.Decoder(Hint).decode

_decode_choices = msgspec.json.Decoder(list[Choice]).decode

UNKNOWN: Final = MemberId(UUID(int=0))
"""The author of an event whose row was written before rows stored authors."""


class HeldRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A held event in the form in which its row stores it: the fields that the surprise rule needs.

    The fields are stored by position: add a new one at the end, with a default.
    """

    seq: Seq
    kind: str
    thread: Seq
    target_seq: Seq | None
    sighting: Seq | None
    subjects: tuple[Subject, ...]
    own_milestones: tuple[str, ...]
    is_everyday: bool
    child: ChildId | None
    received_at: datetime
    author: MemberId = UNKNOWN
    thread_author: MemberId = UNKNOWN
    stated: tuple[Subject, ...] = ()
    is_possible: bool = False
    is_sorted_by_author: bool = False
    takes_back: bool = False
    is_first_name: bool = True


decode_held_row = msgspec.json.Decoder(HeldRow).decode


def decode_held(body: bytes) -> DescribedEvent:
    """Returns the held event of a row, as far as the rule needs it.

    A row does not store the audience, the type of the thread and the recipients. The result has defaults for these fields.

    Raises:
        msgspec.DecodeError: the row is damaged; a replay repairs it.
    """
    row = decode_held_row(body)
    logged = LoggedEvent(
        row.seq, row.author, row.kind, Audience.FAMILY, row.target_seq, row.thread, row.kind, row.thread_author
    )  # fmt: skip
    content = Content(
        subjects=row.subjects, own_milestones=row.own_milestones, is_everyday=row.is_everyday, child=row.child,
        stated=row.stated, is_possible=row.is_possible,
    )  # fmt: skip
    naming: Naming = "first" if row.is_first_name else "again"
    return DescribedEvent(
        logged, content, row.received_at, row.sighting, row.takes_back, row.is_sorted_by_author, naming
    )  # fmt: skip


def decode_wishes(body: bytes) -> Wishes:
    """Returns the wishes of a row.

    Raises:
        msgspec.DecodeError: the row is damaged; a replay repairs it.
    """
    return wishes_of(_decode_choices(body))
