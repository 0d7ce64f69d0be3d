"""Tests the migration of a device's file from an earlier release."""

import sqlite3
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from client.device import Device
from client.outbox import draft_json
from client.responses import Receipt
from tests.client.conftest import ADA, fixed_world

VERSION_1 = """
CREATE TABLE draft (
  ordinal  INTEGER PRIMARY KEY AUTOINCREMENT,
  id       TEXT NOT NULL UNIQUE,
  json     BLOB NOT NULL,
  state    TEXT NOT NULL CHECK (state IN ('waiting', 'recorded', 'refused')),
  receipt  BLOB) STRICT;
CREATE INDEX draft_waiting ON draft (ordinal) WHERE state = 'waiting';
CREATE TABLE entry (place INTEGER PRIMARY KEY, chain TEXT NOT NULL, json BLOB NOT NULL) STRICT;
CREATE TABLE fact (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO fact VALUES ('schema_version', 1), ('log', 'L1');
"""
RECORDED, REFUSED, WAITING = (UUID(int=(7 << 76) | (2 << 62) | number) for number in (1, 2, 3))


def draft(draft_id: UUID) -> bytes:
    now = fixed_world().now()
    event = {"type": "NoteWritten", "text": str(draft_id)}
    return draft_json(
        draft_id=draft_id, event=event, occurred_at=now, recorded_at=now, precision="minute", audience=None
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Returns the path of a file that has the format of the previous release."""
    path = tmp_path / "ada.device"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(VERSION_1)
    connection.execute("INSERT INTO fact VALUES ('identity', ?)", (msgspec.json.encode(ADA),))
    for place in (1, 2):
        entry = b'{"place":%d,"told_at":"2026-11-21T18:03:11Z","released":null,"chain":"c%d","event":{"id":"e"}}' % (place, place)
        connection.execute("INSERT INTO entry VALUES (?, ?, ?)", (place, f"{place:016}", entry))
    receipts = {
        RECORDED: ("recorded", Receipt(id=RECORDED, outcome="recorded", place=2)),
        REFUSED: ("refused", Receipt(id=REFUSED, outcome="refused")),
        WAITING: ("waiting", None),
    }
    for draft_id, (state, receipt) in receipts.items():
        connection.execute(
            "INSERT INTO draft (id, json, state, receipt) VALUES (?, ?, ?, ?)",
            (str(draft_id), draft(draft_id), state, None if receipt is None else msgspec.json.encode(receipt)),
        )
    connection.close()
    return path


def test_a_file_of_the_release_before_keeps_its_drafts_and_its_entries(path: Path) -> None:
    """Law 1: the migration keeps all drafts and entries. It removes the chain from each entry, and stores only the last chain."""
    for _ in range(2):
        device = Device.open(path, world=fixed_world())
        drafts = list(device.drafts())
        assert [(one.id, one.state, one.json) for one in drafts] == [
            (RECORDED, "recorded", draft(RECORDED)),
            (REFUSED, "refused", draft(REFUSED)),
            (WAITING, "waiting", draft(WAITING)),
        ]
        assert (device.outbox.last_place(), device.outbox.recorded_ids(after=1, to=2)) == (2, {2: RECORDED})
        assert (device.mirror.place, device.mirror.chain, device.mirror.log) == (2, f"{2:016}", "L1")
        assert b'{"place":1,"told_at":"2026-11-21T18:03:11Z","released":null,"event":{"id":"e"}}\n' in device.transcript()
        assert b"chain" not in device.transcript()
        device.store.close()
    device = Device.open(path, world=fixed_world())
    last = device.record({"type": "NoteWritten", "text": "written by this release"})
    assert [authored.id for authored in device.outbox.next_batch()] == [WAITING, last]
    device.store.close()
