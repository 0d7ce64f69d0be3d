"""The tables of a device file, and how a file of an earlier release comes to have them.

Owns the SQL of the schema. Knows no draft and no entry beyond their columns.
"""

import sqlite3
from typing import Final

import msgspec

VERSION: Final = 2

# `ordinal` is the order of authoring: an amendment must be offered after what it amends. AUTOINCREMENT keeps it so.
# `place` is where the author's own feed has a recorded draft.
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
    """Makes the tables, or brings those of an earlier release up to this one. Part of the transaction that is open."""
    connection.execute(FACT)
    kept = connection.execute("SELECT value FROM fact WHERE name = 'schema_version'").fetchone()
    match kept:
        case None:
            for statement in (DRAFT, *DRAFT_INDEXES, ENTRY):
                connection.execute(statement)
        case (1,):
            _from_1(connection)
        case _:
            return
    connection.execute(
        "INSERT INTO fact VALUES ('schema_version', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (VERSION,)
    )


def _from_1(connection: sqlite3.Connection) -> None:
    """Version 1 had the chain in each entry, no place of a draft, and none that was set aside."""
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
