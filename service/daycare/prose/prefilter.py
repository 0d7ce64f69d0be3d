"""Tells in a few microseconds of most notes that they tell of nothing: of no cue all the words are there that it needs.

Notes are many, and most of them say what was eaten and how long was slept. Knows no rule: it lets through whatever may have a
cue, and holds back nothing that has one.
"""

import re
from collections import defaultdict
from functools import cache, partial
from typing import Final

from service.daycare.prose.cues import CHILD, Pattern, languages

LETTERS: Final = re.compile(r"[^\W\d_]+")

Needs = frozenset[frozenset[str]]
"""Sets of words, of each of which one has to be there."""


def may_tell(text: str) -> bool:
    """Whether a cue may stand in a text: the words of one are there, in whatever order."""
    words, needed = frozenset(LETTERS.findall(text.lower())), _needed()
    return any(_are_met(needs, words) for word in words & needed.keys() for needs in needed[word])


def _are_met(needs: Needs, words: frozenset[str]) -> bool:
    return not any(map(words.isdisjoint, needs))


@cache
def _needed() -> dict[str, frozenset[Needs]]:
    """Words of which one stands in every text that has a cue, and what else such a cue needs."""
    needed: defaultdict[str, set[Needs]] = defaultdict(set)
    for language in languages():
        for cue in (cue for cues in language.cues.values() for cue in cues):
            certain = _certain(cue.pattern)
            rarest = max(certain, key=partial(_rarity, marks=language.marks))
            others = frozenset(_letters(words) for words in certain if words is not rarest)
            for word in _letters(rarest):
                needed[word].add(others)
    return {word: frozenset(needs) for word, needs in needed.items()}


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
