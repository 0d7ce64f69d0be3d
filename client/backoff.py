"""How long to wait before trying again.

Pure: no clock, no dice and no sleep of its own; all three are arguments. Knows nothing of what is tried.
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """The patience of a device: doubling waits between a shortest and a longest, and a last attempt.

    Half of each wait is dice: the devices of a whole town wake up together after an outage, and must not come
    back together. The other half is a floor, so that an unlucky roll does not hammer. Where the service names a wait
    itself, it is kept up to `longest_told_s`.
    """

    first_wait_s: float = 0.25
    longest_wait_s: float = 30.0
    longest_told_s: float = 120.0
    attempts_max: int = 6

    def wait_s(self, *, failures: int, roll: float) -> float:
        """Seconds to wait after `failures` (1 or more) in a row. `roll` is in [0, 1)."""
        # 2**failures overflows a float after 1,024 failures, which a stream reaches in a night.
        doublings = min(failures - 1, 32)
        ceiling_s = min(self.longest_wait_s, self.first_wait_s * 2.0**doublings)
        return ceiling_s * (0.5 + roll / 2)


def told_wait_s(header: str | None, *, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for: it says seconds or a date. None where it says neither.

    A date that has passed asks for 0.
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
