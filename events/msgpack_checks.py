"""Checks MessagePack for what the decoder accepts and the service refuses: duplicate keys, bytes, extensions, NUL in a text.

Owns these checks. They run after the body was decoded as a type that refuses unknown fields: then the value is no deeper and no
larger than the type allows. If the checks ran before the decoding, a megabyte of nested empty lists would block the event loop
for seconds.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from events.errors import BodyMalformed, BodyTooDeep, DuplicateKey, TextHasNul
from events.json_checks import DEPTH_MAX, joined

FIXMAP: Final = 0x80
MAP_16, MAP_32 = 0xDE, 0xDF
FIXARRAY: Final = 0x90
ARRAY_16, ARRAY_32 = 0xDC, 0xDD
PAIRS_CHECKED_MAX: Final = 64
"""The refusal names the duplicate key only in a map of at most this many pairs, because the search in a large map is slow."""


class _Key:
    """A map key that equals no other key, so that a dict keeps both pairs of a duplicate key. Else only the last pair is kept."""

    def __init__(self, text: Any) -> None:
        self.text = text


def _key(kind: type[Any], found: Any) -> Any:
    if kind is _Key and isinstance(found, str):
        return _Key(found)
    raise BodyMalformed("A key is text.")


_pairs_of_map = msgspec.msgpack.Decoder(dict[_Key, msgspec.Raw], dec_hook=_key)
_items_of_array = msgspec.msgpack.Decoder(list[msgspec.Raw])
_scalar = msgspec.msgpack.Decoder()


def refuse_duplicate_outer_keys(body: bytes, *, fields: int) -> None:
    """Raises DuplicateKey if the outermost map contains a key twice.

    `body` was decoded as a type with `fields` fields, all of them required. A map begins with its number of pairs, so for a
    correct body one comparison is enough.
    """
    match body[0]:
        case 0xDE:
            pairs = int.from_bytes(body[1:3], "big")
        case 0xDF:
            pairs = int.from_bytes(body[1:5], "big")
        case first:
            pairs = first - FIXMAP
    if pairs == fields:
        return
    if pairs <= PAIRS_CHECKED_MAX:
        for _ in _children(msgspec.Raw(body), is_map=True, at=""):
            continue
    raise DuplicateKey("A key stands twice.")


def refuse_loose_msgpack(body: bytes | msgspec.Raw, *, at: str = "") -> None:
    """Checks a small MessagePack value, with one decoding for each level. `at` is the path of the value within the whole body.

    Raises:
        DuplicateKey: a map contains a key twice.
        TextHasNul: a text contains the character NUL.
        BodyTooDeep: maps and lists are nested more than 16 levels deep.
        BodyMalformed: a key is not a text, or a value is bytes or an extension other than a timestamp.
    """
    try:
        _check(msgspec.Raw(body), at=at, depth=1)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BodyMalformed(f"The body is not MessagePack: {error}.", at=at or None) from None


def _check(raw: msgspec.Raw, *, at: str, depth: int) -> None:
    octets = memoryview(raw)
    first = octets[0] if octets else 0
    if _is_map(first) or _is_array(first):
        if depth > DEPTH_MAX:
            raise BodyTooDeep(f"Objects and lists nest at most {DEPTH_MAX} deep.", at=at[:200] or None)
        for inner, path in _children(raw, is_map=_is_map(first), at=at):
            _check(inner, at=path, depth=depth + 1)
        return
    match _scalar.decode(raw):
        case str() as text if "\0" in text:
            raise TextHasNul("A text cannot hold the character NUL.", at=at[:200] or None)
        case str() | bool() | int() | float() | datetime() | None:
            return
        case _:
            raise BodyMalformed("The body holds bytes or an extension.", at=at[:200] or None)


def _children(raw: msgspec.Raw, *, is_map: bool, at: str) -> Iterator[tuple[msgspec.Raw, str]]:
    if not is_map:
        for index, inner in enumerate(_items_of_array.decode(raw)):
            yield inner, f"{at}[{index}]"
        return
    seen: set[str] = set()
    for key, inner in _pairs_of_map.decode(raw).items():
        path = joined(at, key.text)
        if key.text in seen:
            raise DuplicateKey(f"The key {json.dumps(key.text[:80])} stands twice in one object.", at=path[:200])
        if "\0" in key.text:
            raise TextHasNul("A text cannot hold the character NUL.", at=at[:200] or None)
        seen.add(key.text)
        yield inner, path


def _is_map(first: int) -> bool:
    return FIXMAP <= first < FIXARRAY or first in (MAP_16, MAP_32)


def _is_array(first: int) -> bool:
    return FIXARRAY <= first <= 0x9F or first in (ARRAY_16, ARRAY_32)
