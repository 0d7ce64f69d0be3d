"""Tells in a few microseconds of most notes that they tell of nothing: of no cue and no net are all the words there.

Notes are many, and most of them say what was eaten and how long was slept. Knows no rule: it lets through whatever may have a
cue or a word of a net, and holds back nothing that has one.
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
"""Sets of words, of each of which one has to be there."""


def may_tell(text: str) -> bool:
    """Whether a cue or a word of a net may be in a text: its words are there, in whatever order; or few are quoted."""
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
    """Words of which one stands in every text that has a pattern, and what else such a pattern needs."""
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
    """The beginnings and ends of words in patterns that need no whole word."""
    firsts = [pattern.steps[0].words for pattern, _ in _patterns() if _is_partial(pattern) or not _certain(pattern)]
    begun = {one for words in firsts for one in words.beginnings} | {one for words in firsts for one in words.whole}
    return Words(frozenset(), tuple(begun), tuple({one for words in firsts for one in words.ends}))


def _patterns() -> Iterator[tuple[Pattern, frozenset[str]]]:
    """Every pattern for which a text is read, and the small words of its language."""
    for language in languages():
        yield from ((cue.pattern, language.marks) for cues in language.cues.values() for cue in cues)
        of = doubts()[language.name]
        for index in (of.vague, *(net.words for net in of.nets)):
            yield from ((one, language.marks) for patterns in index.by_word.values() for one in patterns)
            yield from ((one, language.marks) for one in index.partial)


def _is_partial(pattern: Pattern) -> bool:
    return bool(pattern.steps[0].words.beginnings or pattern.steps[0].words.ends)


def _certain(pattern: Pattern) -> list[frozenset[str]]:
    """The words that a pattern cannot do without, for each step that has to be there and cannot be a name or a number."""
    return [
        step.words.whole
        for step in pattern.steps
        if not (step.is_optional or step.gap or step.words.beginnings or step.words.ends)
        and CHILD not in step.words.whole
        and all(map(LETTERS.search, step.words.whole))
    ]


def _rarity(words: frozenset[str], *, marks: frozenset[str]) -> tuple[int, int]:
    """How few notes have one of these words: few of the small, and long ones."""
    return -len(words & marks), min(map(len, words))


def _letters(words: frozenset[str]) -> frozenset[str]:
    """What is found of words among the letters of a text."""
    return frozenset(LETTERS.findall(word)[0] for word in words)
