"""Stores the device's copy of its member's feed.

Owns the stored entries (places 1, 2, 3, ... without a gap), the chain's hash at the last entry, and the id of the entries' log.
Each entry is stored in the bytes that the service sent. Does not know the network.
"""

from collections.abc import Iterator

import msgspec

from client.errors import FeedDiverged, LogChanged
from client.responses import EntryHead, EventHead, FeedEntry, Page
from client.store import Store

# Reading this many entries at a time keeps memory use constant for a feed of years.
READ_AT_ONCE = 500

_entry = msgspec.json.Decoder(FeedEntry)
_head = msgspec.json.Decoder(EntryHead)


class Mirror:
    """The stored entries of one device file."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def place(self) -> int:
        """The place of the last stored entry, or 0. The next pull continues after this place."""
        row = self._store.connection.execute("SELECT max(place) FROM entry").fetchone()
        return int(row[0] or 0)

    @property
    def log(self) -> str | None:
        """The id of the log that the entries come from, or None before the first response. A restored log has another id."""
        stored = self._store.fact("log")
        return stored if isinstance(stored, str) else None

    @property
    def beginnings(self) -> int:
        """The number of restarts of this mirror. If the number grows, a reader must read from place 1 again."""
        stored = self._store.fact("beginnings")
        return stored if isinstance(stored, int) else 0

    @property
    def chain(self) -> str | None:
        """The chain's hash at the last stored entry, or None if the service has not stated a hash yet."""
        stored = self._store.fact("chain")
        return stored if isinstance(stored, str) else None

    def append(self, page: Page) -> None:
        """Stores a page that continues the stored entries. If the mirror has some of these entries already, compares them.

        Raises:
            LogChanged: the page comes from another log. Nothing was stored.
            FeedDiverged: the page leaves a gap, or differs from a stored entry or from the chain's hash. Nothing was stored.
        """
        with self._store.transaction() as connection:
            followed = self.log
            if followed is None:
                self.follow(page.log)
            elif followed != page.log:
                raise LogChanged(followed=followed, answered=page.log)
            held = self.place
            if page.after > held:
                raise FeedDiverged(place=held + 1, expected=f"place {held + 1}", found=f"place {page.after + 1}")
            self._compare(page, held=held)
            if page.place > held:
                new_entries = page.entries[held - page.after :]
                connection.executemany("INSERT INTO entry VALUES (?, ?)", [(entry.place, entry.json) for entry in new_entries])
            if page.place >= held:
                self._store.set_fact("chain", page.chain)

    def _compare(self, page: Page, *, held: int) -> None:
        """Compares a page with the stored feed: the chain's hash at the last stored place, and the entries up to that place.

        Raises:
            FeedDiverged: the page and the stored feed differ.
        """
        stated = page.chain_before if page.after == held else page.chain if page.place == held else None
        stored = self.chain
        if stored is not None and stated is not None and not (stored.startswith(stated) or stated.startswith(stored)):
            raise FeedDiverged(place=held, expected=f"chain {stored[:16]}", found=f"chain {stated[:16]}")
        overlap = page.entries[: held - page.after]
        for entry, row in zip(overlap, self.rows(page.after), strict=False):
            if entry.json != row:
                raise FeedDiverged(place=entry.place, expected=_describe(row), found=_describe(entry.json))

    def head_at(self, place: int) -> EventHead | None:
        """Returns the id and the author of the event at a place, or None if the mirror has no entry at this place."""
        row = self._store.connection.execute("SELECT json FROM entry WHERE place = ?", (place,)).fetchone()
        return None if row is None else _head.decode(row[0]).event

    def next_entry(self, after: int) -> FeedEntry | None:
        """Returns the first stored entry after a place, or None if the mirror has no further entry yet."""
        row = self._store.connection.execute("SELECT json FROM entry WHERE place > ? ORDER BY place LIMIT 1", (after,)).fetchone()
        return None if row is None else _entry.decode(row[0])

    def restart(self, log: str | None) -> None:
        """Deletes every entry and follows another log, within the open transaction."""
        self._store.connection.execute("DELETE FROM entry")
        self._store.connection.execute("DELETE FROM fact WHERE name = 'chain'")
        self._store.set_fact("beginnings", self.beginnings + 1)
        self.follow(log)

    def follow(self, log: str | None) -> None:
        """Stores the id of the log to follow. If it is None, the mirror follows the log that the next response states."""
        if log is None:
            self._store.connection.execute("DELETE FROM fact WHERE name = 'log'")
        else:
            self._store.set_fact("log", log)

    def rows(self, after: int = 0) -> Iterator[bytes]:
        """Yields the stored entries after a place, each in the bytes that the service sent."""
        while True:
            rows = self._store.connection.execute(
                "SELECT place, json FROM entry WHERE place > ? ORDER BY place LIMIT ?", (after, READ_AT_ONCE)
            ).fetchall()
            if not rows:
                return
            for place, encoded in rows:
                yield encoded
                after = place

    def entries(self, after: int = 0) -> Iterator[FeedEntry]:
        """Returns the stored entries after a place, in the order of the feed."""
        return map(_entry.decode, self.rows(after))


def _describe(encoded: bytes) -> str:
    """Returns the text by which an error message names an entry."""
    return f"event {_head.decode(encoded).event.id}"
