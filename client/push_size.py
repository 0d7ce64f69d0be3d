"""Computes the maximum size of the next push, and the wait before a blocked draft is sent again.

Pure: does not know the network, the clock or the drafts.
"""

from typing import Final

from client.outbox import PUSH_BYTES_MAX

SET_ASIDE_FIRST_WAIT_S: Final = 60.0
SET_ASIDE_LONGEST_WAIT_S: Final = 6 * 3_600.0
"""The longest wait between two attempts with a blocked draft: short enough to try each network that the device uses in a day."""


class PushSize:
    """The maximum size of the next push, in bytes. The device does not store it: another network may accept larger pushes."""

    def __init__(self) -> None:
        self.bytes_max = PUSH_BYTES_MAX
        self._ceiling = PUSH_BYTES_MAX

    def refused_as_too_large(self, size_bytes: int) -> None:
        """Limits all further pushes to half of `size_bytes`, because a push of that size was refused as too large."""
        self._ceiling = min(self._ceiling, max(size_bytes // 2, 1))
        self.bytes_max = self._ceiling

    def got_no_response(self, size_bytes: int) -> None:
        """Limits the next push to half of `size_bytes`, because a push of that size got no response: the line may be slow."""
        self.bytes_max = max(min(self.bytes_max, size_bytes) // 2, 1)

    def sent_everything(self) -> None:
        """Doubles the limit. Called once no draft waits, because an earlier increase would overload a slow line again."""
        self.bytes_max = min(self.bytes_max * 2, self._ceiling)


def set_aside_wait_s(*, failures: int) -> float:
    """Returns the seconds to wait before a draft that was set aside is sent again, after `failures` failures (at least 1)."""
    return min(SET_ASIDE_LONGEST_WAIT_S, SET_ASIDE_FIRST_WAIT_S * 2.0 ** min(failures - 1, 32))
