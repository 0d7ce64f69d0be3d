"""Describes the files that are served: their keys, hashes and sizes. Reads a file, and no row."""

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from events.ids import FamilyId

COLUMNS: Final = ("rendition", "sha256", "length", "media_type", "width", "height")
"""The columns of a file's row, which are fields of `CleanFile`."""


class CleanFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that will be served. It is at `path` until it is an object."""

    rendition: str
    path: Path
    sha256: bytes
    length: int
    media_type: str
    width: int
    height: int


def file_key(family: FamilyId, sha256: bytes) -> str:
    """Returns the key of the object of a served file: by its content, within its family."""
    return f"{family}/files/{sha256.hex()}"


def file_of(rendition: str, path: Path, media_type: str, width: int, height: int) -> CleanFile:
    """Returns the description of a file. Reads the whole file for its hash."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").digest()
    return CleanFile(
        rendition=rendition, path=path, sha256=sha256, length=path.stat().st_size, media_type=media_type, width=width,
        height=height,
    )  # fmt: skip
