"""Stores every draft that this device ever wrote, with its state.

Owns the outbox. No draft is ever deleted. Even recorded drafts stay, so that the device can send them again if the service is
restored from a backup. Does not know the network or the clock.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from client.errors import DraftIdReused, DraftTooLarge, NaiveTime
from client.responses import Receipt
from client.store import Store

# The three bounds of a push, from the section Sync of docs/protocol.md.
DRAFTS_MAX = 256
PUSH_BYTES_MAX = 1024 * 1024
DRAFT_BYTES_MAX = 64 * 1024

# The envelope {"sent_at":"2026-11-21T18:03:11.120000+01:00","drafts":[]} has 60 bytes.
ENVELOPE_BYTES = 128

State = Literal["waiting", "recorded", "refused", "set_aside"]

COLUMNS = "id, json, state, receipt"


class Authored(msgspec.Struct, frozen=True, kw_only=True):
    """A draft of this device: the bytes that are pushed, the state, and the receipt (None before the first one)."""

    id: UUID
    json: bytes
    state: State
    receipt: Receipt | None

    @property
    def draft(self) -> dict[str, Any]:
        """The draft as plain values."""
        return msgspec.json.decode(self.json, type=dict[str, Any])


def draft_json(
    *,
    draft_id: UUID,
    event: Mapping[str, Any] | msgspec.Struct,
    occurred_at: datetime,
    recorded_at: datetime,
    precision: str,
    audience: str | None,
) -> bytes:
    """Returns the JSON of a draft, with sorted keys, so that equal drafts have equal bytes.

    If `audience` is None, the draft states no audience, and the default of the event type applies.

    Raises:
        NaiveTime: a time has no offset.
        DraftTooLarge: the JSON is longer than 64 KiB.
    """
    for time in (occurred_at, recorded_at):
        if time.tzinfo is None:
            raise NaiveTime(given=time)
    draft = {
        "id": str(draft_id),
        "occurred_at": occurred_at.isoformat(),
        "precision": precision,
        "recorded_at": recorded_at.isoformat(),
        "event": event,
    }
    if audience is not None:
        draft["audience"] = audience
    encoded = msgspec.json.encode(draft, order="sorted")
    if len(encoded) > DRAFT_BYTES_MAX:
        raise DraftTooLarge(size_bytes=len(encoded), size_bytes_max=DRAFT_BYTES_MAX)
    return encoded


def count_that_fits(sizes_bytes: Sequence[int], *, push_bytes_max: int = PUSH_BYTES_MAX) -> int:
    """Returns how many of the oldest drafts fit into one push, by their sizes: at least 1, or 0 if there is no draft."""
    room_bytes = push_bytes_max - ENVELOPE_BYTES
    for count, size_bytes in enumerate(sizes_bytes[:DRAFTS_MAX]):
        room_bytes -= size_bytes + 1
        if room_bytes < 0:
            return max(count, 1)
    return min(len(sizes_bytes), DRAFTS_MAX)


def push_body(drafts: Sequence[Authored], *, sent_at: datetime) -> bytes:
    """Returns the body of one push."""
    return b'{"sent_at":%b,"drafts":[%b]}' % (
        msgspec.json.encode(sent_at.isoformat()),
        b",".join(authored.json for authored in drafts),
    )


class Outbox:
    """The drafts of one device file, in the order in which they were written."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, draft_id: UUID, encoded: bytes) -> None:
        """Stores a draft, and returns when the draft is on the disk. If the same draft is stored already, nothing changes.

        Raises:
            DraftIdReused: a draft with this id and other content exists.
        """
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO draft (id, json, state) VALUES (?, ?, 'waiting') ON CONFLICT (id) DO NOTHING",
                (str(draft_id), encoded),
            )
            stored = connection.execute("SELECT json FROM draft WHERE id = ?", (str(draft_id),)).fetchone()
            if stored[0] != encoded:
                raise DraftIdReused(draft=draft_id)

    def next_batch(self, *, push_bytes_max: int = PUSH_BYTES_MAX) -> tuple[Authored, ...]:
        """Returns the oldest waiting drafts that fit into one push: at least one draft, or none if no draft waits."""
        rows = self._store.connection.execute(
            f"SELECT {COLUMNS} FROM draft WHERE state = 'waiting' ORDER BY ordinal LIMIT ?", (DRAFTS_MAX,)
        ).fetchall()
        drafts = tuple(_authored(row) for row in rows)
        return drafts[: count_that_fits([len(authored.json) for authored in drafts], push_bytes_max=push_bytes_max)]

    def smallest_set_aside(self) -> Authored | None:
        """Returns the smallest draft in the state `set_aside`, or None if there is no such draft."""
        row = self._store.connection.execute(
            f"SELECT {COLUMNS} FROM draft WHERE state = 'set_aside' ORDER BY length(json), ordinal LIMIT 1"
        ).fetchone()
        return None if row is None else _authored(row)

    def settle(self, receipts: Sequence[Receipt]) -> None:
        """Stores receipts and the new states of their drafts, within the open transaction."""
        self._store.connection.executemany(
            "UPDATE draft SET state = ?, receipt = ?, place = ? WHERE id = ?",
            [
                (
                    "recorded" if receipt.is_recorded else receipt.outcome,
                    msgspec.json.encode(receipt),
                    receipt.place,
                    str(receipt.id),
                )
                for receipt in receipts
            ],
        )

    def last_place(self) -> int:
        """Returns the highest place in any receipt, or 0. The member's feed must have an entry at this place."""
        row = self._store.connection.execute("SELECT max(place) FROM draft WHERE place IS NOT NULL").fetchone()
        return int(row[0] or 0)

    def recorded_ids(self, *, after: int, to: int) -> dict[int, UUID]:
        """Returns the ids of recorded drafts by their places in the feed, for places greater than `after` and up to `to`."""
        rows = self._store.connection.execute("SELECT place, id FROM draft WHERE place > ? AND place <= ?", (after, to))
        return {place: UUID(draft_id) for place, draft_id in rows}

    def requeue(self, draft_id: UUID) -> None:
        """Queues one draft again, because the reason of a refusal may no longer exist."""
        with self._store.transaction() as connection:
            connection.execute("UPDATE draft SET state = 'waiting' WHERE id = ?", (str(draft_id),))

    def requeue_set_aside(self) -> None:
        """Queues the drafts that were set aside, and the drafts that were refused because of an unknown target.

        Works within the open transaction.
        """
        self._store.connection.execute(
            """UPDATE draft SET state = 'waiting'
                WHERE state = 'set_aside'
                   OR state = 'refused' AND instr(CAST(receipt AS TEXT), '"event.unknown_target"')"""
        )

    def requeue_all(self) -> None:
        """Queues every draft again, in the original order, within the open transaction."""
        self._store.connection.execute("UPDATE draft SET state = 'waiting', place = NULL")

    def count(self, state: State) -> int:
        """Returns the number of drafts in a state."""
        row = self._store.connection.execute("SELECT count(*) FROM draft WHERE state = ?", (state,)).fetchone()
        return int(row[0])

    def drafts(self) -> Iterator[Authored]:
        """Returns every draft of this device, oldest first, in its state at the time of the call."""
        rows = self._store.connection.execute(f"SELECT {COLUMNS} FROM draft ORDER BY ordinal").fetchall()
        return map(_authored, rows)

    def find(self, draft_id: UUID) -> Authored | None:
        """Returns the draft with an id, or None if this device has written no draft with this id."""
        row = self._store.connection.execute(f"SELECT {COLUMNS} FROM draft WHERE id = ?", (str(draft_id),)).fetchone()
        return None if row is None else _authored(row)


def _authored(row: tuple[str, bytes, State, bytes | None]) -> Authored:
    """Returns the draft in a row of the table `draft`."""
    draft_id, encoded, state, receipt = row
    return Authored(
        id=UUID(draft_id),
        json=encoded,
        state=state,
        receipt=None if receipt is None else msgspec.json.decode(receipt, type=Receipt),
    )
