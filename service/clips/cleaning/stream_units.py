"""Takes messages out of coded pictures: cameras and editors write text, places and device names between the pictures.

Knows H.264 and HEVC as MP4 and Matroska store them (units with their length before them, ISO/IEC 14496-15), and AV1 (open
bitstream units, AV1 specification, section 5.3). Only kinds of units on a list are kept. Decodes no picture.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from service.clips.cleaning.refusals import CannotClean

# ITU-T H.264, table 7-1: slices, parameter sets, delimiters. Not kept: 6 messages (SEI), 12 filler, 14 and above extensions.
H264_KEPT: Final = frozenset({1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 13})
# ITU-T H.265, table 7-1. Not kept: 38 filler, 39 and 40 messages (SEI), 41 and above reserved or unspecified.
HEVC_KEPT: Final = frozenset({*range(10), *range(16, 22), *range(32, 38)})
HEVC_PARAMETER_SETS: Final = frozenset({32, 33, 34})
# AV1, section 6.2.2: sequence header, temporal delimiter, frames. Not kept: 5 metadata, 15 padding, reserved ones.
AV1_KEPT: Final = frozenset({1, 2, 3, 4, 6, 7, 8})

AVCC_HEADER_BYTES: Final = 5
HVCC_HEADER_BYTES: Final = 22
AV1C_HEADER_BYTES: Final = 4

START_CODE: Final = re.compile(b"\0*\0\0\1")

Filter = Callable[[bytes], bytes]
"""Returns a coded picture without the units that are not kept."""


def filter_of(codec: str, extradata: bytes) -> tuple[bytes, Filter]:
    """Returns the decoder's configuration without messages, and the filter for each packet of the track.

    Raises:
        CannotClean: the configuration cannot be read.
    """
    try:
        match codec:
            case "h264":
                return _h264_configuration(extradata), _units_filter(_length_size(extradata, at=4), _h264_is_kept)
            case "hevc":
                return _hevc_configuration(extradata), _units_filter(_length_size(extradata, at=21), _hevc_is_kept)
            case "av1":
                head, units = extradata[:AV1C_HEADER_BYTES], extradata[AV1C_HEADER_BYTES:]
                return head + _av1_without_metadata(units), _av1_without_metadata
            case _:
                return b"", _unchanged  # VP8 and VP9: their decoders need no configuration
    except IndexError as error:
        raise CannotClean("clip.broken") from error


def _unchanged(packet: bytes) -> bytes:
    return packet


# ---- H.264 and HEVC


def _h264_is_kept(header: int) -> bool:
    return (header >> 8) & 0x1F in H264_KEPT


def _hevc_is_kept(header: int) -> bool:
    """Checks a unit's kind, and its layer: those above the first are another eye's picture, or a depth map."""
    return (header >> 9) & 0x3F in HEVC_KEPT and (header >> 3) & 0x3F == 0


def _length_size(extradata: bytes, *, at: int) -> int:
    """Returns in how many bytes the length of each unit is written."""
    if not extradata or extradata[0] != 1:
        raise CannotClean("clip.broken")  # the other form (Annex B) occurs in neither MP4 nor Matroska
    return (extradata[at] & 3) + 1


def _units_filter(length_size: int, is_kept: Callable[[int], bool]) -> Filter:
    def kept(packet: bytes) -> bytes:
        units = list(_units(packet, length_size))
        parts = [packet[start:end] for start, first, end in units if is_kept(int.from_bytes(packet[first : first + 2]))]
        return packet if len(parts) == len(units) else b"".join(parts)

    return kept


def _units(packet: bytes, length_size: int) -> Iterator[tuple[int, int, int]]:
    """Yields each unit of a packet: where its length begins, where its first byte is, and where it ends."""
    at = 0
    while at < len(packet):
        first = at + length_size
        length = int.from_bytes(packet[at:first])
        end = first + length
        if length == 0 or end > len(packet):
            raise CannotClean("clip.broken")
        yield at, first, end
        at = end


def _h264_configuration(extradata: bytes) -> bytes:
    """Returns an AVCDecoderConfigurationRecord with its parameter sets alone (ISO/IEC 14496-15, 5.3.3.1)."""
    sequence_sets, at = _read_sets(extradata, AVCC_HEADER_BYTES + 1, extradata[AVCC_HEADER_BYTES] & 0x1F)
    picture_sets, at = _read_sets(extradata, at + 1, extradata[at])
    sequence_sets = [one for one in sequence_sets if one[0] & 0x1F == 7]
    picture_sets = [one for one in picture_sets if one[0] & 0x1F == 8]
    head = extradata[:AVCC_HEADER_BYTES]
    # High profiles add chroma format and bit depths in three bytes. The extension sets behind them are not kept.
    tail = extradata[at : at + 3] + b"\0" if len(extradata) >= at + 4 else b""
    return b"".join(
        [head, bytes([0xE0 | len(sequence_sets)]), *map(_sized, sequence_sets), bytes([len(picture_sets)]),
         *map(_sized, picture_sets), tail]
    )  # fmt: skip


def _hevc_configuration(extradata: bytes) -> bytes:
    """Returns an HEVCDecoderConfigurationRecord with its parameter sets alone (ISO/IEC 14496-15, 8.3.3.1)."""
    arrays, at = [], HVCC_HEADER_BYTES + 1
    for _ in range(extradata[HVCC_HEADER_BYTES]):
        kind, count = extradata[at] & 0x3F, int.from_bytes(extradata[at + 1 : at + 3])
        sets, end = _read_sets(extradata, at + 3, count)
        if kind in HEVC_PARAMETER_SETS:
            sets = [one for one in sets if (one[0] >> 1) & 0x3F == kind and _hevc_is_kept(int.from_bytes(one[:2]))]
            arrays.append(extradata[at : at + 1] + len(sets).to_bytes(2) + b"".join(map(_sized, sets)))
        at = end
    return extradata[:HVCC_HEADER_BYTES] + bytes([len(arrays)]) + b"".join(arrays)


def _read_sets(extradata: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    """Returns parameter sets with two bytes of length before each, and where they end."""
    sets = []
    for _ in range(count):
        length = extradata[at] << 8 | extradata[at + 1]
        sets.append(extradata[at + 2 : at + 2 + length])
        at += 2 + length
        if length == 0 or at > len(extradata):
            raise CannotClean("clip.broken")
    return sets, at


def _sized(parameter_set: bytes) -> bytes:
    return len(parameter_set).to_bytes(2) + parameter_set


def without_messages(coded: bytes) -> bytes:
    """Returns H.264 as encoders write it (Annex B: a start code before each unit), without messages."""
    units = START_CODE.split(coded)[1:]
    return b"".join(b"\0\0\0\1" + one for one in units if one and one[0] & 0x1F in H264_KEPT)


# ---- AV1


def _av1_without_metadata(packet: bytes) -> bytes:
    kept, at = [], 0
    while at < len(packet):
        kind, has_extension, has_size = (packet[at] >> 3) & 0xF, packet[at] & 4, packet[at] & 2
        first = at + (2 if has_extension else 1)
        length, first = _leb128(packet, first) if has_size else (len(packet) - first, first)
        if first + length > len(packet):
            raise CannotClean("clip.broken")
        if kind in AV1_KEPT:
            kept.append(packet[at : first + length])
        at = first + length
    return b"".join(kept)


def _leb128(packet: bytes, at: int) -> tuple[int, int]:
    """Returns a number of at most eight bytes (AV1, 4.10.5), and where it ends."""
    number = 0
    for shift in range(0, 56, 7):
        number |= (packet[at] & 0x7F) << shift
        at += 1
        if not packet[at - 1] & 0x80:
            return number, at
    raise CannotClean("clip.broken")
