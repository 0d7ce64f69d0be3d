"""Takes text out of Opus and Vorbis sound: the comments of its headers, and the padding of its packets."""

from typing import Final

from service.clips.cleaning.refusals import CannotClean

# RFC 7845, section 5.1: the header of Opus, without a table of channels.
OPUS_HEADER_BYTES: Final = 19
OPUS_CHANNELS_AT: Final = 9
OPUS_FAMILY_AT: Final = 18
# Vorbis I, section 5.2: no vendor, no comment, and the framing bit.
EMPTY_COMMENTS: Final = b"\x03vorbis" + bytes(8) + b"\x01"
VORBIS_HEADERS: Final = 3


def opus_header(header: bytes) -> bytes | None:
    """Returns the header of mono or stereo sound, without the bytes behind its end. None: another header."""
    is_plain = len(header) >= OPUS_HEADER_BYTES and header[OPUS_FAMILY_AT] == 0 and header[OPUS_CHANNELS_AT] in (1, 2)
    return header[:OPUS_HEADER_BYTES] if is_plain else None


def opus_without_padding(packet: bytes) -> bytes:
    """Returns a packet of one stream whose padding is zeros (RFC 6716, 3.2.5). Its length stays."""
    if len(packet) < 3 or packet[0] & 3 != 3 or not packet[1] & 0x40:
        return packet
    at, padding = 2, 0
    while at < len(packet) and packet[at] == 255:
        padding += 254
        at += 1
    padding += packet[at] if at < len(packet) else 0
    if at + 1 + padding > len(packet):
        raise CannotClean("clip.broken")
    return packet[: len(packet) - padding] + bytes(padding)


def vorbis_headers(headers: bytes) -> bytes:
    """Returns the three headers of Vorbis, laced as Matroska stores them, with no comment in the second one.

    Raises:
        CannotClean: the headers cannot be read.
    """
    sizes, at = [], 1
    for _ in range(VORBIS_HEADERS - 1):
        size = 0
        while headers[at : at + 1] == b"\xff":
            size, at = size + 255, at + 1
        size, at = size + (headers[at] if at < len(headers) else 0), at + 1
        sizes.append(size)
    first, setup = headers[at : at + sizes[0]], headers[at + sum(sizes) :]
    if headers[:1] != b"\x02" or first[:7] != b"\x01vorbis" or len(first) != 30 or setup[:7] != b"\x05vorbis":
        raise CannotClean("clip.broken")
    return bytes([2, len(first), len(EMPTY_COMMENTS)]) + first + EMPTY_COMMENTS + setup
