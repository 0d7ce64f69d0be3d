"""One family while a batch is decided: its fold, what its drafts may refer to, and whose feeds grew. Reads and writes no rows."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import msgspec

from events.event import Draft
from events.ids import EventId, FamilyId, MemberId
from projections.fold import Folding
from projections.holds import Release
from projections.keep_quiet import Quiet
from projections.logged_event import Target
from projections.subjects import Case
from service.log.admit import referred_to
from service.log.family_cache import FamilyState
from service.log.recorded import Recorded


class FamilyBatch:
    """The working memory of one family."""

    def __init__(self, family: FamilyId, state: FamilyState) -> None:
        self.state = state
        self.seq = state.head.seq
        self.written_seq = state.head.seq
        self.folding = Folding(family, state.roster, state.last_runs, state.waiting)
        self.by_id: defaultdict[EventId, list[Recorded]] = defaultdict(list)
        self.told: set[MemberId] = set()
        """Whose feeds grew, of what was written so far."""
        self._quiet: Quiet | None = None

    def target_of(self, draft: Draft[Any], author: MemberId) -> Target | None:
        """What a draft refers to, as its author knows it.

        Ids are their authors' own, so several events may have this one: the author's own is meant, else the oldest.
        """
        named = referred_to(draft.event)
        if named is None:
            return None
        told = [recorded for recorded in self.by_id.get(EventId(named), ()) if author in recorded.told]
        return min(told, key=lambda recorded: (recorded.author != author, recorded.seq)).as_target() if told else None

    def sent_before(self, draft: Draft[Any], author: MemberId) -> Recorded | None:
        """Returns what the log holds under a draft's id by the same author."""
        return next((sent for sent in self.by_id.get(draft.id, ()) if sent.author == author), None)

    @property
    def held(self) -> int:
        """How many events are held in this family, as far as they are known here."""
        return sum(len(waits.held) for waits in self.folding.keeping.waiting.values())

    def size_of(self, kind: str, author: MemberId) -> int:
        """How many events the rule looks at when one more of a kind is folded: what is held, where it may free any of it."""
        keeping = self.folding.keeping
        if not keeping.concerns(kind, author):
            return 0
        first_choice = 0 if author in keeping.waiting else len(self.folding.sightings)
        return self.held + first_choice

    def keep_quiet(self, spoken: Collection[Case], *, author: MemberId, meant: Collection[MemberId]) -> tuple[str, ...]:
        """Returns the names of those whom an author should keep from what they said."""
        roster, waiting = self.folding.roster, self.folding.keeping.waiting
        if not waiting or not spoken:
            return ()
        if self._quiet is None or not self._quiet.is_of(author, roster, waiting):
            self._quiet = Quiet(author, roster, waiting)
        return self._quiet.names(spoken, meant)

    def settle(self) -> None:
        """Make rows of what was told since the last writing, and remember whose feeds grew."""
        self.folding.settle()
        self.told.update(tail.member for tail in self.folding.tails.values() if tail.changed)
        self.written_seq = self.seq

    def note_released(self, release: Release) -> None:
        """Remember that a member was told of events after all: what refers to them may be told to that member now."""
        seqs = {case.seq for case in release.cases}
        for same in self.by_id.values():
            for index, recorded in enumerate(same):
                if recorded.seq in seqs:
                    same[index] = msgspec.structs.replace(recorded, told=(*recorded.told, release.member))
