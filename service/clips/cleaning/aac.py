"""Takes text out of AAC sound: encoders write their names, and anybody may write anything, into fill and data elements.

Knows the syntax of a raw data block (ISO/IEC 14496-3, 4.4.2.1) as far as its first elements, and the decoder's configuration
(1.6.2.1). An element behind the sound itself is left: its beginning cannot be found without decoding the sound.
"""

from typing import Final

DATA_ELEMENT: Final = 4
PROGRAM_ELEMENT: Final = 5
FILL_ELEMENT: Final = 6
TEXT_ELEMENTS: Final = frozenset({DATA_ELEMENT, PROGRAM_ELEMENT, FILL_ELEMENT})
# Table 4.121: fill, fill data, data element. The other extensions are sound: dynamic range, replicated bands.
TEXT_EXTENSIONS: Final = frozenset({0, 1, 2})

# Table 1.17: the kinds of object. Browsers play the first, alone or with one of the others on top.
LOW_COMPLEXITY: Final = 2
REPLICATED_BANDS: Final = 5
PARAMETRIC_STEREO: Final = 29
REPLICATED_BANDS_FOLLOW: Final = 0x2B7
PARAMETRIC_STEREO_FOLLOWS: Final = 0x548


class _Bits:
    """The bits of a packet, read from the first to the last."""

    def __init__(self, packet: bytes) -> None:
        self.count = len(packet) * 8
        self.at = 0
        self._number = int.from_bytes(packet)

    def take(self, count: int) -> int:
        """Returns the next bits as a number; 0 past the end."""
        self.at += count
        return (self._number >> (self.count - self.at)) & ((1 << count) - 1) if self.at <= self.count else 0

    def rest_from(self, at: int) -> bytes:
        """Returns the bits from a place on, filled up with zeros to whole bytes."""
        left = self.count - at
        padding = -left % 8
        return ((self._number & ((1 << left) - 1)) << padding).to_bytes((left + padding) // 8)

    def up_to(self, at: int) -> bytes:
        """Returns the bits up to a place, filled up with zeros to whole bytes."""
        padding = -at % 8
        return ((self._number >> (self.count - at)) << padding).to_bytes((at + padding) // 8)


def without_text(packet: bytes) -> bytes:
    """Returns a packet without the elements at its beginning that may contain text."""
    if not packet or packet[0] >> 5 not in TEXT_ELEMENTS:
        return packet
    bits, kept_from = _Bits(packet), 0
    while _skip_text(bits):
        if bits.at > bits.count:
            return packet  # broken: decoders skip such a packet
        kept_from = bits.at
    return bits.rest_from(kept_from) if kept_from else packet


def configuration_without_text(configuration: bytes) -> bytes | None:
    """Returns an AudioSpecificConfig without the bytes behind its end. None: no configuration that browsers play without text.

    Sound whose channels are listed in a program element, which contains a comment, has no such configuration.
    """
    bits = _Bits(configuration)
    kind = _take_kind(bits)
    _take_rate(bits)
    channels = bits.take(4)
    if kind in (REPLICATED_BANDS, PARAMETRIC_STEREO):
        _take_rate(bits)
        kind = _take_kind(bits)
    if kind != LOW_COMPLEXITY or channels == 0:
        return None
    bits.take(1)
    bits.take(14 if bits.take(1) else 0)
    bits.take(1)
    end = bits.at
    if end > bits.count:
        return None
    if bits.take(11) == REPLICATED_BANDS_FOLLOW and bits.take(5) == REPLICATED_BANDS:
        if bits.take(1):
            _take_rate(bits)
        end = bits.at if bits.at <= bits.count else end
        if bits.take(11) == PARAMETRIC_STEREO_FOLLOWS and bits.at < bits.count:
            end = bits.at + 1
    return bits.up_to(end)


def _take_kind(bits: _Bits) -> int:
    kind = bits.take(5)
    return 32 + bits.take(6) if kind == 31 else kind


def _take_rate(bits: _Bits) -> None:
    if bits.take(4) == 15:
        bits.take(24)


def _skip_text(bits: _Bits) -> bool:
    """Skips one element if it is text. Returns whether it was."""
    match bits.take(3):
        case 4:
            _skip_data(bits)
            return True
        case 5:
            _skip_program(bits)
            return True
        case 6:
            return _skip_fill(bits)
        case _:
            return False


def _skip_data(bits: _Bits) -> None:
    bits.take(4)  # its tag
    is_aligned, count = bits.take(1), bits.take(8)
    count += bits.take(8) if count == 255 else 0
    bits.take(-bits.at % 8 if is_aligned else 0)
    bits.take(8 * count)


def _skip_program(bits: _Bits) -> None:
    """Skips a list of channels, with the comment at its end (table 4.2)."""
    bits.take(10)
    front, side, back = bits.take(4), bits.take(4), bits.take(4)
    low, data, coupled = bits.take(2), bits.take(3), bits.take(4)
    bits.take(4 if bits.take(1) else 0)
    bits.take(4 if bits.take(1) else 0)
    bits.take(3 if bits.take(1) else 0)
    bits.take(5 * (front + side + back + coupled) + 4 * (low + data))
    bits.take(-bits.at % 8)
    bits.take(8 * bits.take(8))


def _skip_fill(bits: _Bits) -> bool:
    count = bits.take(4)
    count += bits.take(8) - 1 if count == 15 else 0
    if count and bits.take(4) not in TEXT_EXTENSIONS:
        return False
    bits.take(8 * count - 4 if count else 0)
    return True
