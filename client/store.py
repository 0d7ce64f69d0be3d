"""Opens the SQLite file of a device, and provides its transactions and the device's identity.

Owns durability. A committed transaction is on the disk (WAL, synchronous=FULL). If the process is killed in a transaction, the
file has all changes of that transaction or none. Does not know the network or events.
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
    """The identity of a device: its ids, its token, and the address of the service.

    `household` and `child` are set only on the device that founded the family.
    """

    base_url: str
    token: str
    device: UUID
    family: UUID
    member: UUID
    household: UUID | None = None
    child: UUID | None = None


class Store:
    """An open device file, for use in one thread. Several processes may open the same file at once."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the file. A new file is readable by its owner alone, because it contains the token."""
        self.path = path
        is_new = not path.exists()
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=10.0)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        with self.transaction():
            schema.prepare(self.connection)
        if is_new:
            self._sync_folder()

    def _sync_folder(self) -> None:
        """Writes the folder of a new file to the disk, because otherwise the file may be missing after a power cut."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Opens a transaction. All of its changes are stored or none, and they are on the disk at its end. It cannot be nested.

        The transaction takes the write lock at its start, so that its first reads are still valid when it writes.
        """
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def fact(self, name: str) -> str | int | bytes | None:
        """Returns the value that is stored under a name, or None."""
        row = self.connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def set_fact(self, name: str, value: str | int | bytes) -> None:
        """Stores a value under a name, within the open transaction, or in a transaction of its own if none is open."""
        self.connection.execute(
            "INSERT INTO fact VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
        )

    def identity(self) -> Identity:
        """Returns the identity of this device.

        Raises:
            NotPaired: the file has no identity yet.
        """
        stored = self.fact("identity")
        if not isinstance(stored, bytes):
            raise NotPaired(path=self.path)
        return msgspec.json.decode(stored, type=Identity)

    def set_identity(self, identity: Identity) -> None:
        """Stores the identity of this device, which cannot be changed later.

        Raises:
            AlreadyPaired: the file already has an identity.
        """
        with self.transaction():
            if self.is_paired():
                raise AlreadyPaired(path=self.path)
            self.set_fact("identity", msgspec.json.encode(identity))

    def is_paired(self) -> bool:
        """Returns whether the file has an identity."""
        return self.fact("identity") is not None

    def close(self) -> None:
        """Closes the file. All transactions are already on the disk."""
        self.connection.close()
