"""The device's copy of its member's feed.

Owns which entries are held: places 1, 2, 3, ... without a hole, and the one incarnation of the log that they come from.
Entries are kept in the bytes that came. Knows no network.
"""

from collections.abc import Iterator, Sequence

import msgspec

from client.answers import Entry, RawEntry
from client.errors import FeedDiverged, LogChanged
from client.store import Store

# A read of this many entries keeps memory flat over a feed of years.
READ_AT_ONCE = 500

_entry = msgspec.json.Decoder(Entry)


class Mirror:
    """The held entries of one device file."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def place(self) -> int:
        """The last place held; 0 where there is none. It is where the next pull goes on."""
        row = self._store.connection.execute("SELECT max(place) FROM entry").fetchone()
        return int(row[0] or 0)

    @property
    def log(self) -> str | None:
        """The incarnation of the log that the entries come from; None before the first answer."""
        kept = self._store.fact("log")
        return kept if isinstance(kept, str) else None

    @property
    def beginnings(self) -> int:
        """How often this mirror was begun anew. A reader who sees it change has to read from place 1 again."""
        kept = self._store.fact("beginnings")
        return kept if isinstance(kept, int) else 0

    def chain_at(self, place: int) -> str | None:
        """The chain at a place; None where it is not held."""
        row = self._store.connection.execute("SELECT chain FROM entry WHERE place = ?", (place,)).fetchone()
        return None if row is None else str(row[0])

    def append(self, entries: Sequence[RawEntry], *, log: str) -> None:
        """Hold entries of this log that continue the feed; those that are held already are compared, not kept twice.

        Raises:
            LogChanged: another incarnation of the log is followed. Nothing was kept.
            FeedDiverged: an entry leaves a hole, or is another one than is held. Nothing was kept.
        """
        with self._store.transaction() as connection:
            followed = self.log
            if followed is None:
                self.follow(log)
            elif followed != log:
                raise LogChanged(followed=followed, answered=log)
            held = self.place
            fresh: list[RawEntry] = []
            for entry in entries:
                if entry.place == held + 1:
                    fresh.append(entry)
                    held += 1
                elif entry.place > held:
                    raise FeedDiverged(place=held + 1, expected=f"place {held + 1}", found=f"place {entry.place}")
                elif (kept := self.chain_at(entry.place)) != entry.chain:
                    raise FeedDiverged(place=entry.place, expected=kept or "no such place", found=entry.chain)
            connection.executemany(
                "INSERT INTO entry VALUES (?, ?, ?)", [(entry.place, entry.chain, entry.json) for entry in fresh]
            )

    def next_entry(self, after: int) -> Entry | None:
        """The first held entry after a place; None where the feed ends there, so far."""
        row = self._store.connection.execute("SELECT json FROM entry WHERE place > ? ORDER BY place LIMIT 1", (after,)).fetchone()
        return None if row is None else _entry.decode(row[0])

    def begin_anew(self, log: str | None) -> None:
        """Drop every entry and follow another incarnation of the log. Part of the transaction that is open."""
        self._store.connection.execute("DELETE FROM entry")
        self._store.note("beginnings", self.beginnings + 1)
        self.follow(log)

    def follow(self, log: str | None) -> None:
        """Note which incarnation of the log is followed; None: whichever answers next."""
        if log is None:
            self._store.connection.execute("DELETE FROM fact WHERE name = 'log'")
        else:
            self._store.note("log", log)

    def rows(self, after: int = 0) -> Iterator[bytes]:
        """The held entries after a place, each in the very bytes that came."""
        while True:
            rows = self._store.connection.execute(
                "SELECT place, json FROM entry WHERE place > ? ORDER BY place LIMIT ?", (after, READ_AT_ONCE)
            ).fetchall()
            if not rows:
                return
            for place, encoded in rows:
                yield encoded
                after = place

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """The held entries after a place, in the order in which this member was told."""
        return map(_entry.decode, self.rows(after))
