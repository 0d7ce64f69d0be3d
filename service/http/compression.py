"""Shortens long answers by zstd or gzip, as the caller accepts.

Owns the choice. An answer holds only what its caller was told, so its length says nothing of anything else. Livestreams
and short answers are left alone.
"""

import asyncio
import gzip
from typing import Final

import zstandard
from litestar import Response

from service.http.asgi import Scope
from service.http.media_types import weights
from service.http.request import RouteRequest

WORTH_IT_BYTES: Final = 1_024
IN_A_THREAD_BYTES: Final = 64 * 1024
"""From about here on it would keep the loop for longer than a millisecond."""
GZIP_LEVEL: Final = 5
ZSTD_LEVEL: Final = 3


def coding_of(scope: Scope) -> str | None:
    """The content coding that suits the caller: zstd before gzip, None for neither."""
    accepted = weights(scope, b"accept-encoding")
    return next((coding for coding in ("zstd", "gzip") if accepted.get(coding, accepted.get("*", 0.0))), None)


def shortened(body: bytes, coding: str) -> bytes:
    """The body in that coding. The same bytes every time: no name and no time stand in it."""
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body)
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


async def compressed(request: RouteRequest, body: bytes, *, media_type: str) -> Response[bytes]:
    """Answer with a body, shortened where that is worth it."""
    headers = {"Vary": "Accept, Accept-Encoding"}
    coding = coding_of(request.scope) if len(body) >= WORTH_IT_BYTES else None  # type: ignore[arg-type]
    if coding is not None:
        headers["Content-Encoding"] = coding
        if len(body) < IN_A_THREAD_BYTES:
            body = shortened(body, coding)
        else:
            body = await asyncio.to_thread(shortened, body, coding)
    return Response(body, media_type=media_type, headers=headers)
