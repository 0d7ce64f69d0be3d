"""Reads the golden rows: for each event type and version, one row of the log in the bytes that its release wrote.

Golden rows are never edited, because the rows in a family's log cannot be changed either. So the name of a row's file states the
checksum of its bytes. A new version adds a file beside the old file. This command adds the row of a new type or version:

    python -m tests.events.golden_rows < event.json
"""

import sys
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from events.wire import AnyEvent, bytes_of_event

FOLDER: Final = Path(__file__).parent / "golden"
CHECKSUM_DIGITS: Final = 16


class Golden(NamedTuple):
    """A row of the log: its columns `kind` and `version`, its bytes, and the checksum that its file's name states."""

    kind: str
    version: int
    checksum: str
    body: bytes

    @property
    def name(self) -> str:
        return f"{self.kind}.v{self.version}.json"


def _read(path: Path) -> Golden:
    kind, version, checksum = path.stem.split(".")
    return Golden(kind, int(version.removeprefix("v")), checksum, path.read_bytes())


GOLDEN: Final = tuple(_read(path) for path in sorted(FOLDER.glob("*.json")))


def checksum_of(body: bytes) -> str:
    """Returns the checksum of a row: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(body).hexdigest()[:CHECKSUM_DIGITS]


def add(written: bytes) -> Path:
    """Writes an event as the golden row of its type's current version, in the bytes that the log stores. Returns the file.

    `written` is the event in JSON.

    Raises:
        FileExistsError: this version already has a golden row.
    """
    event = msgspec.json.decode(written, type=AnyEvent)
    name = f"{type(event.event).__name__}.v{event.event.version}"
    if any(FOLDER.glob(f"{name}.*")):
        raise FileExistsError(f"{name} has its golden row, which is never edited")
    body = bytes_of_event(event)
    path = FOLDER / f"{name}.{checksum_of(body)}.json"
    path.write_bytes(body)
    return path


if __name__ == "__main__":
    print(add(sys.stdin.buffer.read()))
