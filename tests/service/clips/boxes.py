"""Lists the boxes of an MP4, and refuses those that no cleaned file may have, and every field that may state who, when or where.

Knows nothing of the cleaning: has a list of its own, by ISO/IEC 14496-12 and the registry of MP4.
"""

from collections.abc import Iterator
from typing import Final

ENTRIES: Final = {"avc1": 78, "hvc1": 78, "av01": 78, "vp09": 78, "mp4a": 28, "Opus": 28}
CONTAINERS: Final = {"moov": 0, "trak": 0, "mdia": 0, "minf": 0, "dinf": 0, "stbl": 0, "edts": 0, "stsd": 8, **ENTRIES}
"""Box -> the bytes before the first box inside."""
ALLOWED: Final = frozenset(
    {
        "ftyp", "moov", "mdat", "mvhd", "trak", "tkhd", "edts", "elst", "mdia", "mdhd", "hdlr", "minf", "vmhd", "smhd", "dinf",
        "dref", "stbl", "stsd", "stts", "ctts", "cslg", "free", "stss", "stsc", "stsz", "stco", "co64", "sgpd", "sbgp", "sdtp",
        *ENTRIES, "avcC", "hvcC", "av1C", "vpcC", "pasp", "colr", "fiel", "mdcv", "clli", "btrt", "esds", "dOps",
    }
)  # fmt: skip
UNDETERMINED: Final = b"\x55\xc4"
"""The language "und", packed (8.4.2.3)."""


def boxes_of(content: bytes) -> list[str]:
    """Returns the path of each box, such as moov/trak/tkhd. Fails on a box or a value that is not allowed."""
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
        _check(name, content[at + header : at + size])
        yield above + name
        if name in CONTAINERS:
            yield from _boxes(content, at + header + CONTAINERS[name], at + size, f"{above}{name}/")
        at += size


def _check(name: str, inner: bytes) -> None:
    """Checks the fields of one box that have room for words or times."""
    match name:
        case "free":
            assert not any(inner), "bytes in a free box"
        case "mvhd" | "tkhd" | "mdhd":
            times = inner[4:12] if inner[0] == 0 else inner[4:20]
            assert not any(times), f"a time in {name}"
            if name == "mdhd":
                assert inner[-4:-2] == UNDETERMINED, "a language"
        case "hdlr":
            assert inner[8:12] in (b"vide", b"soun"), f"a track of {inner[8:12]!r}"
            assert not any(inner[12:]), "a name of a handler"
        case "dref":
            assert inner[4:] == b"\0\0\0\1\0\0\0\x0curl \0\0\0\1", "a reference to another file"
        case "colr":
            assert inner[:4] == b"nclx", "a colour profile"
        case "avc1" | "hvc1" | "av01" | "vp09":
            assert not any(inner[42:74]), "a name of an encoder"
        case "stsd":
            assert inner[4:8] == b"\0\0\0\1", "more than one entry"
        case "moov":
            assert inner.count(b"tkhd") <= 2, "more than two tracks"
        case _:
            assert name != "mdat" or inner, "no pictures"
