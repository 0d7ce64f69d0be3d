"""Lists the boxes of an MP4, and refuses those that no cleaned file may have."""

from collections.abc import Iterator
from typing import Final

CONTAINERS: Final = frozenset({"moov", "trak", "mdia", "minf", "dinf", "stbl", "edts"})
ALLOWED: Final = frozenset(
    {
        "ftyp", "moov", "mdat", "mvhd", "trak", "tkhd", "edts", "elst", "mdia", "mdhd", "hdlr", "minf", "vmhd", "smhd", "dinf",
        "dref", "stbl", "stsd", "stts", "ctts", "cslg", "free", "stss", "stsc", "stsz", "stco", "co64", "sgpd", "sbgp", "sdtp",
    }
)  # fmt: skip


def boxes_of(content: bytes) -> list[str]:
    """Returns the path of each box, such as moov/trak/tkhd. Fails on a box that is not allowed."""
    found = list(_boxes(content, 0, len(content), ""))
    unknown = [path for path in found if path.rsplit("/", 1)[-1] not in ALLOWED]
    assert unknown == [], unknown
    return found


def _boxes(content: bytes, at: int, end: int, above: str) -> Iterator[str]:
    while at < end:
        size, name = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8].decode("latin-1")
        header = 8
        if size == 1:
            size, header = int.from_bytes(content[at + 8 : at + 16]), 16
        assert header <= size <= end - at, f"{above}{name}"
        if name == "free":
            assert not any(content[at + header : at + size]), "bytes in a free box"
        yield above + name
        if name in CONTAINERS:
            yield from _boxes(content, at + header, at + size, f"{above}{name}/")
        at += size
