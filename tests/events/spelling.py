"""Encodes a JSON value at random in one of many texts with the same content.

The texts differ in the order of keys, in white space, in escapes, and in duplicate keys.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

WHITE_SPACE = st.text(" \t\n\r", max_size=2)
TEXTS = st.text('"\\\\:,{}[]/ aé\u2028🎉\t\n', min_size=1, max_size=12)
"""Texts that contain the punctuation of JSON, and characters that must be escaped."""
TEXT_KEYS = frozenset({"note", "text", "words", "feelings"})
"""Keys whose value can be any text. If such a key is written twice, the second value may differ from the first."""
SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def spelled(value: Any, data: st.DataObject, *, doubles: Callable[[], bool] = lambda: False) -> str:
    """Returns a random JSON text of a value. `doubles` is called for each key, and decides whether the key is written twice."""
    match value:
        case dict():
            return _object(value, data, doubles)
        case list():
            return "[" + ",".join(_padded(spelled(inner, data, doubles=doubles), data) for inner in value) + "]"
        case str():
            return text(value, data)
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case _:
            return str(value)


def _object(value: dict[str, Any], data: st.DataObject, doubles: Callable[[], bool]) -> str:
    pairs = list(value.items())
    twice = [(key, inner) for key, inner in pairs if doubles()]
    pairs += [(key, data.draw(st.one_of(st.just(inner), TEXTS)) if key in TEXT_KEYS else inner) for key, inner in twice]
    written = [
        _padded(text(key, data), data) + ":" + _padded(spelled(inner, data, doubles=doubles), data)
        for key, inner in data.draw(st.permutations(pairs))
    ]
    return "{" + ",".join(written) + "}"


def _padded(written: str, data: st.DataObject) -> str:
    return data.draw(WHITE_SPACE) + written + data.draw(WHITE_SPACE)


def text(value: str, data: st.DataObject) -> str:
    """Returns a JSON string. Some characters are escaped in one of two ways, even if they need no escape."""
    # One random number decides for all characters. One number for each character would take most of the test's time.
    choices = data.draw(st.integers(0, 3 ** min(len(value), 40) - 1)) if data.draw(st.booleans()) else 0
    written = []
    for character in value:
        choices, choice = divmod(choices, 3)
        needs_escape = character in '"\\' or character < " "
        if choice == 2 or (needs_escape and character not in SHORT_ESCAPES):
            written.append(_unicode_escape(character))
        elif needs_escape or (choice == 1 and character in SHORT_ESCAPES):
            written.append(SHORT_ESCAPES[character])
        else:
            written.append(character)
    return '"' + "".join(written) + '"'


def _unicode_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
