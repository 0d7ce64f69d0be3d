"""Finds what a note may tell of, so that it can be held from the parent who waits: many words, and few reasons to let go.

Owns the rule by which a word in a net counts for nothing: it is denied or only planned, means something else in its phrase, is
part of a title, or is what somebody else did beyond doubt. In doubt it counts. It never decides what is recorded; `reader` does,
and asks here as well. Each word of a sentence is looked at a bounded number of times.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from service.daycare.prose.nets import Doubts, Net, doubts, together
from service.daycare.prose.patterns import Index
from service.daycare.prose.subject import Clauses

DENIED_WITHIN: Final = 8
"""Words between a denial and what it denies."""
LATE_WITHIN: Final = 4
PLANNED_WITHIN: Final = 6
CLAUSES_BACK: Final = 6
WORDS_BACK: Final = 24
"""As far is looked back for the one who acts."""
TITLE_SHARE_MAX: Final = 0.6
"""Where more of a sentence's words have a capital, it is a headline, and no title stands out in it."""
SHORT_WORDS: Final = 3
"""Of so few words each was meant."""
QUOTED_MAX: Final = 3
"""As few quoted words may be what a child said."""
FIRST_WORD: Final = ("talking.first-word",)


class Doubted:
    """One sentence in one language, with what in it speaks against its words."""

    def __init__(self, line: Clauses) -> None:
        self._line = line
        self._of: Doubts = doubts()[line.language.name]

    def told(self) -> Iterator[tuple[str, ...]]:
        """Yield the keys of each net that holds: one or the other of them the sentence may tell of."""
        of = self._of
        hits = [(net, spans) for net in of.nets if (spans := self._spans(net.words))]
        if any(self.counts(at, at + 1) for at in self._quoted()):
            yield FIRST_WORD
        for net, spans in hits:
            if self._holds(net, spans):
                yield net.keys

    def is_vague(self) -> bool:
        """Say whether the sentence tells that something great happened, and not what."""
        of = self._of
        if not (self._spans(of.vague) or of.are_signs(self._words)):
            return False
        return not any(map(self._spans, (of.vague_unless, of.denials, of.late_denials, of.plans_anywhere)))

    def counts(self, start: int, end: int) -> bool:
        """Say whether words count: neither denied nor planned, in no title, and not what somebody else did."""
        is_only_planned = start < self._planned_until or start in self._speaks_against
        return not (is_only_planned or self._is_title(start) or self._is_anothers(start))

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(token.word for token in self._line.tokens)

    def _spans(self, index: Index) -> list[tuple[int, int]]:
        if not index.may_be_in(self._words):
            return []
        return index.spans(self._line.tokens, self._line.clause_of)

    def _holds(self, net: Net, spans: Sequence[tuple[int, int]]) -> bool:
        if self._spans(net.unless):
            return False
        is_short = len(self._line.tokens) <= SHORT_WORDS  # "Mia stands!" says all there is
        if net.needs is not None and not is_short and not self._spans(net.needs):
            return False
        passed = self._spans(net.harmless)
        harmless = {at for start, end in passed for at in range(start, end)}
        return any(harmless.isdisjoint(range(start, end)) and self.counts(start, end) for start, end in spans)

    @cached_property
    def _planned_until(self) -> int:
        """Up to which word the sentence is a plan or a condition: to its end, or to where it turns ("but")."""
        line = self._line
        spans = self._spans(self._of.plans_anywhere)
        planned = [end for start, end in spans if not (start in self._harmless or line.tokens[start].is_child)]
        if not planned:
            return 0
        turns = [start for start in line.starts if start >= planned[-1] and line.is_in(start, "adversatives")]
        return min(turns, default=len(line.tokens))

    @cached_property
    def _harmless(self) -> frozenset[int]:
        """The words of what looks like a denial or a plan, and is none."""
        return frozenset(at for start, end in self._spans(self._of.no_denials) for at in range(start, end))

    @cached_property
    def _is_both(self) -> bool:
        """Whether the child did what somebody else did: "so did Mia"."""
        tokens = self._line.tokens
        is_named = any(token.is_child or self._line.is_in(at, "she", "he") for at, token in enumerate(tokens))
        return is_named and bool(self._spans(self._of.also))

    @cached_property
    def _speaks_against(self) -> frozenset[int]:
        """The words that a denial or a plan of their clause reaches."""
        of = self._of
        reaches = (
            (of.denials, DENIED_WITHIN),
            (of.close_denials, 2),
            (of.late_denials, -LATE_WITHIN),
            (of.plans, PLANNED_WITHIN),
        )
        return frozenset(at for index, within in reaches for at in self._reach(index, within))

    def _reach(self, index: Index, within: int) -> Iterator[int]:
        line = self._line
        for start, end in self._spans(index):
            if start in self._harmless or line.tokens[start].is_quoted or line.tokens[start].is_child:
                continue
            reached = range(start, min(end + within, len(line.tokens))) if within > 0 else range(max(0, start + within), end)
            yield from (at for at in reached if line.clause_of[at] == line.clause_of[start])

    def _quoted(self) -> list[int]:
        """The few quoted words that a child may have said."""
        quoted = [at for at, token in enumerate(self._line.tokens) if token.is_quoted]
        return quoted if len(quoted) <= QUOTED_MAX and not self._things else []

    @cached_property
    def _things(self) -> frozenset[int]:
        """Words for what has a name of its own: a room, a book, a class."""
        return frozenset(at for at, one in enumerate(self._line.tokens) if one.word in together("things") and not one.is_quoted)

    @cached_property
    def _is_headline(self) -> bool:
        tokens = self._line.tokens
        return len(tokens) > 2 and sum(token.is_capital for token in tokens) > TITLE_SHARE_MAX * len(tokens)

    @cached_property
    def _labelled(self) -> frozenset[int]:
        """The clauses behind a label that names such a thing: "Activity: ...", where they do not name the child."""
        line = self._line
        things = {line.clause_of[at] for at in self._things}
        children = {line.clause_of[at] for at, token in enumerate(line.tokens) if token.is_child}
        return frozenset(
            clause
            for clause, start in enumerate(line.starts)
            if line.tokens[start].follows_colon and clause - 1 in things and clause not in children
        )

    def _is_title(self, at: int) -> bool:
        """Say whether a book, a room or a class is called so: it is quoted, or has capitals beside a word for such a thing."""
        if not self._things:
            return False
        tokens = self._line.tokens
        token = tokens[at]
        if token.is_quoted or self._line.clause_of[at] in self._labelled:
            return True
        if not token.is_capital:
            return False
        beside = [other for other in (at - 1, at + 1) if 0 <= other < len(tokens)]
        if any(other in self._things and tokens[other].is_capital for other in beside):
            return True
        is_second = at > 0 and tokens[at - 1].is_capital and not tokens[at - 1].is_child
        is_beside = any(
            other in self._things or (tokens[other].is_capital and at > 0 and not tokens[other].is_child) for other in beside
        )
        return not self._is_headline and (is_second or is_beside)

    def _is_anothers(self, start: int) -> bool:
        """Say whether it is beyond doubt that another person, a group or an animal did it."""
        line, of = self._line, self._of
        if self._is_both:
            return False
        if line.tokens[start].word in of.finite and any(
            line.tokens[at].word in of.plurals for at in range(max(0, start - 2), start)
        ):
            return True
        clause = line.clause_of[start]
        for back in range(clause, max(-1, clause - CLAUSES_BACK), -1):
            if (is_child := self._actor(back, start)) is not None:
                return not is_child
            first = line.starts[back]
            if line.tokens[first].follows_break and not line.is_in(first, "joints", "relatives"):
                return False  # "As Grandma left, waved goodbye": whom the clause before was about is not who did it
        return False

    def _actor(self, clause: int, before: int) -> bool | None:
        """Whether the child acts in a clause, or somebody else; None where it names nobody, or somebody who only saw it."""
        line = self._line
        first, last = line.starts[clause], min(line.end(clause), before)
        first = max(first, last - WORDS_BACK)
        is_other = False
        for at in range(first, last):
            if line.tokens[at].is_child or line.is_in(at, "she", "he", "objects"):
                if self._is_owner(at, last):
                    return False
                if at == first or not is_other or line.tokens[at - 1].word not in self._of.prepositions:
                    return True
            elif not is_other and line.is_in(at, "speakers"):
                return True
            elif is_other and line.is_in(at, "reports"):
                return None
            elif not is_other and self._is_other(at, first):
                is_other = True
        if is_other:
            return False
        is_relative = 0 < first < last and line.is_in(first, "relatives") and not line.tokens[first - 1].is_child
        return False if is_relative and self._is_somebody(first - 1) else None

    def _is_owner(self, at: int, last: int) -> bool:
        """Mia's brother; her little friend Aisha."""
        line = self._line
        after = at + 2 if at + 1 < len(line.tokens) and line.tokens[at + 1].word == "'s" else at + 1
        if after == at + 1 and line.tokens[at].is_child:
            return False
        return any(line.is_in(other, "persons") for other in range(after, min(after + 3, last)))

    def _is_other(self, at: int, first: int) -> bool:
        """Say whether somebody else is named here and may be the one who acts."""
        line, of = self._line, self._of
        token = line.tokens[at]
        back = range(max(first, at - DENIED_WITHIN), at)
        if any(line.tokens[other].word in of.finite or line.is_in(other, "plain") for other in back):
            return False  # it is done to them, or for them
        if token.is_quoted or (
            at > first and (line.tokens[at - 1].word in of.prepositions or line.is_in(at - 1, "links", "reports"))
        ):
            return False
        if self._is_known(at):
            return True
        if not token.is_capital or len(token.word) < 2 or token.word in line.language.roles or token.word in of.finite:
            return False
        if at > 0 and line.language.file.all_names_are_capital:
            return not line.is_in(at - 1, "determiners", "titles") and not token.word.endswith("ly")
        is_next = at + 1 < len(line.tokens) and line.tokens[at + 1].word in of.finite
        return is_next and not any(
            (line.is_in(other, "she", "he") or line.tokens[other].is_child) and line.tokens[other - 1].word not in of.prepositions
            for other in range(at + 1, min(at + 4, line.end(line.clause_of[at])))
        )

    def _is_known(self, at: int) -> bool:
        return self._line.tokens[at].word in together("strangers") or self._line.is_in(at, "persons", "titles")

    def _is_somebody(self, at: int) -> bool:
        """Say whether a word names a person: Harry, who stood."""
        return self._is_known(at) or (self._line.tokens[at].is_capital and self._line.is_name(at))
