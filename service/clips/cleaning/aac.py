"""Takes text out of AAC sound: encoders write their names, and anybody may write anything, into fill and data elements.

Knows the syntax of a raw data block (ISO/IEC 14496-3, 4.4.2.1) as far as its first elements. An element behind the sound itself
is left: its beginning cannot be found without decoding the sound.
"""

from typing import Final

DATA_ELEMENT: Final = 4
FILL_ELEMENT: Final = 6
# Table 4.121: fill, fill data, data element. The other extensions are sound: dynamic range, replicated bands.
TEXT_EXTENSIONS: Final = frozenset({0, 1, 2})


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


def without_text(packet: bytes) -> bytes:
    """Returns a packet without the fill and data elements at its beginning."""
    if not packet or packet[0] >> 5 not in (DATA_ELEMENT, FILL_ELEMENT):
        return packet
    bits, kept_from = _Bits(packet), 0
    while _skip_text(bits):
        if bits.at > bits.count:
            return packet  # broken: decoders skip such a packet
        kept_from = bits.at
    return bits.rest_from(kept_from) if kept_from else packet


def _skip_text(bits: _Bits) -> bool:
    """Skips one element if it is text. Returns whether it was."""
    element = bits.take(3)
    if element == DATA_ELEMENT:
        bits.take(4)  # its tag
        is_aligned, count = bits.take(1), bits.take(8)
        count += bits.take(8) if count == 255 else 0
        bits.take(-bits.at % 8 if is_aligned else 0)
        bits.take(8 * count)
        return True
    if element != FILL_ELEMENT:
        return False
    count = bits.take(4)
    count += bits.take(8) - 1 if count == 15 else 0
    if count and bits.take(4) not in TEXT_EXTENSIONS:
        return False
    bits.take(8 * count - 4 if count else 0)
    return True
