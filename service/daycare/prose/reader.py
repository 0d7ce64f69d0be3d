"""Reads a daycare's words for two answers: what this child did for certain, and what the note may tell of.

The first is recorded, so it has to be right: a wrong milestone tells a lie on a timeline. The second is only held from a parent
who waits for it, so it has to be complete. Owns the rule of the first; `perhaps` owns that of the second. It knows no family, no
clock and no source; the words of each language are data (`cues`, `nets`). For certain counts:

- Only what the child does, in this record, as its words tell it: in the past or the present, for the first time or again ("loves
  walking" is an observation too). Denials, plans, hopes, practice, near misses, questions, conditions, requests and songs tell of
  nothing; a denial holds until "but" or until a clause that names the child anew.
- What is told at second hand, or of another day, is not this record's: "Mum says she walked at home", "yesterday".
- The child is named, or called "she" or "he" while no other person can be meant, or left out as in a caption ("Clapped her
  hands!"). "They" may be anybody and counts for nobody. With no `names` given, a name is a stranger's.
- Groups are not the child: "the children danced", and "Mia and Leo danced", which tells of whoever stands last.
- Others do things too (a brother, a bear, a train, we): a word between the child and the deed that is not known makes it silent.
- With help is not alone: cues of what a child does alone do not count where a hand or a stroller is near.
- Of two cues that share words, the longer one counts; of two in one clause, not the one that the other implies.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Final

import msgspec

from events.catalogue import CATALOGUE
from service.daycare.prose.cues import Language, languages
from service.daycare.prose.names import ChildNames, names_of, voices
from service.daycare.prose.nets import doubts, great_firsts
from service.daycare.prose.patterns import Index
from service.daycare.prose.perhaps import Doubted
from service.daycare.prose.prefilter import may_tell
from service.daycare.prose.retractions import may_be_retracted, without_retracted
from service.daycare.prose.subject import (
    THE_CHILD,
    Clauses,
    ClauseSubject,
    Match,
    Memory,
    clauses_of,
    meet_rivals,
    subject_of,
    who_did,
    whose,
)
from service.daycare.prose.text import Sentence, Token, prepared, sentences

TEXT_CHARACTERS_MAX: Final = 10_000
"""What stands beyond is not read: as long as a note may be."""
CLEAR_MARKS: Final = 2
"""Small words of another language by which a sentence is not of this one."""
PERHAPS_MAX: Final = 16
"""As many as an event may name."""

Span = tuple[int, int]


class Findings(msgspec.Struct, frozen=True, array_like=True):
    """What a note tells of: `found` for certain, which is recorded, and what else it may tell of, which is held."""

    found: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    """Nothing of `found`; at most 16."""


NOTHING: Final = Findings()


def told_in(text: str, *, names: Collection[str] = ()) -> Findings:
    """Give the milestones of the catalogue that a note says this child did, in the order of its words, and those it may tell of.

    `names` are the child's, each whole: as the source shows it, and as the family calls the child. The same words give the same
    answer; any text gives some answer, in a time that grows with its length.
    """
    text = prepared(text[:TEXT_CHARACTERS_MAX])
    return read(text, names) if may_tell(text) else NOTHING


def milestones_in(text: str, *, names: Collection[str] = ()) -> tuple[str, ...]:
    """Give what a note tells of for certain."""
    return told_in(text, names=names).found


def read(text: str, names: Collection[str]) -> Findings:
    """Read a prepared note word by word; gives what `told_in` gives."""
    text = without_retracted(text)
    found: dict[str, None] = {}
    doubtful: dict[str, None] = {}
    netted: dict[tuple[str, ...], None] = {}
    is_vague = False
    memory = Memory()
    for lines, others in _lines(text, names_of(names)):
        memories = [Memory(memory.is_of_another, memory.has_rival, memory.gender) for _ in lines]
        for line, remembered in zip(lines, memories, strict=True):
            for key, is_certain in _told(line, remembered):
                (found if is_certain else doubtful)[key] = None
        for doubted in map(Doubted, (*lines, *others)):
            netted.update(dict.fromkeys(doubted.told()))
            is_vague = is_vague or doubted.is_vague()
        memory = Memory(
            is_of_another=any(one.is_of_another for one in memories),
            has_rival=any(one.has_rival for one in memories),
            gender=memories[0].gender,
        )
    if is_vague and not (found or doubtful or netted):
        return Findings(perhaps=great_firsts()[:PERHAPS_MAX])
    if may_be_retracted(text):
        keys = dict.fromkeys(key for of_net in netted for key in of_net)
        return Findings(perhaps=tuple(found | doubtful | keys)[:PERHAPS_MAX])
    return Findings(tuple(found), _beside(found, doubtful, netted))


def _beside(found: Collection[str], doubtful: Collection[str], netted: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """What a note may tell of beside what it tells of for certain; of a net whose word is in what was found, nothing more."""
    certain = {key for one in found for key in (one, *CATALOGUE.implied_by(one))}
    keys = [*doubtful, *(key for of_net in netted if certain.isdisjoint(of_net) for key in of_net)]
    return tuple(key for key in dict.fromkeys(keys) if key not in certain)[:PERHAPS_MAX]


def _lines(text: str, names: ChildNames) -> list[tuple[list[Clauses], list[Clauses]]]:
    """The sentences of a note, each in the languages in which it may be written: most likely, and after all."""
    said = tuple(sentences(text, names=names, common=_common(), voices=voices(text, names)))
    marks = [_marks(sentence) for sentence in said]
    votes = [sum(column) for column in zip(*marks, strict=True)]
    lines = []
    for sentence, own in zip(said, marks, strict=True):
        likely = _likely(own, votes)
        others = [
            one for one, count in zip(languages(), own, strict=True) if one not in likely and count >= max(own) - CLEAR_MARKS
        ]
        words = frozenset(token.word for token in sentence.tokens)
        netted = [one for one in others if doubts()[one.name].may_be_in(words)]
        lines.append(([_line(sentence, one) for one in likely], [_line(sentence, one) for one in netted]))
    return lines


@cache
def _common() -> frozenset[str]:
    """The words that a name may be too, and that stand beside names in every other sentence."""
    return frozenset(word for one in languages() for word in (*one.words["between"], *one.guards.by_word))


def _marks(sentence: Sentence) -> list[int]:
    """How many small words of each language a sentence has."""
    marks, counts = _languages_by_mark(), [0] * len(languages())
    for token in sentence.tokens:
        if not token.is_child:
            for number in marks.get(token.word, ()):
                counts[number] += 1
    return counts


@cache
def _languages_by_mark() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, language in enumerate(languages()):
        for word in language.marks:
            found.setdefault(word, []).append(number)
    return found


def _likely(marks: Sequence[int], votes: Sequence[int]) -> list[Language]:
    """The languages in which a sentence may be written: by its own small words, then by those of the note; else all."""
    scores = list(zip(marks, votes, strict=True))
    most = max(scores)
    return [language for language, score in zip(languages(), scores, strict=True) if score == most]


def _line(sentence: Sentence, language: Language) -> Clauses:
    """A sentence in one language: its clauses, and the cues in it."""
    clause_of, starts = clauses_of(sentence.tokens, language)
    matches = _matches(sentence.tokens, clause_of, language)
    return Clauses(
        language=language,
        tokens=sentence.tokens,
        clause_of=clause_of,
        starts=starts,
        matches=matches,
        covered=frozenset(at for match in matches for at in range(match.start, match.end)),
        is_question=sentence.is_question,
    )


def _told(line: Clauses, memory: Memory) -> Iterator[tuple[str, bool]]:
    """The milestones that a sentence tells of and whether for certain, and in `memory` whom it spoke of."""
    clause_of, starts, language = line.clause_of, line.starts, line.language
    guarded = _guarded(line, language.guards) if line.matches else {}
    is_void = not line.matches or line.is_question or bool(_guarded(line, language.sentence_guards))
    in_clause: dict[int, list[Match]] = {}
    for match in line.matches:
        in_clause.setdefault(clause_of[match.start], []).append(match)
    meanings, doubted = _Meanings(line), Doubted(line)
    before, is_denied = ClauseSubject.NOBODY, False
    for clause in range(len(starts)):
        own = subject_of(line, clause, memory)
        is_new = clause > 0 and (
            own in (ClauseSubject.CHILD, ClauseSubject.PRONOUN) or line.is_in(starts[clause], "adversatives")
        )
        is_denied = (is_denied and not is_new) or clause in guarded
        is_void_here = is_void or is_denied or (clause + 1 in guarded and _is_afterthought(line, clause + 1, guarded[clause + 1]))
        whom = ClauseSubject.NOBODY
        counted = []
        for match in in_clause.get(clause, ()):
            judge = whose(line, match, own, before, memory) if match.cue.is_event else who_did(line, match, before, memory)
            whom = judge if whom is ClauseSubject.NOBODY else whom
            if is_void_here or meanings.differ(match):
                continue
            if judge in THE_CHILD and doubted.counts(match.start, match.end):
                counted.append(match.cue.key)
            elif judge is ClauseSubject.UNCLEAR and match.cue.key not in _netted_keys():
                yield match.cue.key, False
        yield from ((key, True) for key in counted if CATALOGUE.implying(key).isdisjoint(counted))
        before = next(
            (who for who in (own, whom) if who in (ClauseSubject.CHILD, ClauseSubject.PRONOUN)),
            own if own is not ClauseSubject.NOBODY else before,
        )
        meet_rivals(line, clause, before, memory)


@cache
def _netted_keys() -> frozenset[str]:
    """The great firsts, and what implies or is implied by one: the nets judge better whether they are the child's."""
    return frozenset(one for key in great_firsts() for one in (key, *CATALOGUE.implied_by(key), *CATALOGUE.implying(key)))


def _matches(tokens: Sequence[Token], clause_of: Sequence[int], language: Language) -> tuple[Match, ...]:
    """The cues of a sentence, in order, none sharing a word with another: the longest win."""
    found = [
        Match(at, end, cue)
        for at, token in enumerate(tokens)
        if not (token.is_quoted or token.is_child)
        for cue in language.cues.get(token.word, ())
        if (end := cue.pattern.end(tokens, clause_of, at)) > at
    ]
    if not found:
        return ()
    kept: list[Match] = []
    taken: set[int] = set()
    for match in sorted(found, key=_by_preference):
        if taken.isdisjoint(range(match.start, match.end)):
            kept.append(match)
            taken.update(range(match.start, match.end))
    return tuple(sorted(kept, key=lambda match: match.start))


def _by_preference(match: Match) -> tuple[int, int, int]:
    """The longest first; of two as long, the one that implies more."""
    return match.start - match.end, -len(CATALOGUE.implied_by(match.cue.key)), match.start


def _guarded(line: Clauses, guards: Index) -> dict[int, Span]:
    """The clauses in which a guard stands that is neither harmless nor part of a cue or of a quotation, and its words."""
    harmless = {at for start, end in line.language.harmless.spans(line.tokens, line.clause_of) for at in range(start, end)}
    found: dict[int, Span] = {}
    for start, end in guards.spans(line.tokens, line.clause_of):
        first = line.tokens[start]
        if start not in harmless and start not in line.covered and not (first.is_quoted or first.is_child):
            found.setdefault(line.clause_of[start], (start, end))
    return found


def _is_afterthought(line: Clauses, clause: int, guard: Span) -> bool:
    """A clause that is a guard and no more speaks of the one before: "Walking, almost!"."""
    return guard[0] == line.starts[clause] and guard[1] == line.end(clause)


class _Meanings:
    """Whether the words of a sentence give its cues another meaning; each cue is asked once."""

    def __init__(self, line: Clauses) -> None:
        self._line = line
        self._spans: dict[int, list[Span]] = {}

    def differ(self, match: Match) -> bool:
        """Say whether something in the sentence makes this cue mean something else: "with help", "in the stroller"."""
        index = match.cue.unless
        if id(index) not in self._spans:
            found = index.spans(self._line.tokens, self._line.clause_of)
            without = self._line.language.file.lists.get("without", ())
            self._spans[id(index)] = [span for span in found if not span[0] or self._line.tokens[span[0] - 1].word not in without]
        return bool(self._spans[id(index)])
