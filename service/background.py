"""What runs beside the requests must not end because one thing in it goes wrong. Owns how that is told; knows no part."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from events.errors import Refused
from service.errors import PASSING


@contextmanager
def told_if_it_fails(log: Any, *, part: str, waits: str, failed: str) -> Iterator[None]:
    """Log what goes wrong with one of many: it is tried again later, and no other has to wait for it.

    `waits` and `failed` are the sentences for what passes and for what is ours to mend; their codes are of `part`.
    """
    try:
        yield
    except (*PASSING, Refused) as error:
        code = error.code if isinstance(error, Refused) else f"{part}.late"
        log.warning(waits, code=code, error=type(error).__name__)
    except Exception:  # a mistake of ours, or a damaged row, which a replay mends
        log.exception(failed, code=f"{part}.crashed")
