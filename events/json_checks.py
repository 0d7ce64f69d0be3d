"""What no JSON of ours may be, and no decoder refuses by itself: keys that stand twice, texts with NUL, bytes that are not UTF-8.

Owns these checks, and how a refusal names the field, also of what a decoder does refuse. Knows no event.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from events.errors import BodyMalformed, BodyTooDeep, DuplicateKey, FieldInvalid, TextHasNul

DEPTH_MAX: Final = 16
DETAIL_MAX: Final = 300
AT_MAX: Final = 200
_SURROGATE_ESCAPED: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
SAID_OF_IT: Final = ("surrogate", "hex escape", "truncated")
"""What the decoder says of half a character: it looks for the other half, and may meet the end of the body first."""


def require_utf8(body: bytes) -> None:
    """Refuse bytes that are not UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BodyMalformed(f"The body is not UTF-8: byte {error.start} is wrong.") from None


def bare_quotes(text: bytes | msgspec.Raw) -> int:
    """Count the quotes that no backslash precedes: two for every key and every text of a JSON value.

    A body and the canonical form of what was decoded from it have the same count, unless the body names a key twice, or
    names an optional field only to say null or its default. So one scan tells whether a closer look is needed. (A text which
    ends in a backslash counts one less; spelling that backslash another way counts more in the body, and costs only the
    closer look.)
    """
    octets = bytes(text)
    count = octets.count(b'"')
    return count - octets.count(b'\\"') if b"\\" in octets else count


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written: also what it says twice."""


def refuse_duplicate_keys(body: bytes, *, at: str = "") -> None:
    """Refuse JSON in which an object names a key twice. Slower than decoding: called where the count of keys is off."""
    pairs = _pairs_in(body, at=at)
    try:
        _refuse_doubled(pairs, at)
    except RecursionError:
        raise _too_deep(at) from None


def _refuse_doubled(value: Any, at: str) -> None:
    match value:
        case _Pairs():
            seen = set()
            for key, inner in value:
                path = joined(at, key[:80])
                if key in seen:
                    raise DuplicateKey(f"The key {json.dumps(key[:80])} stands twice in one object.", at=path[:200])
                seen.add(key)
                _refuse_doubled(inner, path)
        case list():
            for index, inner in enumerate(value):
                _refuse_doubled(inner, f"{at}[{index}]")
        case _:
            return


def refuse_duplicate_outer_keys(body: bytes) -> None:
    """Refuse a JSON object that itself names a key twice. What is doubled inside of its values is their own affair."""
    keys = [key for key, _ in _pairs_in(body, at="")]
    for key in keys:
        if keys.count(key) > 1:
            raise DuplicateKey(f"The key {json.dumps(key)} stands twice.", at=key)


def _pairs_in(body: bytes, *, at: str) -> Any:
    try:
        return json.loads(body, object_pairs_hook=_Pairs)
    except RecursionError:
        raise _too_deep(at) from None
    except ValueError:
        # JSON all the same, as a whole: a number of thousands of digits, which Python's own reader will not turn into an int.
        raise BodyMalformed("The body holds a value that cannot be read.", at=at or None) from None


def _too_deep(at: str) -> BodyTooDeep:
    return BodyTooDeep(f"Objects and lists nest at most {DEPTH_MAX} deep.", at=at or None)


def refuse_nul(body: bytes, *, at: str = "") -> None:
    """Refuse JSON in which a text holds the character NUL, and name the field."""
    for path, text in _texts(json.loads(body), at):
        if "\0" in text:
            raise TextHasNul("A text cannot hold the character NUL.", at=path or None)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for key, inner in value.items():
                yield from _texts(key, path)
                yield from _texts(inner, joined(path, key))
        case list():
            for index, inner in enumerate(value):
                yield from _texts(inner, f"{path}[{index}]")
        case _:
            return


def may_be_half_a_character(body: bytes, error: Exception) -> bool:
    """Whether an escape without its other half, a lone surrogate, may be what the decoder stumbled over."""
    return any(words in str(error) for words in SAID_OF_IT) and _SURROGATE_ESCAPED.search(body) is not None


def not_json(body: bytes, error: Exception, *, at: str = "") -> BodyMalformed | BodyTooDeep:
    """Turn what a decoder gave up with into a refusal that names the field, where there is one to name.

    `at` is the path of the value within the whole body.
    """
    if isinstance(error, RecursionError):
        return _too_deep(at)
    if may_be_half_a_character(body, error) and (found := _half_a_character_at(body, at)) is not None:
        return BodyMalformed("The text holds half a character: a lone surrogate.", at=found[:AT_MAX] or None)
    return BodyMalformed(f"The body is not JSON: {error}.", at=at or None)


def _half_a_character_at(body: bytes, at: str) -> str | None:
    """The path of the first text that holds a lone surrogate; for a key, that of its object. None: none is found."""
    try:
        return next((path for path, text in _texts(json.loads(body), at) if _LONE_SURROGATE.search(text) is not None), None)
    except (ValueError, RecursionError):
        return None


def joined(path: str, key: str) -> str:
    """The path of a field within what stands at `path`."""
    return f"{path}.{key}" if path else key


def invalid_field(error: msgspec.ValidationError, *, within: str = "") -> FieldInvalid:
    """Turn msgspec's sentence into a refusal which names the field as `within.event.note`."""
    sentence, _, path = str(error).partition(" - at `")
    # A key that is no text is told as "at `key` in `$.event`".
    at = path.rpartition("` in `")[2].rstrip("`").removeprefix("$").removeprefix(".").replace("[...]", "")
    if (named := re.match(r"Object (?:contains unknown|missing required) field `(.*)`", sentence, re.DOTALL)) is not None:
        at = joined(at, named[1])
    if within:
        at = f"{within}.{at}" if at and not at.startswith("[") else within + at
    # The sentence may quote what was sent, which may be as long as a body.
    return FieldInvalid(f"{sentence[:DETAIL_MAX]}.", at=at[:AT_MAX] or None)
