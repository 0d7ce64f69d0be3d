"""Skips notes without milestones in a few microseconds: a note is read only if it has all words of some cue or trigger pattern.

Most notes are about meals and naps, so most are skipped. Ignores order and grammar: it may pass a note without a milestone, but
never skips one that the reader would find something in.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, partial
from typing import Final

from service.daycare.prose.cues import languages
from service.daycare.prose.nets import doubts
from service.daycare.prose.patterns import CHILD, Pattern, Words
from service.daycare.prose.slips import mended
from service.daycare.prose.text import QUOTATION

LETTERS: Final = re.compile(r"[^\W\d_]+")

Needs = frozenset[frozenset[str]]
"""Sets of words. A text has to contain at least one word of each set."""


def may_tell(text: str) -> bool:
    """Returns whether a text has to be read: it has all words of a pattern in any order, signs of two kinds, or a quotation."""
    words, needed, parts = frozenset(map(mended, LETTERS.findall(text.lower()))), _needed(), _parts()
    return (
        any(_are_met(needs, words) for word in words & needed.keys() for needs in needed[word])
        or any(word.startswith(parts.beginnings) or word.endswith(parts.ends) for word in words)
        or any(of.are_signs(words) for of in doubts().values())
        or QUOTATION.search(text) is not None
    )


def _are_met(needs: Needs, words: frozenset[str]) -> bool:
    return not any(map(words.isdisjoint, needs))


@cache
def _needed() -> dict[str, frozenset[Needs]]:
    """Returns the rarest required words of every pattern, each with the sets of other words that its patterns require."""
    needed: defaultdict[str, set[Needs]] = defaultdict(set)
    for pattern, marks in _patterns():
        if not _is_partial(pattern) and (certain := _certain(pattern)):
            rarest = max(certain, key=partial(_rarity, marks=marks))
            others = frozenset(_letters(words) for words in certain if words is not rarest)
            for word in _letters(rarest):
                needed[word].add(others)
    return {word: frozenset(needs) for word, needs in needed.items()}


@cache
def _parts() -> Words:
    """Returns the beginnings and ends of words in patterns that require no whole word."""
    firsts = [pattern.steps[0].words for pattern, _ in _patterns() if _is_partial(pattern) or not _certain(pattern)]
    begun = {one for words in firsts for one in words.beginnings} | {one for words in firsts for one in words.whole}
    return Words(frozenset(), tuple(begun), tuple({one for words in firsts for one in words.ends}))


def _patterns() -> Iterator[tuple[Pattern, frozenset[str]]]:
    """Yields every pattern of cues and trigger words, with the frequent words of its language."""
    for language in languages():
        yield from ((cue.pattern, language.marks) for cues in language.cues.values() for cue in cues)
        of = doubts()[language.name]
        for index in (of.vague, *(net.words for net in of.nets)):
            yield from ((one, language.marks) for patterns in index.by_word.values() for one in patterns)
            yield from ((one, language.marks) for one in index.partial)


def _is_partial(pattern: Pattern) -> bool:
    return bool(pattern.steps[0].words.beginnings or pattern.steps[0].words.ends)


def _certain(pattern: Pattern) -> list[frozenset[str]]:
    """Returns the words of each step that a pattern requires. Steps that may be a name or a number are left out."""
    return [
        step.words.whole
        for step in pattern.steps
        if not (step.is_optional or step.gap or step.words.beginnings or step.words.ends)
        and CHILD not in step.words.whole
        and all(map(LETTERS.search, step.words.whole))
    ]


def _rarity(words: frozenset[str], *, marks: frozenset[str]) -> tuple[int, int]:
    """Returns a sort key that is larger for rarer words: fewer of them are frequent words, and they are longer."""
    return -len(words & marks), min(map(len, words))


def _letters(words: frozenset[str]) -> frozenset[str]:
    """Returns the first run of letters of each word, which is how a word appears among the letters of a text."""
    return frozenset(LETTERS.findall(word)[0] for word in words)
