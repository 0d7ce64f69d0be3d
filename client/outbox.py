"""Every draft that this device ever authored, and what became of each.

Owns the outbox. Nothing leaves it: a recorded draft stays, so that it can be offered again to a service that was
restored to an earlier day. Knows no network and no clock.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from client.answers import Receipt
from client.errors import DraftIdReused, DraftTooLarge, NaiveTime
from client.store import Store

# The three bounds of a push, from the protocol's section Sync.
DRAFTS_MAX = 256
PUSH_BYTES_MAX = 1024 * 1024
DRAFT_BYTES_MAX = 64 * 1024

# {"sent_at":"2026-11-21T18:03:11.120000+01:00","drafts":[]} is 60 bytes.
ENVELOPE_BYTES = 128

State = Literal["waiting", "recorded", "refused", "set_aside"]

COLUMNS = "id, json, state, receipt"


class Authored(msgspec.Struct, frozen=True, kw_only=True):
    """One draft of this device: the bytes as they are pushed, and its receipt once there is one."""

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
    """A draft in the bytes that are kept and pushed: keys sorted, so that the same draft is the same bytes.

    `audience` None leaves it out: the event type's own then holds.

    Raises:
        NaiveTime: a time has no offset.
        DraftTooLarge: it is longer than 64 KiB.
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
    """How many of these drafts, taken from the front, one push may carry. At least 1 where there is any."""
    room_bytes = push_bytes_max - ENVELOPE_BYTES
    for count, size_bytes in enumerate(sizes_bytes[:DRAFTS_MAX]):
        room_bytes -= size_bytes + 1
        if room_bytes < 0:
            return max(count, 1)
    return min(len(sizes_bytes), DRAFTS_MAX)


def push_body(drafts: Sequence[Authored], *, sent_at: datetime) -> bytes:
    """The body of one push."""
    return b'{"sent_at":%b,"drafts":[%b]}' % (
        msgspec.json.encode(sent_at.isoformat()),
        b",".join(authored.json for authored in drafts),
    )


class Outbox:
    """The drafts of one device file, in the order of authoring."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, draft_id: UUID, encoded: bytes) -> None:
        """Keep a draft. It is on the disk when this returns. The same draft twice is one.

        Raises:
            DraftIdReused: the id names other content already.
        """
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO draft (id, json, state) VALUES (?, ?, 'waiting') ON CONFLICT (id) DO NOTHING",
                (str(draft_id), encoded),
            )
            kept = connection.execute("SELECT json FROM draft WHERE id = ?", (str(draft_id),)).fetchone()
            if kept[0] != encoded:
                raise DraftIdReused(draft=draft_id)

    def next_batch(self, *, push_bytes_max: int = PUSH_BYTES_MAX) -> tuple[Authored, ...]:
        """The oldest waiting drafts, as many as one push may carry, and at least one. Empty where none waits."""
        rows = self._store.connection.execute(
            f"SELECT {COLUMNS} FROM draft WHERE state = 'waiting' ORDER BY ordinal LIMIT ?", (DRAFTS_MAX,)
        ).fetchall()
        drafts = tuple(_authored(row) for row in rows)
        return drafts[: count_that_fits([len(authored.json) for authored in drafts], push_bytes_max=push_bytes_max)]

    def smallest_aside(self) -> Authored | None:
        """The smallest of the drafts that were set aside; None where there is none."""
        row = self._store.connection.execute(
            f"SELECT {COLUMNS} FROM draft WHERE state = 'set_aside' ORDER BY length(json), ordinal LIMIT 1"
        ).fetchone()
        return None if row is None else _authored(row)

    def settle(self, receipts: Sequence[Receipt]) -> None:
        """Note what became of drafts. Part of the transaction that is open."""
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
        """The last place that a receipt named; 0 where there is none. The feed reaches at least as far."""
        row = self._store.connection.execute("SELECT max(place) FROM draft WHERE place IS NOT NULL").fetchone()
        return int(row[0] or 0)

    def recorded_at(self, *, after: int, to: int) -> dict[int, UUID]:
        """The drafts that receipts put behind one place and up to another, by their places."""
        rows = self._store.connection.execute("SELECT place, id FROM draft WHERE place > ? AND place <= ?", (after, to))
        return {place: UUID(draft_id) for place, draft_id in rows}

    def offer_again(self, draft_id: UUID) -> None:
        """Let one draft wait again: a refusal may have had a reason that has passed."""
        with self._store.transaction() as connection:
            connection.execute("UPDATE draft SET state = 'waiting' WHERE id = ?", (str(draft_id),))

    def offer_asides_again(self) -> None:
        """Let what was set aside wait again, and what the service could not place without it. Part of the open transaction."""
        self._store.connection.execute(
            """UPDATE draft SET state = 'waiting'
                WHERE state = 'set_aside'
                   OR state = 'refused' AND instr(CAST(receipt AS TEXT), '"event.unknown_target"')"""
        )

    def offer_all_again(self) -> None:
        """Let every draft ever authored wait again, in its old order. Part of the transaction that is open."""
        self._store.connection.execute("UPDATE draft SET state = 'waiting', place = NULL")

    def count(self, state: State) -> int:
        """How many drafts stand so."""
        row = self._store.connection.execute("SELECT count(*) FROM draft WHERE state = ?", (state,)).fetchone()
        return int(row[0])

    def drafts(self) -> Iterator[Authored]:
        """Every draft ever authored, oldest first, as they stood when this was called."""
        rows = self._store.connection.execute(f"SELECT {COLUMNS} FROM draft ORDER BY ordinal").fetchall()
        return map(_authored, rows)

    def find(self, draft_id: UUID) -> Authored | None:
        """One draft by its id; None where this device never authored it."""
        row = self._store.connection.execute(f"SELECT {COLUMNS} FROM draft WHERE id = ?", (str(draft_id),)).fetchone()
        return None if row is None else _authored(row)


def _authored(row: tuple[str, bytes, State, bytes | None]) -> Authored:
    """A row as a value."""
    draft_id, encoded, state, receipt = row
    return Authored(
        id=UUID(draft_id),
        json=encoded,
        state=state,
        receipt=None if receipt is None else msgspec.json.decode(receipt, type=Receipt),
    )
