"""Mends typing slips in the words that tell of great firsts: frist, wlaking, claped, stepsss.

Owns the words that are mended (`slips.toml`). A slip is one letter left out, doubled, added or changed, or two letters that
changed places; real words that look like slips are listed and left. Knows no grammar.

The index of words by what is left of them without one letter (symmetric delete, as in SymSpell) finds a slip in as many
look-ups as a word has letters; a library for edit distance would compare each word of a note with all of ours.
"""

import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from importlib import resources
from typing import Final

LETTERS_MIN: Final = 5
"""Of shorter words only letters that changed places are mended: they are one letter from too many others."""
SHORT_MIN: Final = 4
LETTERS_MAX: Final = 20
STRETCHED: Final = re.compile(r"([^\W\d_])\1{2,}")


@lru_cache(maxsize=8_192)
def mended(word: str) -> str:
    """Return the word that was meant, or the word itself."""
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
    """Say whether one slip of the keys makes `word` of `right`. The first letter is seldom wrong, and never here."""
    if word[0] != right[0]:
        return False
    at = next((at for at, (one, other) in enumerate(zip(word, right, strict=False)) if one != other), min(len(word), len(right)))
    rest, meant = word[at:], right[at:]
    is_swapped = rest[:2] == meant[:2][::-1] and rest[2:] == meant[2:]
    if len(right) < LETTERS_MIN or is_swapped:
        return is_swapped
    return (
        rest[1:] == meant  # one too many
        or rest == meant[1:]  # one left out
        or (rest[1:] == meant[1:] and (len(word) > LETTERS_MIN or {rest, meant} == {"d", "t"}))  # another one
    )


def _bare(word: str) -> str:
    if word.isascii():
        return word
    return "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))


@cache
def _accented() -> dict[str, str]:
    """The right words that have accents, by what is left without: laüft and lauft are läuft."""
    return {_bare(word): word for word in sorted(_index()[0]) if not word.isascii() and _bare(word) not in _index()[1]}


def _rests(word: str) -> set[str]:
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


@cache
def _index() -> tuple[frozenset[str], frozenset[str], dict[str, tuple[str, ...]]]:
    """The right words, the real words that are no slips, and the right words by what one letter less leaves of them."""
    file = tomllib.loads((resources.files("service.daycare.prose") / "slips.toml").read_text("utf-8"))
    words = frozenset(file["right"].split())
    by_rest: dict[str, list[str]] = {}
    for word in sorted(words):
        for rest in _rests(word):
            by_rest.setdefault(rest, []).append(word)
    return words, frozenset(file["real"].split()), {rest: tuple(found) for rest, found in by_rest.items()}
