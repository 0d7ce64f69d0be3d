"""Reads the keys of objects: which piece of an upload, or which file of a family, an object is.

`uploads.piece_key` and `stored_files.file_key` make the keys.
"""

import re
from typing import Final
from uuid import UUID

import msgspec

from events.ids import ClipId, FamilyId

UUID_FORM: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PIECE: Final = re.compile(rf"({UUID_FORM})/uploads/({UUID_FORM})/(\d{{12}})-(\d+)")
FILE: Final = re.compile(rf"({UUID_FORM})/files/([0-9a-f]{{64}})")


class PieceObject(msgspec.Struct, frozen=True):
    """The object of a piece of an upload."""

    family: FamilyId
    clip: ClipId
    first_byte: int
    lease: int


class FileObject(msgspec.Struct, frozen=True):
    """The object of a served file."""

    family: FamilyId
    sha256: bytes


def read_key(key: str) -> PieceObject | FileObject | None:
    """Returns what an object is by its key; None for an object that is not ours."""
    if found := PIECE.fullmatch(key):
        return PieceObject(FamilyId(UUID(found[1])), ClipId(UUID(found[2])), int(found[3]), int(found[4]))
    if found := FILE.fullmatch(key):
        return FileObject(FamilyId(UUID(found[1])), bytes.fromhex(found[2]))
    return None
