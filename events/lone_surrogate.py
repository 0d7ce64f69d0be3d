"""Splits a JSON list into the bytes of its elements, where the decoder gives up on the whole because of one of them.

A phone that cuts a text within an emoji keeps a lone surrogate, and writes it as an escape: JSON by its grammar, and no text.
Another sender nests a thousand deep. The decoder refuses the whole body for either, and a device could never send what else
is waiting. Only strings and brackets are read here, without recursion: each element is then decoded, or refused, by itself.
Slower than the decoder, and only for that case. Knows no draft and no record.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from events.errors import BodyMalformed, FieldInvalid
from events.json_checks import may_be_half_a_character

_MARK: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]+|[\]}]+|[",:]', re.DOTALL)
"""A whole string, brackets in a row, or what parts values. A quote by itself: a string that never ends."""
MARKS_MAX: Final = 100_000
"""A full push has some 15,000, a full batch of a daycare 25,000; to look through so many takes 40 ms."""
_BLANKS: Final = b" \t\r\n"


def is_worth_splitting(body: bytes, error: Exception) -> bool:
    """Whether one element may be the reason why the decoder gave up on a body that is JSON by its grammar."""
    return isinstance(error, RecursionError) or may_be_half_a_character(body, error)


def elements(body: bytes) -> Iterator[bytes]:
    """The elements of a JSON list, in order, each in its own bytes.

    Raises:
        BodyMalformed: the end of the list, or of an element, cannot be found.
    """
    try:
        begin = _opening(body, b"[")
        for first, end in _spans(body, begin):
            yield body[first:end]
    except ValueError:
        raise BodyMalformed("The body is no JSON list.") from None


def fields(body: bytes) -> dict[str, bytes]:
    """The values of a JSON object by key, each in its own bytes; of a key that stands twice the last. Empty where it is none."""
    try:
        spans = list(_spans(body, _opening(body, b"{")))
        return {_key(body, key): body[slice(*value)] for key, value in zip(spans[::2], spans[1::2], strict=True)}
    except ValueError:
        return {}


def without_drafts(body: bytes) -> tuple[bytes, list[bytes]]:
    """The envelope of a push with no drafts in it, and its drafts, each in its own bytes.

    Raises:
        BodyMalformed: it is no JSON otherwise either.
        FieldInvalid: it is no object, or has no list of drafts.
    """
    try:
        start = len(body) - len(body.lstrip(_BLANKS))
        if body[start : start + 1] != b"{":
            raise FieldInvalid("Expected `object`.")
        outer = list(_spans(body, start))
        # Keys and values by turns. Of two lists of drafts this takes the last, and the decoder of the envelope refuses both.
        found = [value for key, value in zip(outer[::2], outer[1::2], strict=True) if _key(body, key) == "drafts"]
        if not found or body[found[-1][0] : found[-1][0] + 1] != b"[":
            raise FieldInvalid("Expected `array`.", at="drafts")
        begin, end = found[-1]
        drafts = [body[first:last] for first, last in _spans(body, begin, is_inner=True)]
    except ValueError:
        raise BodyMalformed("The body is not JSON.") from None
    return body[:begin] + b"[]" + body[end:], drafts


def _key(body: bytes, span: tuple[int, int]) -> str:
    key = json.loads(body[slice(*span)])
    if not isinstance(key, str):
        raise ValueError("a key is a text")
    return key


def _opening(body: bytes, bracket: bytes) -> int:
    begin = len(body) - len(body.lstrip(_BLANKS))
    if body[begin : begin + 1] != bracket:
        raise ValueError("another bracket opens it")
    return begin


def _spans(body: bytes, at: int, *, is_inner: bool = False) -> Iterator[tuple[int, int]]:
    """Where each value stands that the list or object at `at` holds, keys among them, without the blanks around.

    Unless it is itself within another value, nothing may follow.

    Raises:
        ValueError: a string or a bracket never ends, or something follows.
    """
    closer, parts = (b"]", b",") if body[at : at + 1] == b"[" else (b"}", b",:")
    begin, depth, count = at + 1, 0, 0
    for mark in islice(_MARK.finditer(body, at + 1), MARKS_MAX):
        found = mark.group()
        match found[:1]:
            case b'"' if len(found) == 1:
                raise ValueError("a string never ends")
            case b"[" | b"{":
                depth += len(found)
            case b"]" | b"}" if len(found) <= depth:
                depth -= len(found)
            case b"]" | b"}":
                end = mark.start() + depth
                if body[end : end + 1] != closer:
                    raise ValueError("another bracket closes it")
                span = _stripped(body, begin, end)
                if count or span[0] < span[1]:
                    yield span
                if not is_inner and body[end + 1 :].strip(_BLANKS):
                    raise ValueError("something follows")
                return
            case part if not depth and part in parts:
                yield _stripped(body, begin, mark.start())
                begin, count = mark.end(), count + 1
    raise ValueError("a bracket never closes, or there are too many")


def _stripped(body: bytes, begin: int, end: int) -> tuple[int, int]:
    """The span without the blanks around it."""
    while begin < end and body[begin] in _BLANKS:
        begin += 1
    while begin < end and body[end - 1] in _BLANKS:
        end -= 1
    return begin, end
