"""Finds the milestones in a daycare's note: those that this child certainly reached, and those that the note possibly mentions.

Certain ones are recorded on a timeline, so precision comes first. Possible ones are only held from a parent who waits for them,
so recall comes first. Owns the rule for certain ones; `possible_mentions` owns the other. Knows no family, no clock and no
source; the words of each language are data (`cues`, `trigger_words`). The rule for certain ones:

- The child itself does it in this note, in the past or the present, for the first time or again ("loves walking" counts too).
  Denials, plans, hopes, practice, near misses, questions, conditions, requests and songs do not count. A denial ends at "but", or
  at a clause that names the child again.
- Hearsay and other days do not count: "Mum says she walked at home", "yesterday".
- The subject is the child's name, "she" or "he" where no other person can be meant, or nobody, as in a caption ("Clapped her
  hands!"). "They" does not count: it may be anybody. Without `names`, every name is another person's.
- Groups do not count: "the children danced". "Mia and Leo danced" counts only for the name next to the verb.
- Other actors do not count (a brother, a bear, a train, we). An unknown word between the child and the verb makes it uncertain.
- A milestone that is reached alone does not count if a helping hand or a stroller is mentioned.
- Of two cues that share words, the longer one counts. Of two in one clause, one that the other implies does not count.
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
"""The longest note that an event may hold. Text beyond it is not read."""
CLEAR_MARKS: Final = 2
"""A sentence is read in a second language, too, if that has at most so many fewer of its words than the likeliest one."""
PERHAPS_MAX: Final = 16
"""How many possible milestones an event may name."""

Span = tuple[int, int]


class Findings(msgspec.Struct, frozen=True, array_like=True):
    """The milestones of a note, as keys of the catalogue."""

    found: tuple[str, ...] = ()
    """Certain ones, which are recorded, in the order of the note's words."""
    perhaps: tuple[str, ...] = ()
    """Possible ones, for which the note is held. At most 16, none of which is in `found`."""


NOTHING: Final = Findings()


def told_in(text: str, *, names: Collection[str] = ()) -> Findings:
    """Returns the milestones that this child certainly reached according to a note, and those that the note possibly mentions.

    `names` are the child's names, each whole: as the source writes it, and as the family does. The same text and names give the
    same result. Accepts any text and never raises. The time is linear in the length of the text.
    """
    text = prepared(text[:TEXT_CHARACTERS_MAX])
    return read(text, names) if may_tell(text) else NOTHING


def milestones_in(text: str, *, names: Collection[str] = ()) -> tuple[str, ...]:
    """Returns the milestones that this child certainly reached according to a note."""
    return told_in(text, names=names).found


def read(text: str, names: Collection[str]) -> Findings:
    """Reads a prepared note word by word. Returns the same as `told_in`, without the fast check that skips most notes."""
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
    """Returns the possible milestones beside the certain ones. A trigger set adds none if one of its milestones is certain."""
    certain = {key for one in found for key in (one, *CATALOGUE.implied_by(one))}
    keys = [*doubtful, *(key for of_net in netted if certain.isdisjoint(of_net) for key in of_net)]
    return tuple(key for key in dict.fromkeys(keys) if key not in certain)[:PERHAPS_MAX]


def _lines(text: str, names: ChildNames) -> list[tuple[list[Clauses], list[Clauses]]]:
    """Returns the sentences of a note, each read in its likeliest languages, and in others of which it has trigger words."""
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
    """Returns everyday words, of which some are names, too (will, may): such a name is read as one only with a capital."""
    return frozenset(word for one in languages() for word in (*one.words["between"], *one.guards.by_word))


def _marks(sentence: Sentence) -> list[int]:
    """Returns how many frequent words of each language a sentence has, in the order of `languages()`."""
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
    """Returns the likeliest languages of a sentence: those with most of its frequent words, then with most of the note's."""
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
    """Returns the great firsts, and the milestones that imply or are implied by one.

    An uncertain cue for one of these is ignored: the trigger words decide better whether it is a possible mention.
    """
    return frozenset(one for key in great_firsts() for one in (key, *CATALOGUE.implied_by(key), *CATALOGUE.implying(key)))


def _matches(tokens: Sequence[Token], clause_of: Sequence[int], language: Language) -> tuple[Match, ...]:
    """Returns the cues of a sentence in order. Of cues that share a word only the longest is kept."""
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
    """Returns a sort key: the longest cue first; of two of one length, the one that implies more milestones."""
    return match.start - match.end, -len(CATALOGUE.implied_by(match.cue.key)), match.start


def _guarded(line: Clauses, guards: Index) -> dict[int, Span]:
    """Returns the span of the first guard by its clause. A guard that is harmless, quoted or part of a cue is left out."""
    harmless = {at for start, end in line.language.harmless.spans(line.tokens, line.clause_of) for at in range(start, end)}
    found: dict[int, Span] = {}
    for start, end in guards.spans(line.tokens, line.clause_of):
        first = line.tokens[start]
        if start not in harmless and start not in line.covered and not (first.is_quoted or first.is_child):
            found.setdefault(line.clause_of[start], (start, end))
    return found


def _is_afterthought(line: Clauses, clause: int, guard: Span) -> bool:
    """Returns whether a clause is nothing but a guard, which then applies to the clause before: "Walking, almost!"."""
    return guard[0] == line.starts[clause] and guard[1] == line.end(clause)


class _Meanings:
    """Finds the words of a sentence that give its cues another meaning. Searches once for each list of such words."""

    def __init__(self, line: Clauses) -> None:
        self._line = line
        self._spans: dict[int, list[Span]] = {}

    def differ(self, match: Match) -> bool:
        """Returns whether words of the sentence give this cue another meaning: "with help", "in the stroller"."""
        index = match.cue.unless
        if id(index) not in self._spans:
            found = index.spans(self._line.tokens, self._line.clause_of)
            without = self._line.language.file.lists.get("without", ())
            self._spans[id(index)] = [span for span in found if not span[0] or self._line.tokens[span[0] - 1].word not in without]
        return bool(self._spans[id(index)])
