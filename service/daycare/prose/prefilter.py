"""Decides in a few microseconds whether a note has to be read: whether the note has all words of a cue or of a trigger pattern.

Most notes are about meals and naps, so most notes are skipped. The check ignores the order of the words and the grammar. A note
without milestones may pass the check, but a note in which `reader` would find a milestone is never skipped.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, partial
from typing import Final

from service.daycare.prose.cues import languages
from service.daycare.prose.patterns import CHILD, Pattern, Words
from service.daycare.prose.text import QUOTATION
from service.daycare.prose.trigger_words import triggers_by_language
from service.daycare.prose.typing_errors import corrected

LETTERS: Final = re.compile(r"[^\W\d_]+")

RequiredWords = frozenset[frozenset[str]]
"""Sets of alternative words. A text has to contain at least one word of each set."""


def may_have_milestones(text: str) -> bool:
    """Returns whether a text may have milestones.

    A text may have milestones if it has all words of a pattern in any order, signs of two kinds (see `trigger_words`), or a
    quotation.
    """
    words, required, parts = frozenset(map(corrected, LETTERS.findall(text.lower()))), _required(), _parts()
    return (
        any(_are_met(others, words) for word in words & required.keys() for others in required[word])
        or any(word.startswith(parts.beginnings) or word.endswith(parts.ends) for word in words)
        or any(triggers.are_signs(words) for triggers in triggers_by_language().values())
        or QUOTATION.search(text) is not None
    )


def _are_met(others: RequiredWords, words: frozenset[str]) -> bool:
    return not any(map(words.isdisjoint, others))


@cache
def _required() -> dict[str, frozenset[RequiredWords]]:
    """Returns, for each word that is the rarest required word of a pattern, the other words that the pattern requires."""
    required: defaultdict[str, set[RequiredWords]] = defaultdict(set)
    for pattern, marks in _patterns():
        if not _is_partial(pattern) and (certain := _certain(pattern)):
            rarest = max(certain, key=partial(_rarity, marks=marks))
            others = frozenset(_letters(words) for words in certain if words is not rarest)
            for word in _letters(rarest):
                required[word].add(others)
    return {word: frozenset(others) for word, others in required.items()}


@cache
def _parts() -> Words:
    """Returns beginnings and ends of words, for the patterns that require no whole word."""
    firsts = [pattern.steps[0].words for pattern, _ in _patterns() if _is_partial(pattern) or not _certain(pattern)]
    begun = {one for words in firsts for one in words.beginnings} | {one for words in firsts for one in words.whole}
    return Words(frozenset(), tuple(begun), tuple({one for words in firsts for one in words.ends}))


def _patterns() -> Iterator[tuple[Pattern, frozenset[str]]]:
    """Yields every pattern of cues and trigger words, each with the frequent words of the pattern's language."""
    for language in languages():
        yield from ((cue.pattern, language.frequent_words) for cues in language.cues.values() for cue in cues)
        triggers = triggers_by_language()[language.name]
        for index in (triggers.vague, *(one.words for one in triggers.sets)):
            yield from ((one, language.frequent_words) for patterns in index.by_word.values() for one in patterns)
            yield from ((one, language.frequent_words) for one in index.partial)


def _is_partial(pattern: Pattern) -> bool:
    return bool(pattern.steps[0].words.beginnings or pattern.steps[0].words.ends)


def _certain(pattern: Pattern) -> list[frozenset[str]]:
    """Returns the alternative words of each required step of a pattern. Leaves out steps that may be a name or a number."""
    return [
        step.words.whole
        for step in pattern.steps
        if not (step.is_optional or step.gap or step.words.beginnings or step.words.ends)
        and CHILD not in step.words.whole
        and all(map(LETTERS.search, step.words.whole))
    ]


def _rarity(words: frozenset[str], *, marks: frozenset[str]) -> tuple[int, int]:
    """Returns a sort key for alternative words.

    The key is larger if fewer of them are frequent words, and then if they are longer.
    """
    return -len(words & marks), min(map(len, words))


def _letters(words: frozenset[str]) -> frozenset[str]:
    """Returns the first run of letters of each word.

    The words of a text are compared in this form, without apostrophes and hyphens.
    """
    return frozenset(LETTERS.findall(word)[0] for word in words)
