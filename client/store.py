"""The one SQLite file of a device: its transactions, and who the device is.

Owns durability. Every transaction is on the disk before it returns (WAL, synchronous=FULL), and a kill at any line
leaves the file as it was before or after one. Knows no network and no event.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import msgspec

from client import schema
from client.errors import AlreadyPaired, NotPaired


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who this device is, and where its service stands. `household` and `child` are known to a founder alone."""

    base_url: str
    token: str
    device: UUID
    family: UUID
    member: UUID
    household: UUID | None = None
    child: UUID | None = None


class Store:
    """An open device file. One thread uses it; several processes may open it at once."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it, readable to its owner alone: the token is inside."""
        self.path = path
        is_new = not path.exists()
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=10.0)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        with self.transaction():
            schema.prepare(self.connection)
        if is_new:
            self._keep_name()

    def _keep_name(self) -> None:
        """A new file survives a power cut only when its folder is on the disk too."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and on the disk at the end. Do not nest.

        It takes the write lock at once: a reader that turned writer halfway could act on what another process changed.
        """
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def fact(self, name: str) -> str | int | bytes | None:
        """A value by its name; None where it was never noted."""
        row = self.connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def note(self, name: str, value: str | int | bytes) -> None:
        """Keep a value by its name. Part of the transaction that is open, or one of its own."""
        self.connection.execute(
            "INSERT INTO fact VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
        )

    def identity(self) -> Identity:
        """Who this device is.

        Raises:
            NotPaired: nobody yet.
        """
        kept = self.fact("identity")
        if not isinstance(kept, bytes):
            raise NotPaired(path=self.path)
        return msgspec.json.decode(kept, type=Identity)

    def become(self, identity: Identity) -> None:
        """Say, once, who this device is.

        Raises:
            AlreadyPaired: it is somebody already.
        """
        with self.transaction():
            if self.is_paired():
                raise AlreadyPaired(path=self.path)
            self.note("identity", msgspec.json.encode(identity))

    def is_paired(self) -> bool:
        """Whether the file holds a device."""
        return self.fact("identity") is not None

    def close(self) -> None:
        """Close the file. What was recorded is on the disk already."""
        self.connection.close()
