"""Empties the boxes for user data that the MP4 muxer always writes (ISO/IEC 14496-12): each becomes free space of its size."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

CONTAINERS: Final = frozenset({b"moov", b"trak"})
EMPTIED: Final = frozenset({b"udta", b"meta", b"free", b"skip", b"uuid"})
ZEROS: Final = bytes(64 * 1024)


def empty_user_data(path: Path) -> None:
    """Turns the user data of a file into free space, filled with zeros. No other byte changes its place."""
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        for at, header, size in list(_user_data(file, 0, end)):
            file.seek(at + 4)
            file.write(b"free")
            file.seek(at + header)
            left = size - header
            while left > 0:
                left -= file.write(ZEROS[:left])


def _user_data(file: IO[bytes], at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yields each box to empty: where it is, the bytes of its header, and its size."""
    while at + 8 <= end:
        file.seek(at)
        head = file.read(16)
        size, name, header = int.from_bytes(head[:4]), head[4:8], 8
        if size == 1:
            size, header = int.from_bytes(head[8:16]), 16
        size = size or end - at
        if name in CONTAINERS:
            yield from _user_data(file, at + header, at + size)
        elif name in EMPTIED:
            yield at, header, size
        at += max(size, header)
