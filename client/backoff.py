"""Computes how long to wait before a request is sent again.

Pure: the clock and the random number are arguments, and the caller sleeps. Does not know the request.
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """The retry policy of a device: waits that double from `first_wait_s` to `longest_wait_s`, and a maximum of attempts.

    Half of each wait is random, so that the devices of a whole town do not all send again at once after an outage. The other
    half is fixed, so that a small random number does not cause rapid retries. A device also obeys a wait that the service
    requests (`Retry-After`), but no wait longer than `longest_retry_after_s`.
    """

    first_wait_s: float = 0.25
    longest_wait_s: float = 30.0
    longest_retry_after_s: float = 120.0
    attempts_max: int = 6

    def wait_s(self, *, failures: int, fraction: float) -> float:
        """Returns the wait in seconds after `failures` failures in a row (at least 1). `fraction`: a random number in [0, 1)."""
        # 2**failures overflows a float after 1,024 failures, which a stream can reach in one night.
        doublings = min(failures - 1, 32)
        ceiling_s = min(self.longest_wait_s, self.first_wait_s * 2.0**doublings)
        return ceiling_s * (0.5 + fraction / 2)


def parse_retry_after(header: str | None, *, now: datetime) -> float | None:
    """Returns the wait in seconds that a `Retry-After` header requests, or None if the header is neither a number nor a date.

    For a date in the past the wait is 0.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        return None
    return max(0.0, (until - now).total_seconds())
