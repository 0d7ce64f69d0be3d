"""Encodes and decodes what rows store as bytes: sightings, wishes and held events.

The format is JSON, because MessagePack loses a time's offset from UTC.
"""

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

encode_sighting = msgspec.json.Encoder().encode
decode_sighting = msgspec.json.Decoder(Sighting).decode
decode_hint = msgspec.json.Decoder(Hint).decode

_encode = msgspec.json.Encoder().encode
_decode_choices = msgspec.json.Decoder(list[Choice]).decode

UNKNOWN: Final = MemberId(UUID(int=0))
"""The author in rows that were written before rows had authors."""


class HeldRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A held event as its row stores it: the fields that the surprise rule needs. Add new fields at the end, with a default."""

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


def held_row(described: DescribedEvent) -> HeldRow:
    """Returns a held event as its row."""
    logged, content = described.logged, described.content
    return HeldRow(
        logged.seq, logged.kind, logged.thread, logged.target_seq, described.sighting, content.subjects, content.own_milestones,
        content.is_everyday, content.child, described.received_at, logged.author, logged.thread_author, content.stated,
        content.is_possible, described.is_sorted_by_author, described.takes_back, described.naming == "first",
    )  # fmt: skip


def encode_held(described: DescribedEvent) -> bytes:
    """Returns a held event as its row's bytes."""
    return _encode(held_row(described))


def decode_held(body: bytes) -> DescribedEvent:
    """Returns the held event of a row, as far as the rule needs it: audience, thread's type and recipients are not stored.

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


def is_name(described: DescribedEvent) -> bool:
    """Returns whether a held event names a milestone of the family's own."""
    return described.logged.kind == "MilestoneNamed"


def encode_wishes(wishes: Wishes) -> bytes:
    """Returns a member's wishes as their row's bytes."""
    return _encode(sorted(wishes.choices.values(), key=lambda choice: (str(choice.child), choice.scope)))


def decode_wishes(body: bytes) -> Wishes:
    """Returns the wishes of a row.

    Raises:
        msgspec.DecodeError: the row is damaged; a replay repairs it.
    """
    return wishes_of(_decode_choices(body))


def at_most_days_of(wishes: Wishes) -> int | None:
    """Returns the smallest number of days among a member's choices; None where no choice has one."""
    return min((choice.at_most_days for choice in wishes.choices.values() if choice.at_most_days is not None), default=None)


def own_subject(sighting: Sighting, member: MemberId) -> tuple[ChildId, str] | tuple[None, None]:
    """Returns the child and milestone by which a member's own sighting is looked up; two None for another author's sighting."""
    return (sighting.child, sighting.milestone) if sighting.author == member else (None, None)
