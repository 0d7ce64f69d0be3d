"""Adds drafts to the logs of several families in one transaction, and says what became of each.

Owns the order of things: heads first, so that seq follows the order of commit; then every look-up in two sets; then pure
decisions; then rows. Begins and ends no transaction. Everything it reads or writes is a set, never a loop of queries.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from events.amend import Amended, Withdrawn
from events.clips import ClipAttached
from events.errors import IdReused, Refused
from events.event import Draft, Event
from events.family import MemberJoined
from events.ids import EventId, FamilyId, LogId, MemberId, Seq
from events.wire import AnyDraft, DeviceDraft, Malformed, bytes_of_event, commitment, digest_of_draft
from projections.fold import Folding
from projections.visibility import Target, audience_of
from service.errors import NotFound
from service.log import rows
from service.log.admit import AHEAD_MAX, Admitted, admit, referred_to
from service.log.receipts import Problem, Receipt
from service.log.recorded import Recorded
from service.log.state import FamilyState, FamilyStates, read_state, write_roster

SALT_BYTES = 16
CHANGES_A_SIGHTING = (Amended, Withdrawn, ClipAttached)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What one member offers to one family's log in one request."""

    family: FamilyId
    author: MemberId
    drafts: tuple[DeviceDraft | Malformed, ...] | tuple[AnyDraft, ...]
    clock_off: timedelta = timedelta(0)
    """How far the server's clock is ahead of the device's."""
    by_service: bool = False
    """Roster facts, which access has decided already."""


class Appended(msgspec.Struct, frozen=True):
    """What became of a batch, once its transaction commits."""

    receipts: list[tuple[Receipt, ...] | NotFound]
    """In the order of the offers; no receipts for an author who is no member any more."""
    logs: dict[FamilyId, LogId]
    told: dict[FamilyId, set[MemberId]]
    """Whose feeds grew."""
    states: dict[FamilyId, FamilyState]
    """To be remembered after the commit, and not before."""


class _Work:
    """One family, while a batch is decided."""

    def __init__(self, family: FamilyId, state: FamilyState) -> None:
        self.state = state
        self.seq = state.head.seq
        self.written_seq = state.head.seq
        self.folding = Folding(family, state.roster, state.last_runs)
        self.by_id: defaultdict[EventId, list[Recorded]] = defaultdict(list)
        self.told: set[MemberId] = set()
        self.last_told: tuple[MemberId, ...] = ()

    def target_of(self, draft: Draft[Any], author: MemberId) -> Target | None:
        """What a draft refers to, as its author knows it.

        Ids are their authors' own, so several events may have this one: the author's own is meant, else the oldest.
        """
        named = referred_to(draft.event)
        if named is None:
            return None
        told = [recorded for recorded in self.by_id.get(EventId(named), ()) if author in recorded.told]
        return min(told, key=lambda recorded: (recorded.author != author, recorded.seq)).as_target() if told else None


async def append(connection: Any, offers: Sequence[Offer], *, now: datetime, states: FamilyStates) -> Appended:
    """Append offers inside of the caller's transaction; at most 500 drafts.

    A draft that was sent before yields its first receipt again. `states` is read, and never written: the caller keeps
    `Appended.states` once the transaction has committed.

    Raises:
        NotFound: one of the families has no log.
    """
    batch = _Batch(connection, now, states)
    await batch.take(offers)
    await batch.look_up(offers)
    receipts = [await batch.decide(offer) for offer in offers]
    await batch.write()
    await batch.give_back()
    return Appended(
        receipts,
        {family: work.state.head.log for family, work in batch.works.items()},
        {family: work.told for family, work in batch.works.items() if work.told},
        {
            family: FamilyState(
                msgspec.structs.replace(work.state.head, seq=work.seq), work.folding.roster, work.folding.last_runs()
            )
            for family, work in batch.works.items()
        },
    )


def _salts(count: int) -> Iterator[bytes]:
    """That many salts, from one call to the kernel."""
    drawn = os.urandom(SALT_BYTES * count)
    return (drawn[start : start + SALT_BYTES] for start in range(0, len(drawn), SALT_BYTES))


class _Batch:
    """The working memory of one `append`."""

    def __init__(self, connection: Any, now: datetime, states: FamilyStates) -> None:
        self.connection = connection
        self.now = now
        self.states = states
        self.works: dict[FamilyId, _Work] = {}
        self.taken: dict[FamilyId, int] = {}
        self.latest = now + AHEAD_MAX
        self.new: list[tuple[Any, ...]] = []
        self.salts: Iterator[bytes] = iter(())

    async def take(self, offers: Sequence[Offer]) -> None:
        """Lock the heads, in order of id, for as many seqs as may be needed."""
        counts: defaultdict[FamilyId, int] = defaultdict(int)
        for offer in offers:
            counts[offer.family] += len(offer.drafts)
        self.taken = dict(sorted(counts.items()))
        self.salts = _salts(sum(counts.values()))
        heads = await rows.take_heads(self.connection, self.taken)
        if len(heads) < len(self.taken):
            raise NotFound
        for family, head in heads.items():
            state = self.states.at(family, head)
            if state is None:
                state = await read_state(self.connection, family, head)
            self.works[family] = _Work(family, state)

    async def look_up(self, offers: Sequence[Offer]) -> None:
        """Read what the drafts may repeat or refer to, and the sightings that they change: a set each."""
        asked: set[tuple[FamilyId, EventId]] = set()
        changed: set[tuple[FamilyId, EventId]] = set()
        for offer in offers:
            for draft in offer.drafts:
                if isinstance(draft, Malformed):
                    continue
                asked.add((offer.family, draft.id))
                if (named := referred_to(draft.event)) is not None:
                    asked.add((offer.family, EventId(named)))
                    if isinstance(draft.event, CHANGES_A_SIGHTING):
                        changed.add((offer.family, EventId(named)))
        for known in await rows.known(self.connection, asked):
            self.works[known.family].by_id[known.event].append(known.as_recorded())
        await self._load_sightings(changed)

    async def _load_sightings(self, changed: set[tuple[FamilyId, EventId]]) -> None:
        wanted = [
            (family, seq, member)
            for family, event in changed
            for recorded in self.works[family].by_id.get(event, ())
            for member in recorded.told
            for seq in (recorded.seq, recorded.target_seq)
            if seq is not None and self.works[family].folding.keeps_sightings(member)
        ]
        for family, member, seq, sighting in await rows.sightings(self.connection, wanted):
            self.works[family].folding.sightings[seq][member] = sighting

    async def decide(self, offer: Offer) -> tuple[Receipt, ...] | NotFound:
        """Decide the drafts of one offer in their order."""
        work = self.works[offer.family]
        if not offer.by_service and offer.author not in work.folding.roster.present:
            return NotFound()
        receipts = []
        for index, draft in enumerate(offer.drafts):
            if isinstance(draft, Malformed):
                receipts.append(Receipt(id=draft.id, outcome="refused", problem=Problem.of(draft.problem)))
                continue
            try:
                receipts.append(await self._decide_one(offer, work, draft))
            except Refused as refusal:
                problem = Problem.of(refusal, within=f"drafts[{index}]")
                receipts.append(Receipt(id=draft.id, outcome="refused", problem=problem))
        return tuple(receipts)

    async def _decide_one(self, offer: Offer, work: _Work, draft: Draft[Any]) -> Receipt:
        digest = digest_of_draft(draft)
        for sent in work.by_id.get(draft.id, ()):
            if sent.author != offer.author:
                continue
            if sent.digest != digest:
                raise IdReused("You have sent other content under this id; the first content stands.", at="id")
            return Receipt(id=draft.id, outcome="already_recorded", place=sent.place)
        target = work.target_of(draft, offer.author)
        if offer.by_service:
            admitted = Admitted(audience_of(type(draft.event), asked=None, target=None), draft.occurred_at, None)
        else:
            admitted = admit(
                draft,
                author=work.folding.roster.members[offer.author],
                roster=work.folding.roster,
                target=target,
                clock_off=offer.clock_off,
                latest=self.latest,
            )
        place = await self._record(offer, work, draft, admitted, target, digest)
        return Receipt(id=draft.id, outcome="recorded", place=place)

    async def _record(
        self, offer: Offer, work: _Work, draft: Draft[Any], admitted: Admitted, target: Target | None, digest: bytes
    ) -> int:
        event = Event(
            id=draft.id,
            author=offer.author,
            occurred_at=admitted.occurred_at,
            precision=draft.precision,
            recorded_at=draft.recorded_at,
            received_at=self.now,
            audience=admitted.audience,
            claimed_at=admitted.claimed_at,
            event=draft.event,
        )
        work.seq += 1
        seq, kind = Seq(work.seq), type(draft.event).__name__
        if isinstance(draft.event, MemberJoined) and seq > 1:
            await self.write()  # their history may begin in this very batch
            history = await rows.history(self.connection, offer.family, before=seq)
            work.folding.welcome(event, draft.event.member, history)
        body = bytes_of_event(event)
        salt = next(self.salts)
        committed = commitment(salt, body)
        told = work.folding.step(seq, event, committed, target)
        place = work.folding.place_of(offer.author)
        if told is not work.last_told:
            work.told.update(told)
            work.last_told = told
        target_seq = target.seq if target else None
        recorded = Recorded(offer.author, digest, place, seq, kind, admitted.audience, target_seq, told)
        work.by_id[draft.id].append(recorded)
        self.new.append(
            (offer.family, seq, draft.id, offer.author, kind, draft.event.version, admitted.audience,
             target_seq, self.now, digest, committed, salt, body)
        )  # fmt: skip
        return place

    async def write(self) -> None:
        """Write what was decided since the last writing."""
        await rows.add_events(self.connection, self.new)
        self.new = []
        for family, work in self.works.items():
            work.folding.settle()
            await write_roster(self.connection, family, before=work.state.roster, after=work.folding.roster)
        await rows.put_feeds(
            self.connection,
            {family: work.folding for family, work in self.works.items()},
            after_seq={family: work.written_seq for family, work in self.works.items()},
        )
        for work in self.works.values():
            work.written_seq = work.seq

    async def give_back(self) -> None:
        """Lower the heads by what was refused or known, so that seq keeps no hole."""
        unused = {
            family: count - (work.seq - work.state.head.seq)
            for family, count in self.taken.items()
            if (work := self.works[family]).seq - work.state.head.seq < count
        }
        if unused:
            await rows.give_back(self.connection, unused)
