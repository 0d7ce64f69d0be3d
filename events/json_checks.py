"""Checks JSON for two mistakes that the decoder accepts and the service refuses: duplicate keys, and NUL in a text.

Owns these checks, and the path of the field in each refusal, also if the decoder itself has refused the body. Does not know
events.
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
SURROGATE_ERRORS: Final = ("surrogate", "hex escape", "truncated")
"""Words in the decoder's errors for a lone surrogate. `truncated` is for a body that ends before a character's second half."""


class _Pairs(list[tuple[str, Any]]):
    """The pairs of a JSON object in the order of the body. A duplicate key is in two pairs."""


def refuse_duplicate_keys(body: bytes, *, at: str = "") -> None:
    """Raises DuplicateKey if an object contains a key twice. `at` is the path of the value within the whole body.

    This check is slower than decoding, so callers run it only if `bare_quotes` shows that a key may be there twice.
    """
    pairs = _pairs_in(body, at=at)
    try:
        _refuse_duplicates_in(pairs, at)
    except RecursionError:
        raise _too_deep(at) from None


def _refuse_duplicates_in(value: Any, at: str) -> None:
    match value:
        case _Pairs():
            seen = set()
            for key, inner in value:
                path = joined(at, key[:80])
                if key in seen:
                    raise DuplicateKey(f"The key {json.dumps(key[:80])} stands twice in one object.", at=path[:200])
                seen.add(key)
                _refuse_duplicates_in(inner, path)
        case list():
            for index, inner in enumerate(value):
                _refuse_duplicates_in(inner, f"{at}[{index}]")
        case _:
            return


def refuse_duplicate_outer_keys(body: bytes) -> None:
    """Raises DuplicateKey if the outermost JSON object contains a key twice. Does not check objects within that object."""
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
        # The body is valid JSON, but has a number of thousands of digits, which Python does not convert to an int.
        raise BodyMalformed("The body holds a value that cannot be read.", at=at or None) from None


def _too_deep(at: str) -> BodyTooDeep:
    return BodyTooDeep(f"Objects and lists nest at most {DEPTH_MAX} deep.", at=at or None)


def refuse_nul(body: bytes, *, at: str = "") -> None:
    """Raises TextHasNul, with the path of the field, if a text contains the character NUL."""
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


def may_be_lone_surrogate(body: bytes, error: Exception) -> bool:
    """Returns whether the decoder may have failed because of a lone surrogate (an escape of half a character)."""
    return any(words in str(error) for words in SURROGATE_ERRORS) and _SURROGATE_ESCAPED.search(body) is not None


def not_json(body: bytes, error: Exception, *, at: str = "") -> BodyMalformed | BodyTooDeep:
    """Returns the refusal for a decoder's error, with the path of the field if that is known.

    `at` is the path of the value within the whole body.
    """
    if isinstance(error, RecursionError):
        return _too_deep(at)
    if may_be_lone_surrogate(body, error) and (found := _path_of_lone_surrogate(body, at)) is not None:
        return BodyMalformed("The text holds half a character: a lone surrogate.", at=found[:AT_MAX] or None)
    return BodyMalformed(f"The body is not JSON: {error}.", at=at or None)


def _path_of_lone_surrogate(body: bytes, at: str) -> str | None:
    """Returns the path of the first text with a lone surrogate, or None. For a key, returns the path of the key's object."""
    try:
        return next((path for path, text in _texts(json.loads(body), at) if _LONE_SURROGATE.search(text) is not None), None)
    except (ValueError, RecursionError):
        return None


def joined(path: str, key: str) -> str:
    """Returns the path of the field `key` of the object at `path`."""
    return f"{path}.{key}" if path else key


def invalid_field(error: msgspec.ValidationError, *, within: str = "") -> FieldInvalid:
    """Returns the refusal for msgspec's error, with the path of the field, such as `within.event.note`."""
    sentence, _, path = str(error).partition(" - at `")
    # For a key that is not a text, msgspec writes "at `key` in `$.event`".
    at = path.rpartition("` in `")[2].rstrip("`").removeprefix("$").removeprefix(".").replace("[...]", "")
    if (named := re.match(r"Object (?:contains unknown|missing required) field `(.*)`", sentence, re.DOTALL)) is not None:
        at = joined(at, named[1])
    if within:
        at = f"{within}.{at}" if at and not at.startswith("[") else within + at
    # The sentence may quote a value of the body, and that value may be as long as the body.
    return FieldInvalid(f"{sentence[:DETAIL_MAX]}.", at=at[:AT_MAX] or None)
