"""Makes pictures of a few bytes, and the requests with which a device uploads them. Knows no history."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO

from PIL import Image

from tests.worlds.seeded import clip_of
from tests.worlds.wire import Request

TUS = "Tus-Resumable: 1.0.0"
BODY = "Content-Type: application/offset+octet-stream"
FILM_BYTES = 100 * 1024 * 1024
"""The stated length of an upload that never becomes whole."""
NEIGHBOURS = "the clip of another family"
"""The step in which a clip is uploaded to a family that nobody in a history belongs to."""


def _picture(colour: str, width: int) -> bytes:
    written = BytesIO()
    Image.new("RGB", (width, 3), colour).save(written, "PNG")
    return written.getvalue()


PICTURES: Mapping[str, bytes] = {
    "held": _picture("blue", 4),
    "visible": _picture("red", 5),
    "own": _picture("green", 6),
    "refused": b"\x89PNG\r\n\x1a\nno picture",
}
"""By what they are for. Each has other bytes."""


def metadata(filetype: str) -> str:
    """Returns the header that states the type of an upload's file."""
    return f"Upload-Metadata: filetype {b64encode(filetype.encode()).decode()}"


def tus(request: Request, *headers: str, body: bytes | None = None) -> Request:
    """Returns a request as a request of tus."""
    more = () if body is None else (BODY,)
    return replace(request, headers=(TUS, *more, *headers), body=body)


def creation(clips: Request, length: int, *, filetype: str = "image/png", body: bytes | None = None) -> Request:
    """Returns the creation of an upload, perhaps with its first bytes. `clips` is a POST to the clips of a family."""
    return tus(clips, f"Upload-Length: {length}", metadata(filetype), body=body)


def appending(upload: Request, part: bytes, *, at: int) -> Request:
    """Returns a request that sends some bytes of an upload. `upload` is any request to it."""
    return tus(replace(upload, method="PATCH"), f"Upload-Offset: {at}", body=part)


def uploading(clips: Request, step: str, picture: bytes, *, state: str = "cleaned") -> list[Request]:
    """Returns the requests of an upload in a step of this name, up to a state. `clips` is a POST to the clips of a family."""
    own = replace(clips, method="PATCH", path=f"{clips.path}/{clip_of(step)}/upload")
    if state in ("created", "open"):
        return [creation(clips, FILM_BYTES, filetype="video/mp4", body=picture if state == "open" else None)]
    content = PICTURES["refused"] if state == "refused" else picture
    sent = [creation(clips, len(content)), appending(own, content[:9], at=0), appending(own, content[9:], at=9)]
    return [*sent[:2], tus(replace(own, method="DELETE"))] if state == "ended" else sent
