"""Reads the golden rows: one row of the log for each type and version of all releases, as its release wrote it.

Golden rows are never edited, because the rows in a family's log cannot be changed either. A new version adds a file, and the old
file stays.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = Path(__file__).parent / "golden"
SUMS: Final = FOLDER / "SHA256SUMS"


class Golden(NamedTuple):
    """A row of the log: its columns `kind` and `version`, and its bytes."""

    kind: str
    version: int
    body: bytes

    @property
    def name(self) -> str:
        return f"{self.kind}.v{self.version}.json"


def _read(path: Path) -> Golden:
    kind, _, version = path.stem.partition(".v")
    return Golden(kind, int(version), path.read_bytes())


GOLDEN: Final = tuple(_read(path) for path in sorted(FOLDER.glob("*.json")))


def sum_of(golden: Golden) -> str:
    """Returns the checksum line of a row, in the format of `sha256sum`."""
    return f"{sha256(golden.body).hexdigest()}  {golden.name}"
