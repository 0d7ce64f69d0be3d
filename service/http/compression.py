"""Compresses long responses with zstd or gzip, if the caller accepts one of them.

Owns the choice of the coding. A response contains only data that is visible to its caller, so its compressed length reveals no
other data. Live streams and short responses are not compressed.
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
"""The length from which a body is compressed in a thread: in the event loop, this would take more than about a millisecond."""
GZIP_LEVEL: Final = 5
ZSTD_LEVEL: Final = 3


def coding_of(scope: Scope) -> str | None:
    """Returns the content coding for the response: zstd, else gzip, else None, depending on what the caller accepts."""
    accepted = weights(scope, b"accept-encoding")
    return next((coding for coding in ("zstd", "gzip") if accepted.get(coding, accepted.get("*", 0.0))), None)


def shortened(body: bytes, coding: str) -> bytes:
    """Returns the compressed body. The same body always gives the same bytes: these contain no file name and no time."""
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body)
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


async def compressed(request: RouteRequest, body: bytes, *, media_type: str) -> Response[bytes]:
    """Returns a response with the body, compressed if it is at least `WORTH_IT_BYTES` long."""
    headers = {"Vary": "Accept, Accept-Encoding"}
    coding = coding_of(request.asgi) if len(body) >= WORTH_IT_BYTES else None
    if coding is not None:
        headers["Content-Encoding"] = coding
        if len(body) < IN_A_THREAD_BYTES:
            body = shortened(body, coding)
        else:
            body = await asyncio.to_thread(shortened, body, coding)
    return Response(body, media_type=media_type, headers=headers)
