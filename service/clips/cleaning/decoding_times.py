"""Gives each packet of a track a decoding time. Matroska states none for the first pictures where pictures are reordered."""

from typing import Any, Final

from service.clips.cleaning.refusals import CannotClean

REORDERED_MAX: Final = 32
"""H.264 and HEVC reorder at most 16 pictures, in each of two fields."""


class DecodingTimes:
    """The packets of one track that have no decoding time yet."""

    def __init__(self) -> None:
        self._waiting: list[Any] = []

    def timed(self, packet: Any) -> list[Any]:
        """Returns the packets that have a decoding time now, in their order.

        Raises:
            CannotClean: a packet has no time at all, or too many have no decoding time.
        """
        if packet.dts is None:
            if packet.pts is None or len(self._waiting) == REORDERED_MAX:
                raise CannotClean("clip.broken")
            self._waiting.append(packet)
            return []
        waiting, self._waiting = self._waiting, []
        at = packet.dts
        for one in reversed(waiting):
            at -= max(1, one.duration or 0)
            one.dts = at
        return [*waiting, packet]

    def rest(self) -> list[Any]:
        """Returns the packets of a track that ended before any decoding time."""
        waiting, self._waiting = self._waiting, []
        first = min((one.pts for one in waiting), default=0)
        for nth, one in enumerate(waiting):
            one.dts = first - len(waiting) + nth
        return waiting
