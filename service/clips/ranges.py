"""Decides which bytes of a file a request gets (RFC 9110, sections 13 and 14). Pure."""

import re
from typing import Final, Literal

import msgspec

from service.http.asgi import Scope, sent

RANGE: Final = re.compile(rb"bytes=(\d{0,18})-(\d{0,18})")


class Part(msgspec.Struct, frozen=True):
    """The bytes to send, from `start` up to `end`, which is not included."""

    status: Literal[200, 206, 304, 416]
    start: int
    end: int


def part_of(scope: Scope, *, length: int, etag: bytes) -> Part:
    """Returns the part of a file that a request asks for. Of several ranges, of a range that cannot be read, and of a range of
    another version of the file (If-Range), the whole."""
    if _names(sent(scope, b"if-none-match"), etag):
        return Part(304, 0, 0)
    whole = Part(200, 0, length)
    ranges = sent(scope, b"range")
    if len(ranges) != 1 or (found := RANGE.fullmatch(ranges[0].strip())) is None or found[0] == b"bytes=-":
        return whole
    if (version := sent(scope, b"if-range")) and version != [etag]:
        return whole
    first, last = found[1], found[2]
    start = int(first) if first else max(0, length - int(last))
    end = min(length, int(last) + 1) if first and last else length
    if first and last and int(last) < int(first):
        return whole
    return Part(206, start, end) if start < end else Part(416, 0, 0)


def _names(values: list[bytes], etag: bytes) -> bool:
    """Returns whether an If-None-Match names a version, weakly compared."""
    listed = [one.strip().removeprefix(b"W/") for value in values for one in value.split(b",")]
    return etag in listed or b"*" in listed
