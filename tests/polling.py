"""Waits in a test until a condition is true, if no notification announces it. Owns the one loop that looks again and again."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(is_so: Callable[[], bool | Awaitable[bool]], *, within_s: float = 10.0, every_s: float = 0.01) -> None:
    """Waits until a condition is true.

    Raises:
        TimeoutError: the condition was not true within `within_s`.
    """
    async with asyncio.timeout(within_s):
        while True:
            found = is_so()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(every_s)
