"""Splits a JSON list into the bytes of its elements, if the decoder refuses the whole list because of one element.

A phone that cuts a text within an emoji sends half of a character as an escape (a lone surrogate). This is valid JSON, but not a
valid text. Another sender nests objects a thousand levels deep. In both cases the decoder refuses the whole body, so a device
could never send its other drafts. This module reads only strings and brackets, without recursion; each element is then decoded
or refused by itself. It is slower than the decoder, and is used only for a body that the decoder has refused. Does not know
drafts or records.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from events.errors import BodyMalformed, FieldInvalid
from events.json_checks import may_be_lone_surrogate

_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]+|[\]}]+|[",:]', re.DOTALL)
"""A whole string, brackets in a row, a comma or a colon. A match of one quote alone is the start of a string without an end."""
TOKENS_MAX: Final = 100_000
"""The bound on the tokens of a list or object. To read 100,000 tokens takes 40 ms. A full push has some 15,000 tokens, and a
daycare's full batch 25,000 tokens."""
_WHITESPACE: Final = b" \t\r\n"


def is_worth_splitting(body: bytes, error: Exception) -> bool:
    """Returns whether the decoder may have refused a valid JSON body because of one element."""
    return isinstance(error, RecursionError) or may_be_lone_surrogate(body, error)


def elements(body: bytes) -> Iterator[bytes]:
    """Yields the bytes of each element of a JSON list, in order.

    Raises:
        BodyMalformed: the body is not a list, or the end of the list or of an element cannot be found.
    """
    try:
        begin = _opening(body, b"[")
        for first, end in _spans(body, begin):
            yield body[first:end]
    except ValueError:
        raise BodyMalformed("The body is no JSON list.") from None


def fields(body: bytes) -> dict[str, bytes]:
    """Returns the bytes of each value of a JSON object by its key, or an empty dict if the body is not an object.

    If a key is there twice, its last value is returned.
    """
    try:
        spans = list(_spans(body, _opening(body, b"{")))
        return {_key(body, key): body[slice(*value)] for key, value in zip(spans[::2], spans[1::2], strict=True)}
    except ValueError:
        return {}


def without_drafts(body: bytes) -> tuple[bytes, list[bytes]]:
    """Returns the envelope of a push with an empty list of drafts, and the bytes of each draft.

    Raises:
        BodyMalformed: the body is not JSON.
        FieldInvalid: the body is not an object, or has no list of drafts.
    """
    try:
        start = len(body) - len(body.lstrip(_WHITESPACE))
        if body[start : start + 1] != b"{":
            raise FieldInvalid("Expected `object`.")
        outer = list(_spans(body, start))
        # Keys and values alternate. Of two lists of drafts this takes the last; the caller then refuses the duplicate key.
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
    begin = len(body) - len(body.lstrip(_WHITESPACE))
    if body[begin : begin + 1] != bracket:
        raise ValueError("another bracket opens it")
    return begin


def _spans(body: bytes, at: int, *, is_inner: bool = False) -> Iterator[tuple[int, int]]:
    """Yields the start and end of each value of the list or object at `at`, without the white space around it.

    For an object, keys and values alternate. If `is_inner` is false, only white space may follow the list or object.

    Raises:
        ValueError: a string or a bracket has no end, there are too many tokens, or another text follows the list or object.
    """
    closer, separators = (b"]", b",") if body[at : at + 1] == b"[" else (b"}", b",:")
    begin, depth, count = at + 1, 0, 0
    for token in islice(_TOKEN.finditer(body, at + 1), TOKENS_MAX):
        found = token.group()
        match found[:1]:
            case b'"' if len(found) == 1:
                raise ValueError("a string never ends")
            case b"[" | b"{":
                depth += len(found)
            case b"]" | b"}" if len(found) <= depth:
                depth -= len(found)
            case b"]" | b"}":
                end = token.start() + depth
                if body[end : end + 1] != closer:
                    raise ValueError("another bracket closes it")
                span = _stripped(body, begin, end)
                if count or span[0] < span[1]:
                    yield span
                if not is_inner and body[end + 1 :].strip(_WHITESPACE):
                    raise ValueError("something follows")
                return
            case separator if not depth and separator in separators:
                yield _stripped(body, begin, token.start())
                begin, count = token.end(), count + 1
    raise ValueError("a bracket never closes, or there are too many")


def _stripped(body: bytes, begin: int, end: int) -> tuple[int, int]:
    """Returns the span without the white space around it."""
    while begin < end and body[begin] in _WHITESPACE:
        begin += 1
    while begin < end and body[end - 1] in _WHITESPACE:
        end -= 1
    return begin, end
