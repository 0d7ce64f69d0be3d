"""Finds the order of day and month in dates with slashes. The dates of a file can prove this order.

Owns the proof. 13/06/2026 proves that the day is first, and 6/25/2026 proves that the month is first. 5/6/2026 proves nothing.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

SLASH_DATE: Final = re.compile(
    r"(?P<first>[0-9]{1,2})/(?P<second>[0-9]{1,2})/(?P<year>[0-9]{4}|[0-9]{2})"
    r"(?:,? (?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::[0-9]{2})?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
)
MONTHS: Final = 12


class Order(StrEnum):
    """The order of day and month in a date with slashes."""

    MONTH_FIRST = "month_first"
    DAY_FIRST = "day_first"


def orders_in(texts: Iterable[str]) -> set[Order | None]:
    """Returns the orders that these dates prove. If a date proves no order, the set contains None."""
    return {_order_of(found) for text in texts if (found := SLASH_DATE.fullmatch(text.strip())) is not None}


def _order_of(found: re.Match[str]) -> Order | None:
    first, second = int(found["first"]), int(found["second"])
    if first > MONTHS >= second:
        return Order.DAY_FIRST
    return Order.MONTH_FIRST if second > MONTHS >= first else None
