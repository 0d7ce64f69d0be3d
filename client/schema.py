"""Creates the tables of a device file, and migrates the file of an earlier release.

Owns the SQL of the schema. Does not know drafts or entries beyond their columns.
"""

import sqlite3
from typing import Final

import msgspec

VERSION: Final = 2

# `ordinal` is the order of writing: an amendment must be pushed after its target. AUTOINCREMENT guarantees the order.
# `place` is the place of a recorded draft in its author's feed.
DRAFT: Final = """CREATE TABLE draft (
         ordinal  INTEGER PRIMARY KEY AUTOINCREMENT,
         id       TEXT NOT NULL UNIQUE,
         json     BLOB NOT NULL,
         state    TEXT NOT NULL CHECK (state IN ('waiting', 'recorded', 'refused', 'set_aside')),
         receipt  BLOB,
         place    INTEGER) STRICT"""
DRAFT_INDEXES: Final = (
    "CREATE INDEX draft_waiting ON draft (ordinal) WHERE state = 'waiting'",
    "CREATE INDEX draft_set_aside ON draft (ordinal) WHERE state = 'set_aside'",
    "CREATE INDEX draft_place ON draft (place) WHERE place IS NOT NULL",
)
ENTRY: Final = "CREATE TABLE entry (place INTEGER PRIMARY KEY, json BLOB NOT NULL) STRICT"
FACT: Final = "CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID"

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def prepare(connection: sqlite3.Connection) -> None:
    """Creates the tables, or migrates those of an earlier release, within the open transaction."""
    connection.execute(FACT)
    stored = connection.execute("SELECT value FROM fact WHERE name = 'schema_version'").fetchone()
    match stored:
        case None:
            for statement in (DRAFT, *DRAFT_INDEXES, ENTRY):
                connection.execute(statement)
        case (1,):
            _migrate_from_1(connection)
        case _:
            return
    connection.execute(
        "INSERT INTO fact VALUES ('schema_version', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (VERSION,)
    )


def _migrate_from_1(connection: sqlite3.Connection) -> None:
    """Migrates from version 1, in which entries had a `chain`, drafts had no `place`, and the state `set_aside` did not exist."""
    connection.execute("INSERT INTO fact SELECT 'chain', chain FROM entry ORDER BY place DESC LIMIT 1")
    connection.execute("ALTER TABLE entry RENAME TO entry_1")
    connection.execute(ENTRY)
    for place, encoded in connection.execute("SELECT place, json FROM entry_1 ORDER BY place"):
        fields = _fields.decode(encoded)
        fields.pop("chain", None)
        connection.execute("INSERT INTO entry VALUES (?, ?)", (place, msgspec.json.encode(fields)))
    connection.execute("DROP TABLE entry_1")
    connection.execute("DROP INDEX draft_waiting")
    connection.execute("ALTER TABLE draft RENAME TO draft_1")
    connection.execute(DRAFT)
    connection.execute(
        "INSERT INTO draft SELECT ordinal, id, json, state, receipt, "
        "CASE WHEN state = 'recorded' THEN json_extract(CAST(receipt AS TEXT), '$.place') END FROM draft_1 ORDER BY ordinal"
    )
    connection.execute("DROP TABLE draft_1")
    for statement in DRAFT_INDEXES:
        connection.execute(statement)
