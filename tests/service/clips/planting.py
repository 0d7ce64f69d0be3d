"""Plants boxes and words in an MP4 whose index is behind its pictures, as PyAV writes it: no place of a picture changes."""

from collections.abc import Callable
from typing import Final

FIELDS_BYTES: Final = {"stsd": 8, "avc1": 78, "hvc1": 78, "hev1": 78, "av01": 78, "vp09": 78, "mp4a": 28, "meta": 4}
"""The bytes of a box before the first box inside."""


def box(name: str, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return (8 + len(content)).to_bytes(4) + name.encode("latin-1") + content


def changed(content: bytes, path: str, change: Callable[[bytes], bytes]) -> bytes:
    """Returns a file in which a box has other content. `path` is such as moov/trak:1/tkhd: of the second track."""
    name, _, rest = path.partition("/")
    name, _, nth = name.partition(":")
    left, at = int(nth or 0), 0
    while at + 8 <= len(content):
        size, found = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8].decode("latin-1")
        if found == name:
            left -= 1
            if left < 0:
                inner = content[at + 8 : at + size]
                fields = FIELDS_BYTES.get(name, 0)
                inner = inner[:fields] + changed(inner[fields:], rest, change) if rest else change(inner)
                return content[:at] + box(name, inner) + content[at + size :]
        at += size
    raise AssertionError(f"no box {path}")


def added(content: bytes, path: str, *boxes: bytes) -> bytes:
    """Returns a file with more boxes at the end of a box, or of the file."""
    return changed(content, path, lambda inner: inner + b"".join(boxes)) if path else content + b"".join(boxes)


def patched(at: int, new: bytes) -> Callable[[bytes], bytes]:
    """Returns a change that overwrites some bytes."""
    return lambda inner: inner[:at] + new + inner[at + len(new) :]


def turned(content: bytes, matrix: tuple[int, int, int, int], track: int = 0) -> bytes:
    """Returns a film whose track has a display matrix; the numbers are those of both axes, 1, 0 or -1."""
    a, b, c, d = (number * 65_536 for number in matrix)
    numbers = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    return changed(content, f"moov/trak:{track}/tkhd", patched(40, b"".join(one.to_bytes(4, signed=True) for one in numbers)))
