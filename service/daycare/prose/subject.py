"""Finds the subject of a clause: the child, another person, a group, the writer, or nobody.

Owns the subject rule. Knows no milestones: the positions of the cues (words that name an action or an event) are an argument. The
rule is an allow list. Only listed words may be between the child's name and a cue. If there is any other word, the subject is
UNCLEAR.
"""

import enum
from collections.abc import Sequence
from typing import Final

import msgspec

from service.daycare.prose.cues import CompiledCue, Language
from service.daycare.prose.text import Token

BETWEEN_MAX: Final = 12
"""Number of words before a cue that are searched for its subject. The bound limits the time, and staff write fewer words."""


class ClauseSubject(enum.Enum):
    """The kind of subject that a clause has."""

    CHILD = enum.auto()
    PRONOUN = enum.auto()
    SPEAKER = enum.auto()
    PERSON = enum.auto()
    OTHER = enum.auto()
    UNCLEAR = enum.auto()
    NOBODY = enum.auto()
    """The clause names nobody. Its subject is that of the previous clause, or the child if there is no previous clause."""


CHILD_SUBJECTS: Final = frozenset({ClauseSubject.CHILD, ClauseSubject.PRONOUN, ClauseSubject.NOBODY})


class NoteContext(msgspec.Struct):
    """Facts about the people whom a note has mentioned so far. They decide whom the next "she" or "he" means."""

    is_about_another: bool = False
    """Whether the last subject of a clause is another person."""
    has_other_person: bool = False
    """Whether the note has mentioned another person since it last named the child."""
    gender: str | None = None
    """The pronoun for the child, `she` or `he`. None: no pronoun has certainly meant the child yet."""

    def record_subject(self, who: ClauseSubject) -> None:
        """Records who the subject of a clause is."""
        if who is ClauseSubject.CHILD:
            self.is_about_another = self.has_other_person = False
        elif who is ClauseSubject.PERSON:
            self.is_about_another = True


class Match(msgspec.Struct, frozen=True):
    """A cue that was found in the words from `start` to `end`. The word at `end` does not belong to the cue."""

    start: int
    end: int
    cue: CompiledCue


class ParsedSentence(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence, parsed in one language: the words, the clause number of each word, the start of each clause, and the cues."""

    language: Language
    tokens: tuple[Token, ...]
    clause_of: tuple[int, ...]
    starts: tuple[int, ...]
    matches: tuple[Match, ...]
    covered: frozenset[int]
    """The positions of the words that belong to a cue."""
    is_question: bool = False

    def end(self, clause: int) -> int:
        """Returns the position after the last word of a clause."""
        return self.starts[clause + 1] if clause + 1 < len(self.starts) else len(self.tokens)

    def is_in(self, at: int, *lists: str) -> bool:
        """Returns whether the word at this position is in one of these word lists of the language."""
        roles = self.language.roles.get(self.tokens[at].word)
        return roles is not None and not roles.isdisjoint(lists)

    def is_name(self, at: int) -> bool:
        """Returns whether a word looks like the name of another person: the word has a capital, and no article before it.

        In German every noun has a capital, so a link word must be before a name, too: "Leo" in "mit Leo" is a name. This rule
        takes "Klötzen" in "mit Klötzen" (with blocks) for a name by mistake. A milestone is then not certain, but only possible.
        """
        token = self.tokens[at]
        if not token.is_capital or token.is_child or token.is_quoted or at == 0:
            return False
        if not self.language.file.all_names_are_capital and not self.is_in(at - 1, "links"):
            return False
        return not self.is_in(at, "things", "she", "he", "speakers", "titles") and not self.is_in(at - 1, "determiners", "titles")


def clauses_of(tokens: Sequence[Token], language: Language) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the clause number of each word, and the position where each clause starts.

    A clause starts at a punctuation mark such as a comma, and at a conjunction (and, but, when).
    """
    clause_of: list[int] = []
    starts = [0]
    for at, token in enumerate(tokens):
        if at and (token.follows_break or (token.word in language.words["conjunctions"] and not token.is_quoted)):
            starts.append(at)
        clause_of.append(len(starts) - 1)
    return tuple(clause_of), tuple(starts)


def subject_of(sentence: ParsedSentence, clause: int, context: NoteContext) -> ClauseSubject:
    """Returns the subject of a clause. Reads its words up to the first cue, or up to the first word that decides the subject."""
    for at in range(sentence.starts[clause], sentence.end(clause)):
        if at in sentence.covered:
            return ClauseSubject.NOBODY
        if (who := _person_at(sentence, at, context)) is not None:
            return who
        if sentence.is_in(at, "adjuncts"):
            return _subject_after_adjunct(sentence, at, sentence.end(clause), context)
        if sentence.tokens[at].is_quoted or sentence.is_in(at, "between", "openers", "determiners", "conjunctions"):
            continue
        if sentence.is_in(at, "everyday_verbs") or sentence.tokens[at].word[0].isdigit():
            return ClauseSubject.NOBODY
        return _unlisted_word(sentence, at)
    return ClauseSubject.NOBODY


def _person_at(sentence: ParsedSentence, at: int, context: NoteContext) -> ClauseSubject | None:
    """Returns the kind of person or group that the word at this position names.

    Returns None if it names no person and no group.
    """
    if sentence.tokens[at].is_child:
        is_owner = at + 2 < len(sentence.tokens) and sentence.tokens[at + 1].word == "'s"
        return ClauseSubject.PERSON if is_owner and sentence.is_in(at + 2, "persons", "others") else ClauseSubject.CHILD
    if sentence.is_in(at, "she", "he"):
        return pronoun(sentence, at, context)
    if sentence.is_in(at, "speakers"):
        return ClauseSubject.SPEAKER
    if sentence.is_in(at, "persons", "titles"):
        return ClauseSubject.PERSON
    if sentence.is_in(at, "others"):
        return ClauseSubject.OTHER
    return None


def _subject_after_adjunct(sentence: ParsedSentence, start: int, end: int, context: NoteContext) -> ClauseSubject:
    """Returns the subject of a clause that begins with an adjunct such as "after lunch" or "with the others".

    The subject is the child, the pronoun or the speaker that the clause names first. If it names none of these, the subject is
    the last other person that it names.
    """
    seen = ClauseSubject.NOBODY
    for at in range(start, end):
        if at in sentence.covered:
            return seen
        who = _person_at(sentence, at, context)
        if who in (ClauseSubject.CHILD, ClauseSubject.PRONOUN, ClauseSubject.SPEAKER):
            return who
        seen = who or seen
    return seen


def _unlisted_word(sentence: ParsedSentence, at: int) -> ClauseSubject:
    """Returns PERSON for an unlisted word that is written and used like a name. Returns UNCLEAR for any other unlisted word."""
    if sentence.is_name(at):
        return ClauseSubject.PERSON
    is_first_name = at == 0 and sentence.tokens[at].is_capital and not sentence.is_in(at, "things")
    acts = at + 1 < len(sentence.tokens) and (at + 1 in sentence.covered or sentence.is_in(at + 1, "between", "everyday_verbs"))
    return ClauseSubject.PERSON if is_first_name and acts else ClauseSubject.UNCLEAR


def pronoun(sentence: ParsedSentence, at: int, context: NoteContext) -> ClauseSubject:
    """Returns PRONOUN if a pronoun refers to the child, and PERSON if the pronoun may refer to another person."""
    is_she, is_he = sentence.is_in(at, "she"), sentence.is_in(at, "he")
    gender = None if is_she and is_he else "she" if is_she else "he"
    if context.is_about_another or (gender and context.gender and gender != context.gender):
        return ClauseSubject.PERSON
    if context.has_other_person and (gender is None or context.gender is None):
        return ClauseSubject.PERSON
    if not context.has_other_person:
        context.gender = gender or context.gender
    return ClauseSubject.PRONOUN


def actor_of(sentence: ParsedSentence, match: Match, before: ClauseSubject, context: NoteContext) -> ClauseSubject:
    """Returns the kind of person who does the action that a cue names.

    `before` is the subject of the previous clause. This subject is the actor if the cue's own clause names nobody.
    """
    first = sentence.starts[sentence.clause_of[match.start]]
    if first and sentence.is_in(first, "relatives") and not sentence.tokens[first - 1].is_child:
        return ClauseSubject.UNCLEAR
    words_between = 0
    for at in range(match.start - 1, max(first, match.start - BETWEEN_MAX) - 1, -1):
        token = sentence.tokens[at]
        if token.is_child or sentence.is_in(at, "she", "he"):
            return _actor_at(sentence, at, first, context)
        if sentence.is_in(at, "objects") and at > first and sentence.is_in(at - 1, "reports"):
            return ClauseSubject.PERSON if context.is_about_another or context.has_other_person else ClauseSubject.PRONOUN
        if sentence.is_in(at, "between"):
            words_between += 1
        elif not sentence.is_in(at, "openers", "conjunctions"):
            return ClauseSubject.UNCLEAR
    if match.start - first > BETWEEN_MAX:
        return ClauseSubject.UNCLEAR
    if (
        not words_between
        and sentence.tokens[match.start].word in match.cue.pattern.bare
        and before not in (ClauseSubject.CHILD, ClauseSubject.PRONOUN)
    ):
        return ClauseSubject.UNCLEAR
    return ClauseSubject.PERSON if before is ClauseSubject.NOBODY and context.is_about_another else before


def _actor_at(sentence: ParsedSentence, at: int, first: int, context: NoteContext) -> ClauseSubject:
    """Returns the person at this position as the actor, or UNCLEAR if earlier words of the clause make another actor possible."""
    who = _person_at(sentence, at, context) or ClauseSubject.UNCLEAR
    if at == first:
        return who
    if sentence.is_in(at - 1, "links"):
        return ClauseSubject.UNCLEAR
    is_reported = any(sentence.is_in(before, "reports") for before in range(max(first, at - 3), at))
    if is_reported:
        return who
    is_opened = False
    for before in range(first, at):
        is_opened = is_opened or sentence.is_in(before, "adjuncts")
        if sentence.is_in(before, "persons", "titles") or sentence.is_name(before):
            return ClauseSubject.UNCLEAR
        if not is_opened and not sentence.is_in(before, "openers", "between", "conjunctions", "adversatives", "everyday_verbs"):
            return ClauseSubject.UNCLEAR
    return who


def event_owner(
    sentence: ParsedSentence, match: Match, subject: ClauseSubject, before: ClauseSubject, context: NoteContext
) -> ClauseSubject:
    """Returns the kind of person to whom an event belongs, such as the event "first tooth" that a cue names.

    `subject` is the subject of the cue's own clause. `before` is the subject of the previous clause.
    """
    first = sentence.starts[sentence.clause_of[match.start]]
    if match.start > first:
        at = match.start - 1
        if sentence.is_in(at, "not_the_childs"):
            return ClauseSubject.SPEAKER
        if sentence.tokens[at].word == "'s" and not (at > first and sentence.tokens[at - 1].is_child):
            return ClauseSubject.PERSON
    words_before = range(max(first, match.start - BETWEEN_MAX), match.start)
    if any(sentence.is_in(at, "persons") or sentence.is_name(at) for at in words_before):
        return ClauseSubject.PERSON
    if _belongs_to_another(sentence, match.end):
        return ClauseSubject.PERSON
    if subject in (ClauseSubject.CHILD, ClauseSubject.PRONOUN):
        return subject
    if (
        subject in (ClauseSubject.SPEAKER, ClauseSubject.NOBODY)
        and before is not ClauseSubject.PERSON
        and not context.is_about_another
    ):
        return ClauseSubject.NOBODY
    return ClauseSubject.UNCLEAR


def _belongs_to_another(sentence: ParsedSentence, after: int) -> bool:
    """Returns whether the words after an event state that it belongs to another person: the first steps *of Leo*."""
    if after + 1 >= len(sentence.tokens) or not sentence.is_in(after, "links"):
        return False
    is_another = sentence.is_name(after + 1) or sentence.is_in(after + 1, "persons", "others", "speakers")
    return is_another and not sentence.tokens[after + 1].is_child


def record_people(sentence: ParsedSentence, clause: int, subject: ClauseSubject, context: NoteContext) -> None:
    """Records in the context the subject of a clause, and whether the clause mentions another person."""
    context.record_subject(subject)
    if any(sentence.is_name(at) or sentence.is_in(at, "persons") for at in range(sentence.starts[clause], sentence.end(clause))):
        context.has_other_person = True
