"""Lists the elements of a WebM, and refuses those that no cleaned file may have. Its list is of RFC 9559, not of the cleaning."""

from collections.abc import Iterator
from typing import Final

CONTAINERS: Final = {
    0x1A45DFA3: "EBML", 0x18538067: "Segment", 0x114D9B74: "SeekHead", 0x4DBB: "Seek", 0x1549A966: "Info", 0x1654AE6B: "Tracks",
    0xAE: "TrackEntry", 0xE0: "Video", 0xE1: "Audio", 0x55B0: "Colour", 0x55D0: "MasteringMetadata", 0x1C53BB6B: "Cues",
    0xBB: "CuePoint", 0xB7: "CueTrackPositions", 0x1F43B675: "Cluster", 0xA0: "BlockGroup", 0x1254C367: "Tags", 0x7373: "Tag",
    0x63C0: "Targets", 0x67C8: "SimpleTag", 0x7670: "Projection",
}  # fmt: skip
VALUES: Final = {
    0x4286: "EBMLVersion", 0x42F7: "EBMLReadVersion", 0x42F2: "EBMLMaxIDLength", 0x42F3: "EBMLMaxSizeLength", 0x4282: "DocType",
    0x4287: "DocTypeVersion", 0x4285: "DocTypeReadVersion", 0xEC: "Void", 0x53AB: "SeekID", 0x53AC: "SeekPosition",
    0x2AD7B1: "TimestampScale", 0x4D80: "MuxingApp", 0x5741: "WritingApp", 0x4489: "Duration", 0xD7: "TrackNumber",
    0x73C5: "TrackUID", 0x9C: "FlagLacing", 0x22B59C: "Language", 0x86: "CodecID", 0x83: "TrackType", 0x56AA: "CodecDelay",
    0x56BB: "SeekPreRoll", 0x23E383: "DefaultDuration", 0xB0: "PixelWidth", 0xBA: "PixelHeight", 0x9A: "FlagInterlaced",
    0x54B0: "DisplayWidth", 0x54BA: "DisplayHeight", 0x54B2: "DisplayUnit", 0x55B1: "MatrixCoefficients",
    0x55B2: "BitsPerChannel",
    0x55B3: "ChromaSubsamplingHorz", 0x55B4: "ChromaSubsamplingVert", 0x55B7: "ChromaSitingHorz", 0x55B8: "ChromaSitingVert",
    0x55B9: "Range", 0x55BA: "TransferCharacteristics", 0x55BB: "Primaries", 0xB5: "SamplingFrequency", 0x9F: "Channels",
    0x6264: "BitDepth", 0x63A2: "CodecPrivate", 0xB3: "CueTime", 0xF7: "CueTrack", 0xF1: "CueClusterPosition",
    0xF0: "CueRelativePosition", 0xB2: "CueDuration", 0xE7: "Timestamp", 0xA3: "SimpleBlock", 0xA1: "Block",
    0x9B: "BlockDuration",
    0xFB: "ReferenceBlock", 0x75A2: "DiscardPadding", 0x63C5: "TagTrackUID", 0x45A3: "TagName", 0x4487: "TagString",
    0x447A: "TagLanguage", 0x4484: "TagDefault", 0x7671: "ProjectionType", 0x7675: "ProjectionPoseRoll", 0x88: "FlagDefault",
    0x7673: "ProjectionPoseYaw", 0x7674: "ProjectionPosePitch",
}  # fmt: skip
WORDS: Final = {
    "MuxingApp": {b"Lavf"}, "WritingApp": {b"Lavf"}, "Language": {b"und", b"eng"}, "TagName": {b"DURATION"}, "DocType": {b"webm"},
    "TagLanguage": {b"und"},
}  # fmt: skip
"""The values that an element of text may have."""


def elements_of(content: bytes) -> list[str]:
    """Returns the path of each element, such as Segment/Tracks/TrackEntry. Fails on an element or a text that is not allowed."""
    return list(_elements(content, 0, len(content), ""))


def _elements(content: bytes, at: int, end: int, above: str) -> Iterator[str]:
    while at < end:
        kind, first = _number(content, at, keeps_marker=True)
        size, first = _number(content, first, keeps_marker=False)
        assert first + size <= end, f"{above}{kind:#x} of {size}"
        name, inner = CONTAINERS.get(kind) or VALUES.get(kind), content[first : first + size]
        assert name is not None, f"{above}{kind:#x}: {inner[:40]!r}"
        assert name not in WORDS or inner in WORDS[name], (name, inner)
        assert name != "Void" or not any(inner), "bytes in a void element"
        assert name != "TagString" or not inner.strip(b"0123456789:.\0"), inner
        yield above + name
        if kind in CONTAINERS:
            yield from _elements(content, first, first + size, f"{above}{name}/")
        at = first + size


def _number(content: bytes, at: int, *, keeps_marker: bool) -> tuple[int, int]:
    """Returns a number of variable length (RFC 8794, section 4), and where it ends."""
    length = 9 - content[at].bit_length()
    number = int.from_bytes(content[at : at + length])
    return number if keeps_marker else number & ((1 << 7 * length) - 1), at + length
