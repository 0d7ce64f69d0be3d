"""What no MessagePack of ours may be, and no decoder refuses by itself: a key that stands twice, bytes, extensions, NUL.

Owns these checks for values that were decoded already, as types which refuse unknown fields: what is left to look through is
as flat and as small as they are. Looked through first, a megabyte of nothing would keep the loop for seconds.
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
LOOKED_THROUGH_MAX: Final = 64
"""Of more pairs than this it is not told which one is doubled: a push has room for a hundred thousand."""


class _Key:
    """A key that equals no other, so that a dict of them keeps both of two equal keys: msgspec would keep the last."""

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
    """Refuse a map that itself names a key twice; `body` was decoded as a type of so many fields, all of which are required.

    A map tells beforehand how many pairs it has: so this costs nothing where all is well.
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
    if pairs <= LOOKED_THROUGH_MAX:
        for _ in _inside(msgspec.Raw(body), is_map=True, at=""):
            continue
    raise DuplicateKey("A key stands twice.")


def refuse_loose_msgpack(body: bytes | msgspec.Raw, *, at: str = "") -> None:
    """Refuse MessagePack with a doubled key, a key that is no text, NUL in a text, bytes, extensions but timestamps, or depth.

    One decoding a level: for what is small. `at` is the path of the value within the whole body.
    """
    try:
        _look_through(msgspec.Raw(body), at=at, depth=1)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BodyMalformed(f"The body is not MessagePack: {error}.", at=at or None) from None


def _look_through(raw: msgspec.Raw, *, at: str, depth: int) -> None:
    octets = memoryview(raw)
    first = octets[0] if octets else 0
    if _is_map(first) or _is_array(first):
        if depth > DEPTH_MAX:
            raise BodyTooDeep(f"Objects and lists nest at most {DEPTH_MAX} deep.", at=at[:200] or None)
        for inner, path in _inside(raw, is_map=_is_map(first), at=at):
            _look_through(inner, at=path, depth=depth + 1)
        return
    match _scalar.decode(raw):
        case str() as text if "\0" in text:
            raise TextHasNul("A text cannot hold the character NUL.", at=at[:200] or None)
        case str() | bool() | int() | float() | datetime() | None:
            return
        case _:
            raise BodyMalformed("The body holds bytes or an extension.", at=at[:200] or None)


def _inside(raw: msgspec.Raw, *, is_map: bool, at: str) -> Iterator[tuple[msgspec.Raw, str]]:
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
