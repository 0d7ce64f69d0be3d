"""Corrects typing errors in the words that mention great firsts: frist, wlaking, claped, stepsss.

Owns the list of words that are corrected (`typing_errors.toml`). A typing error is one letter missing, doubled, added or changed,
or two letters swapped. The list also contains real words that look like a typing error; they are not changed. Knows no grammar.

The index contains each listed word under all its forms with one letter removed (symmetric delete, as in SymSpell). So a
correction takes one look-up for each letter of the word. A library for edit distance would compare each word with the whole list.
"""

import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from importlib import resources
from typing import Final

LETTERS_MIN: Final = 5
"""Number of letters below which only swapped letters are corrected: too many real words differ from a short word by one
letter."""
SHORT_MIN: Final = 4
LETTERS_MAX: Final = 20
STRETCHED: Final = re.compile(r"([^\W\d_])\1{2,}")


@lru_cache(maxsize=8_192)
def corrected(word: str) -> str:
    """Returns the correct spelling of a listed word with a typing error. Returns any other word unchanged."""
    words, real_words, by_form = _index()
    if (correct := _accented().get(_without_accents(word))) is not None and word not in words:
        return correct
    if word in words or word in real_words or not SHORT_MIN <= len(word) <= LETTERS_MAX * 4 or not word.isalpha():
        return word
    for short in (STRETCHED.sub(r"\1", word), STRETCHED.sub(r"\1\1", word)) if STRETCHED.search(word) else ():
        if short in words or short in real_words:
            return short
    if len(word) > LETTERS_MAX:
        return word
    near = {one for form in _forms_with_letter_removed(word) for one in by_form.get(form, ()) if _is_typing_error(word, one)}
    return min(near, default=word)


def _is_typing_error(word: str, listed: str) -> bool:
    """Returns whether `word` is `listed` with one typing error.

    The first letters must be equal, because they are seldom mistyped.
    """
    if word[0] != listed[0]:
        return False
    pairs = enumerate(zip(word, listed, strict=False))
    at = next((at for at, (one, other) in pairs if one != other), min(len(word), len(listed)))
    rest, expected = word[at:], listed[at:]
    is_swapped = rest[:2] == expected[:2][::-1] and rest[2:] == expected[2:]
    if len(listed) < LETTERS_MIN or is_swapped:
        return is_swapped
    return (
        rest[1:] == expected  # a letter is added
        or rest == expected[1:]  # a letter is missing
        or (rest[1:] == expected[1:] and (len(word) > LETTERS_MIN or {rest, expected} == {"d", "t"}))  # a letter is changed
    )


def _without_accents(word: str) -> str:
    """Returns a word without accents."""
    if word.isascii():
        return word
    return "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))


@cache
def _accented() -> dict[str, str]:
    """Returns the listed words with accents, by their spelling without accents: `läuft` by `lauft`."""
    words, real_words, _ = _index()
    accented = ((_without_accents(word), word) for word in sorted(words) if not word.isascii())
    return {plain: word for plain, word in accented if plain not in real_words}


def _forms_with_letter_removed(word: str) -> set[str]:
    """Returns a word, and all its forms with one letter removed."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


@cache
def _index() -> tuple[frozenset[str], frozenset[str], dict[str, tuple[str, ...]]]:
    """Returns the listed words, the real words that are not changed, and the listed words by their forms with one letter less."""
    file = tomllib.loads((resources.files("service.daycare.prose") / "typing_errors.toml").read_text("utf-8"))
    words = frozenset(file["words"].split())
    by_form: dict[str, list[str]] = {}
    for word in sorted(words):
        for form in _forms_with_letter_removed(word):
            by_form.setdefault(form, []).append(word)
    return words, frozenset(file["real_words"].split()), {form: tuple(found) for form, found in by_form.items()}
