"""Empties every box of an MP4 that is not on a list (ISO/IEC 14496-12): each becomes free space of its size.

The library writes boxes for user data in any case, and others for what it knew of the source: the second is why the list names
what stays, and not what goes. No other byte changes its place.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final

ZEROS: Final = bytes(64 * 1024)

PICTURE_ENTRIES: Final = ("avc1", "hvc1", "av01", "vp09")
SOUND_ENTRIES: Final = ("mp4a", "Opus")
# The bytes before the first box inside: version, flags and a count; a picture's or a sound's fields (12.1.3, 12.2.3).
FIELDS_BYTES: Final = {"stsd": 8, **dict.fromkeys(PICTURE_ENTRIES, 78), **dict.fromkeys(SOUND_ENTRIES, 28)}
LISTED: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"ftyp", "moov", "mdat", "free"}),
    "moov": frozenset({"mvhd", "trak"}),
    "trak": frozenset({"tkhd", "edts", "mdia"}),
    "edts": frozenset({"elst"}),
    "mdia": frozenset({"mdhd", "hdlr", "minf"}),
    "minf": frozenset({"vmhd", "smhd", "dinf", "stbl"}),
    "dinf": frozenset({"dref"}),
    "stbl": frozenset({"stsd", "stts", "ctts", "cslg", "stss", "stsc", "stsz", "stco", "co64", "sgpd", "sbgp", "sdtp"}),
    "stsd": frozenset({*PICTURE_ENTRIES, *SOUND_ENTRIES}),
    **dict.fromkeys(PICTURE_ENTRIES, frozenset({"avcC", "hvcC", "av1C", "vpcC", "pasp", "colr", "fiel", "mdcv", "clli", "btrt"})),
    **dict.fromkeys(SOUND_ENTRIES, frozenset({"esds", "dOps", "btrt"})),
}  # fmt: skip
"""The boxes that stay in each box."""
NUMBERS_ALONE: Final = b"nclx"
"""The kind of a `colr` box that names colours by numbers. The other kinds are a profile, which can name a device."""


def empty_unlisted(path: Path) -> None:
    """Turns the boxes of a file that are not listed into free space, filled with zeros."""
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        for at, header, size in list(_unlisted(file, 0, end, "")):
            file.seek(at + 4)
            file.write(b"free")
            file.seek(at + header)
            left = size - header
            while left > 0:
                left -= file.write(ZEROS[:left])


def _unlisted(file: IO[bytes], at: int, end: int, above: str) -> Iterator[tuple[int, int, int]]:
    """Yields each box to empty: where it is, the bytes of its header, and its size."""
    while at + 8 <= end:
        file.seek(at)
        head = file.read(16)
        size, name, header = int.from_bytes(head[:4]), head[4:8].decode("latin-1"), 8
        if size == 1:
            size, header = int.from_bytes(head[8:16]), 16
        size = size or end - at
        if name not in LISTED[above] or (name == "colr" and head[8:12] != NUMBERS_ALONE):
            yield at, header, size
        elif name in LISTED:
            yield from _unlisted(file, at + header + FIELDS_BYTES.get(name, 0), at + size, name)
        at += max(size, header)
