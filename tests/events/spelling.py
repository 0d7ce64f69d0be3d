"""Spells a JSON value in one of the many ways in which it may be spelled: order, white space, escapes, keys that stand twice."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

WHITE = st.text(" \t\n\r", max_size=2)
TEXTS = st.text('"\\\\:,{}[]/ aé\u2028🎉\t\n', min_size=1, max_size=12)
"""Texts in which the marks of JSON stand, and those that have to be escaped."""
FREE = frozenset({"note", "text", "words", "feelings"})
"""Keys whose value may be any text: the second of two need not say what the first says."""
SHORT = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def spelled(value: Any, data: st.DataObject, *, doubles: Callable[[], bool] = lambda: False) -> str:
    """One spelling of a value. `doubles` is asked for each key whether it stands twice, with the same value or another."""
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
    pairs += [(key, data.draw(st.one_of(st.just(inner), TEXTS)) if key in FREE else inner) for key, inner in pairs if doubles()]
    written = [
        _padded(text(key, data), data) + ":" + _padded(spelled(inner, data, doubles=doubles), data)
        for key, inner in data.draw(st.permutations(pairs))
    ]
    return "{" + ",".join(written) + "}"


def _padded(written: str, data: st.DataObject) -> str:
    return data.draw(WHITE) + written + data.draw(WHITE)


def text(value: str, data: st.DataObject) -> str:
    """A text with some of its characters escaped, in one of two ways, whether they need it or not."""
    # One number draws for all characters: a draw for each would be most of the test's time.
    choices = data.draw(st.integers(0, 3 ** min(len(value), 40) - 1)) if data.draw(st.booleans()) else 0
    written = []
    for character in value:
        choices, choice = divmod(choices, 3)
        needs_escape = character in '"\\' or character < " "
        if choice == 2 or (needs_escape and character not in SHORT):
            written.append(_by_number(character))
        elif needs_escape or (choice == 1 and character in SHORT):
            written.append(SHORT[character])
        else:
            written.append(character)
    return '"' + "".join(written) + '"'


def _by_number(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
