"""Corrects typing errors in the words that mention great firsts: frist, wlaking, claped, stepsss.

Owns the words that are corrected (`typing_errors.toml`). A typing error is one letter missing, doubled, added or changed, or two
letters swapped. Real words that look like one are listed and stay. Knows no grammar.

The index holds each word under every form of it with one letter removed (symmetric delete, as in SymSpell), so that a correction
takes one look-up for each letter. A library for edit distance would compare each word of a note with every word of the list.
"""

import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from importlib import resources
from typing import Final

LETTERS_MIN: Final = 5
"""In a shorter word only swapped letters are corrected: too many other words differ from it by one letter."""
SHORT_MIN: Final = 4
LETTERS_MAX: Final = 20
STRETCHED: Final = re.compile(r"([^\W\d_])\1{2,}")


@lru_cache(maxsize=8_192)
def mended(word: str) -> str:
    """Returns the listed word of which this one is a typing error, or the word itself."""
    right, real, by_rest = _index()
    if (meant := _accented().get(_bare(word))) is not None and word not in right:
        return meant
    if word in right or word in real or not SHORT_MIN <= len(word) <= LETTERS_MAX * 4 or not word.isalpha():
        return word
    for short in (STRETCHED.sub(r"\1", word), STRETCHED.sub(r"\1\1", word)) if STRETCHED.search(word) else ():
        if short in right or short in real:
            return short
    if len(word) > LETTERS_MAX:
        return word
    near = {one for rest in _rests(word) for one in by_rest.get(rest, ()) if _is_slip(word, one)}
    return min(near, default=word)


def _is_slip(word: str, right: str) -> bool:
    """Returns whether one typing error turns `right` into `word`. The first letter must be correct: it is seldom mistyped."""
    if word[0] != right[0]:
        return False
    at = next((at for at, (one, other) in enumerate(zip(word, right, strict=False)) if one != other), min(len(word), len(right)))
    rest, meant = word[at:], right[at:]
    is_swapped = rest[:2] == meant[:2][::-1] and rest[2:] == meant[2:]
    if len(right) < LETTERS_MIN or is_swapped:
        return is_swapped
    return (
        rest[1:] == meant  # a letter is added
        or rest == meant[1:]  # a letter is missing
        or (rest[1:] == meant[1:] and (len(word) > LETTERS_MIN or {rest, meant} == {"d", "t"}))  # a letter is changed
    )


def _bare(word: str) -> str:
    """Returns a word without accents."""
    if word.isascii():
        return word
    return "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))


@cache
def _accented() -> dict[str, str]:
    """Returns the listed words that have accents, by the word without them: laüft and lauft are läuft."""
    return {_bare(word): word for word in sorted(_index()[0]) if not word.isascii() and _bare(word) not in _index()[1]}


def _rests(word: str) -> set[str]:
    """Returns a word, and every form of it with one letter removed."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


@cache
def _index() -> tuple[frozenset[str], frozenset[str], dict[str, tuple[str, ...]]]:
    """Returns the listed words, the real words that stay, and the listed words by their forms with one letter removed."""
    file = tomllib.loads((resources.files("service.daycare.prose") / "slips.toml").read_text("utf-8"))
    words = frozenset(file["right"].split())
    by_rest: dict[str, list[str]] = {}
    for word in sorted(words):
        for rest in _rests(word):
            by_rest.setdefault(rest, []).append(word)
    return words, frozenset(file["real"].split()), {rest: tuple(found) for rest, found in by_rest.items()}
