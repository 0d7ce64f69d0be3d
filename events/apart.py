"""Takes a push apart where one draft in it holds half a character, so that this draft alone is refused.

A phone that cuts a text within an emoji keeps a lone surrogate, and writes it as an escape. That is JSON by its grammar, and
no text: the decoder gives up on all of the body, and the device could never send what else is waiting. Slower than the
decoder, and only for that case. Knows no draft.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from events.errors import BodyMalformed, FieldInvalid

_value_at: Final = json.JSONDecoder().raw_decode
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
SAID_OF_IT: Final = ("surrogate", "hex escape", "truncated")
"""What the decoder says: it looks for the other half, and may meet the end of the body first."""


def may_be_half_a_character(body: bytes, error: Exception) -> bool:
    """Whether this may be what the decoder stumbled over."""
    return any(words in str(error) for words in SAID_OF_IT) and _SURROGATE.search(body) is not None


def without_drafts(body: bytes) -> tuple[bytes, list[bytes]]:
    """The envelope of a push with no drafts in it, and its drafts, each in its own bytes.

    Raises:
        BodyMalformed: it is no JSON otherwise either.
        FieldInvalid: it is no object, or has no list of drafts.
    """
    text = body.decode()
    try:
        json.loads(text)
        start = _after_blank(text, 0)
        if text[start] != "{":
            raise FieldInvalid("Expected `object`.")
        outer = list(_spans(text, start))
        # Keys and values by turns. Of two lists of drafts this takes the last, and the decoder of the envelope refuses both.
        found = [span for key, span in zip(outer[::2], outer[1::2], strict=True) if json.loads(text[slice(*key)]) == "drafts"]
        if not found or text[found[-1][0]] != "[":
            raise FieldInvalid("Expected `array`.", at="drafts")
        begin, end = found[-1]
        drafts = [text[slice(*span)].encode() for span in _spans(text, begin)]
    except (ValueError, RecursionError):
        raise BodyMalformed("The body is not JSON.") from None
    return (text[:begin] + "[]" + text[end:]).encode(), drafts


def _spans(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Where each value stands that the list or object at `at` holds, keys among them. The text is known to be JSON."""
    at = _after_blank(text, at + 1)
    while text[at] not in "]}":
        _, end = _value_at(text, at)
        yield at, end
        at = _after_blank(text, end)
        if text[at] in ",:":
            at = _after_blank(text, at + 1)


def _after_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    assert found is not None, "it matches nothing too"
    return found.end()
