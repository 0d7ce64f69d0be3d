"""The device's copy of its member's feed.

Owns which entries are held: places 1, 2, 3, ... without a hole, the chain at the last of them, and the one incarnation of the
log that they come from. Entries are kept in the bytes that came. Knows no network.
"""

from collections.abc import Iterator

import msgspec

from client.answers import EntryHead, EventHead, FeedEntry, Page
from client.errors import FeedDiverged, LogChanged
from client.store import Store

# A read of this many entries keeps memory flat over a feed of years.
READ_AT_ONCE = 500

_entry = msgspec.json.Decoder(FeedEntry)
_named = msgspec.json.Decoder(EntryHead)


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

    @property
    def chain(self) -> str | None:
        """The chain at the last place held; None where none was stated yet."""
        kept = self._store.fact("chain")
        return kept if isinstance(kept, str) else None

    def append(self, page: Page) -> None:
        """Hold a stretch of the feed that continues it; entries that are held already are compared, not kept twice.

        Raises:
            LogChanged: another incarnation of the log is followed. Nothing was kept.
            FeedDiverged: it leaves a hole, has another entry than is held, or another chain. Nothing was kept.
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
                fresh = page.entries[held - page.after :]
                connection.executemany("INSERT INTO entry VALUES (?, ?)", [(entry.place, entry.json) for entry in fresh])
            if page.place >= held:
                self._store.note("chain", page.chain)

    def _compare(self, page: Page, *, held: int) -> None:
        """Compares what is known of both: the chain at the last place held, and the entries up to there.

        Raises:
            FeedDiverged
        """
        stated = page.chain_before if page.after == held else page.chain if page.place == held else None
        kept = self.chain
        if kept is not None and stated is not None and not (kept.startswith(stated) or stated.startswith(kept)):
            raise FeedDiverged(place=held, expected=f"chain {kept[:16]}", found=f"chain {stated[:16]}")
        again = page.entries[: held - page.after]
        for entry, row in zip(again, self.rows(page.after), strict=False):
            if entry.json != row:
                raise FeedDiverged(place=entry.place, expected=_name_of(row), found=_name_of(entry.json))

    def names_at(self, place: int) -> EventHead | None:
        """The id and the author of the event at a place; None where no entry is held there."""
        row = self._store.connection.execute("SELECT json FROM entry WHERE place = ?", (place,)).fetchone()
        return None if row is None else _named.decode(row[0]).event

    def next_entry(self, after: int) -> FeedEntry | None:
        """The first held entry after a place; None where the feed ends there, so far."""
        row = self._store.connection.execute("SELECT json FROM entry WHERE place > ? ORDER BY place LIMIT 1", (after,)).fetchone()
        return None if row is None else _entry.decode(row[0])

    def begin_anew(self, log: str | None) -> None:
        """Drop every entry and follow another incarnation of the log. Part of the transaction that is open."""
        self._store.connection.execute("DELETE FROM entry")
        self._store.connection.execute("DELETE FROM fact WHERE name = 'chain'")
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

    def entries(self, after: int = 0) -> Iterator[FeedEntry]:
        """The held entries after a place, in the order in which this member was told."""
        return map(_entry.decode, self.rows(after))


def _name_of(encoded: bytes) -> str:
    """What an entry is called in the words of an error."""
    return f"event {_named.decode(encoded).event.id}"
