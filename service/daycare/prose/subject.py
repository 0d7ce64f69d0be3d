"""Finds the subject of a clause: this child, another person, or nobody who is named.

Owns the subject rule. It knows no milestone: the places of the cues are an argument. The rule is an allow list: between the
child's name and the cue it accepts only words that are known to keep the child the subject. A clause with any other word there is
UNCLEAR.
"""

import enum
from collections.abc import Sequence
from typing import Final

import msgspec

from service.daycare.prose.cues import Language, ReadCue
from service.daycare.prose.text import Token

BETWEEN_MAX: Final = 12
"""How many words before a cue are searched for its subject: more than staff write, and a bound on the time for any text."""


class ClauseSubject(enum.Enum):
    """The subject of a clause."""

    CHILD = enum.auto()
    PRONOUN = enum.auto()
    SPEAKER = enum.auto()
    PERSON = enum.auto()
    OTHER = enum.auto()
    UNCLEAR = enum.auto()
    NOBODY = enum.auto()
    """The clause names nobody: its subject is that of the clause before, or the child if there is none."""


THE_CHILD: Final = frozenset({ClauseSubject.CHILD, ClauseSubject.PRONOUN, ClauseSubject.NOBODY})


class Memory(msgspec.Struct):
    """The people whom a note has mentioned so far, to decide what the next "she" refers to."""

    is_of_another: bool = False
    """The last subject is another person."""
    has_rival: bool = False
    """Another person was mentioned after the child was last named."""
    gender: str | None = None
    """`she` or `he`, as soon as one pronoun certainly meant the child."""

    def meet(self, who: ClauseSubject) -> None:
        """Records the subject of a clause."""
        if who is ClauseSubject.CHILD:
            self.is_of_another = self.has_rival = False
        elif who is ClauseSubject.PERSON:
            self.is_of_another = True


class Match(msgspec.Struct, frozen=True):
    """A cue that was found in the words from `start` up to, not including, `end`."""

    start: int
    end: int
    cue: ReadCue


class Clauses(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence in one language: its words, the clause number of each word, where each clause starts, and the cues found."""

    language: Language
    tokens: tuple[Token, ...]
    clause_of: tuple[int, ...]
    starts: tuple[int, ...]
    matches: tuple[Match, ...]
    covered: frozenset[int]
    """The places of the words that are part of a cue."""
    is_question: bool = False

    def end(self, clause: int) -> int:
        """Returns the place after the last word of a clause."""
        return self.starts[clause + 1] if clause + 1 < len(self.starts) else len(self.tokens)

    def is_in(self, at: int, *lists: str) -> bool:
        """Returns whether the word at this place is in one of these word lists of the language."""
        roles = self.language.roles.get(self.tokens[at].word)
        return roles is not None and not roles.isdisjoint(lists)

    def is_name(self, at: int) -> bool:
        """Returns whether a word looks like another person's name: it has a capital, and no article is before it.

        In German, where every noun has a capital, a link word must be before it, too. So "mit Leo" is a name, and "mit Klötzen"
        is wrongly taken for one: the milestone is then only possible instead of certain.
        """
        token = self.tokens[at]
        if not token.is_capital or token.is_child or token.is_quoted or at == 0:
            return False
        if not self.language.file.all_names_are_capital and not self.is_in(at - 1, "links"):
            return False
        return not self.is_in(at, "things", "she", "he", "speakers", "titles") and not self.is_in(at - 1, "determiners", "titles")


def clauses_of(tokens: Sequence[Token], language: Language) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the clause number of each word, and the place where each clause starts.

    A clause starts at a punctuation mark such as a comma, and at a conjunction (and, but, when).
    """
    clause_of: list[int] = []
    starts = [0]
    for at, token in enumerate(tokens):
        if at and (token.follows_break or (token.word in language.words["joints"] and not token.is_quoted)):
            starts.append(at)
        clause_of.append(len(starts) - 1)
    return tuple(clause_of), tuple(starts)


def subject_of(line: Clauses, clause: int, memory: Memory) -> ClauseSubject:
    """Returns the subject of a clause, found by its first words."""
    for at in range(line.starts[clause], line.end(clause)):
        if at in line.covered:
            return ClauseSubject.NOBODY
        if (who := _named(line, at, memory)) is not None:
            return who
        if line.is_in(at, "adjuncts"):
            return _after_adjunct(line, at, line.end(clause), memory)
        if line.tokens[at].is_quoted or line.is_in(at, "between", "openers", "determiners", "joints"):
            continue
        if line.is_in(at, "plain") or line.tokens[at].word[0].isdigit():
            return ClauseSubject.NOBODY
        return _unknown(line, at)
    return ClauseSubject.NOBODY


def _named(line: Clauses, at: int, memory: Memory) -> ClauseSubject | None:
    """Returns the person that the word at this place names; None if it names nobody."""
    if line.tokens[at].is_child:
        is_owner = at + 2 < len(line.tokens) and line.tokens[at + 1].word == "'s"
        return ClauseSubject.PERSON if is_owner and line.is_in(at + 2, "persons", "others") else ClauseSubject.CHILD
    if line.is_in(at, "she", "he"):
        return pronoun(line, at, memory)
    if line.is_in(at, "speakers"):
        return ClauseSubject.SPEAKER
    if line.is_in(at, "persons", "titles"):
        return ClauseSubject.PERSON
    if line.is_in(at, "others"):
        return ClauseSubject.OTHER
    return None


def _after_adjunct(line: Clauses, start: int, end: int, memory: Memory) -> ClauseSubject:
    """Returns the subject of a clause that opens with "after lunch", "with the others" and the like.

    It is the first child, pronoun or speaker named; if there is none, the last other person named.
    """
    seen = ClauseSubject.NOBODY
    for at in range(start, end):
        if at in line.covered:
            return seen
        who = _named(line, at, memory)
        if who in (ClauseSubject.CHILD, ClauseSubject.PRONOUN, ClauseSubject.SPEAKER):
            return who
        seen = who or seen
    return seen


def _unknown(line: Clauses, at: int) -> ClauseSubject:
    """Returns PERSON for a word in no list that is written and used like a name, else UNCLEAR."""
    if line.is_name(at):
        return ClauseSubject.PERSON
    is_first_name = at == 0 and line.tokens[at].is_capital and not line.is_in(at, "things")
    acts = at + 1 < len(line.tokens) and (at + 1 in line.covered or line.is_in(at + 1, "between", "plain"))
    return ClauseSubject.PERSON if is_first_name and acts else ClauseSubject.UNCLEAR


def pronoun(line: Clauses, at: int, memory: Memory) -> ClauseSubject:
    """Returns what a pronoun refers to: the child (PRONOUN), or PERSON where it may be another person."""
    is_she, is_he = line.is_in(at, "she"), line.is_in(at, "he")
    gender = None if is_she and is_he else "she" if is_she else "he"
    if memory.is_of_another or (gender and memory.gender and gender != memory.gender):
        return ClauseSubject.PERSON
    if memory.has_rival and (gender is None or memory.gender is None):
        return ClauseSubject.PERSON
    if not memory.has_rival:
        memory.gender = gender or memory.gender
    return ClauseSubject.PRONOUN


def who_did(line: Clauses, match: Match, before: ClauseSubject, memory: Memory) -> ClauseSubject:
    """Returns who does the action that a cue names.

    `before` is the subject of the clause before, used where this clause names nobody.
    """
    first = line.starts[line.clause_of[match.start]]
    if first and line.is_in(first, "relatives") and not line.tokens[first - 1].is_child:
        return ClauseSubject.UNCLEAR
    company = 0
    for at in range(match.start - 1, max(first, match.start - BETWEEN_MAX) - 1, -1):
        token = line.tokens[at]
        if token.is_child or line.is_in(at, "she", "he"):
            return _acting(line, at, first, memory)
        if line.is_in(at, "objects") and at > first and line.is_in(at - 1, "reports"):
            return ClauseSubject.PERSON if memory.is_of_another or memory.has_rival else ClauseSubject.PRONOUN
        if line.is_in(at, "between"):
            company += 1
        elif not line.is_in(at, "openers", "joints"):
            return ClauseSubject.UNCLEAR
    if match.start - first > BETWEEN_MAX:
        return ClauseSubject.UNCLEAR
    if (
        not company
        and line.tokens[match.start].word in match.cue.pattern.bare
        and before not in (ClauseSubject.CHILD, ClauseSubject.PRONOUN)
    ):
        return ClauseSubject.UNCLEAR
    return ClauseSubject.PERSON if before is ClauseSubject.NOBODY and memory.is_of_another else before


def _acting(line: Clauses, at: int, first: int, memory: Memory) -> ClauseSubject:
    """Returns the child named at this place as the actor, or UNCLEAR if the words before it in the clause do not allow that."""
    who = _named(line, at, memory) or ClauseSubject.UNCLEAR
    if at == first:
        return who
    if line.is_in(at - 1, "links"):
        return ClauseSubject.UNCLEAR
    is_reported = any(line.is_in(before, "reports") for before in range(max(first, at - 3), at))
    if is_reported:
        return who
    is_opened = False
    for before in range(first, at):
        is_opened = is_opened or line.is_in(before, "adjuncts")
        if line.is_in(before, "persons", "titles") or line.is_name(before):
            return ClauseSubject.UNCLEAR
        if not is_opened and not line.is_in(before, "openers", "between", "joints", "adversatives", "plain"):
            return ClauseSubject.UNCLEAR
    return who


def whose(line: Clauses, match: Match, subject: ClauseSubject, before: ClauseSubject, memory: Memory) -> ClauseSubject:
    """Returns the owner of an event that a cue names ("first tooth"). `subject` is the subject of the cue's own clause."""
    first = line.starts[line.clause_of[match.start]]
    if match.start > first:
        at = match.start - 1
        if line.is_in(at, "not_hers"):
            return ClauseSubject.SPEAKER
        if line.tokens[at].word == "'s" and not (at > first and line.tokens[at - 1].is_child):
            return ClauseSubject.PERSON
    if any(line.is_in(at, "persons") or line.is_name(at) for at in range(max(first, match.start - BETWEEN_MAX), match.start)):
        return ClauseSubject.PERSON
    if _is_given_to_another(line, match.end):
        return ClauseSubject.PERSON
    if subject in (ClauseSubject.CHILD, ClauseSubject.PRONOUN):
        return subject
    if (
        subject in (ClauseSubject.SPEAKER, ClauseSubject.NOBODY)
        and before is not ClauseSubject.PERSON
        and not memory.is_of_another
    ):
        return ClauseSubject.NOBODY
    return ClauseSubject.UNCLEAR


def _is_given_to_another(line: Clauses, after: int) -> bool:
    """Returns whether the words behind an event name another owner: the first steps *of Leo*."""
    if after + 1 >= len(line.tokens) or not line.is_in(after, "links"):
        return False
    is_another = line.is_name(after + 1) or line.is_in(after + 1, "persons", "others", "speakers")
    return is_another and not line.tokens[after + 1].is_child


def meet_rivals(line: Clauses, clause: int, subject: ClauseSubject, memory: Memory) -> None:
    """Records the subject of a clause, and whether the clause mentions another person."""
    memory.meet(subject)
    if any(line.is_name(at) or line.is_in(at, "persons") for at in range(line.starts[clause], line.end(clause))):
        memory.has_rival = True
