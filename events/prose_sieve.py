"""Tells in a microsecond or two of most notes that they tell of nothing: none of the words is there that every cue needs.

Notes are many, and most of them say what was eaten and how long was slept. Knows no rule: it lets through whatever may have a
cue, and holds back nothing that has one.
"""

import re
from functools import cache
from typing import Final

from events.prose_cues import CHILD, Language, Pattern, languages

LETTERS: Final = re.compile(r"[^\W\d_]+")


def may_tell(text: str) -> bool:
    """Whether a cue may stand in a text."""
    return not _needed().isdisjoint(LETTERS.findall(text.lower()))


@cache
def _needed() -> frozenset[str]:
    """Letters of which some stand in every text that has a cue."""
    every = ((language, cue.pattern) for language in languages() for cues in language.cues.values() for cue in cues)
    return frozenset(LETTERS.findall(word)[0] for language, pattern in every for word in _rarest(pattern, language))


def _rarest(pattern: Pattern, language: Language) -> frozenset[str]:
    """Of the words that a pattern cannot do without, those that stand in the fewest notes: long ones, and none of the small."""
    certain = [
        step.words.whole
        for step in pattern.steps
        if not (step.is_optional or step.gap or step.words.beginnings or step.words.ends) and CHILD not in step.words.whole
    ]
    return max(certain, key=lambda words: (-len(words & language.marks), min(map(len, words))))
