"""Decides the drafts of one transaction one after the other, and keeps what has to be written of them.

Owns the working memory of an append. Begins and ends no transaction, and knows nothing of the offers beside it.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from events.errors import IdReused, Refused
from events.event import Body, Draft, Event
from events.ids import FamilyId, Seq
from events.observations import MilestoneObserved
from events.surprise import TimePassed
from events.wire import Malformed, bytes_of_event, commitment, digest_of_draft
from projections.fold import Stepped
from projections.holds import Release
from projections.logged_event import Target
from projections.visibility import audience_of, meant_for
from service.background import off_loop
from service.http.problems import NotFound
from service.log import ledger, rows
from service.log.admit import AHEAD_MAX, AdmittedDraft, admit
from service.log.append_request import AppendRequest
from service.log.family_batch import FamilyBatch
from service.log.family_cache import FamilyCache, Head, read_state, write_roster
from service.log.ledger import LedgerEntry, Overtaken
from service.log.locked_families import FamilyLocked
from service.log.receipts import Problem, Receipt
from service.log.recorded import Recorded
from service.log.salts import Salts
from service.log.shared_records import Sharing, own_drafts

TakeHeads = Callable[[Any, Mapping[FamilyId, int]], Awaitable[dict[FamilyId, Head]]]
Outcome = tuple[Receipt, ...] | NotFound | Overtaken | FamilyLocked


class Batch:
    """The working memory of one `append`."""

    def __init__(self, connection: Any, now: datetime, states: FamilyCache) -> None:
        self.connection = connection
        self.now = now
        self.states = states
        self.works: dict[FamilyId, FamilyBatch] = {}
        self.taken: dict[FamilyId, int] = {}
        self.latest = now + AHEAD_MAX
        self.new: list[tuple[Any, ...]] = []
        self.salts = Salts(0)
        self.entries: dict[ledger.LedgerKey, LedgerEntry] = {}
        self.sharing = Sharing()

    async def take(self, offers: Sequence[AppendRequest], take_heads: TakeHeads) -> set[FamilyId]:
        """Lock the heads, in order of id, for as many seqs as may be needed; gives the families whose heads were not taken."""
        counts: defaultdict[FamilyId, int] = defaultdict(int)
        for offer in offers:
            counts[offer.family] += len(offer.drafts)
        asked = dict(sorted(counts.items()))
        self.salts = Salts(sum(counts.values()))
        heads = await take_heads(self.connection, asked)
        self.taken = {family: count for family, count in asked.items() if family in heads}
        for family, head in heads.items():
            state = self.states.take(family, head)
            if state is None:
                state = await read_state(self.connection, family, head)
            self.works[family] = FamilyBatch(family, state)
        return asked.keys() - heads.keys()

    async def decide(self, offer: AppendRequest) -> tuple[Receipt, ...] | NotFound | Overtaken:
        """Decide the drafts of one offer in their order."""
        work = self.works[offer.family]
        author = work.folding.roster.members.get(offer.author)
        if author is not None:  # one object for an id is compared sooner than two
            offer = msgspec.structs.replace(offer, author=author.member)
        if not offer.by_service and offer.joiner is None and (author is None or author.has_left):
            return NotFound()
        if any(key in self.sharing.parted for key, _ in ledger.keyed(offer)):
            return Overtaken()
        spared = self.sharing.spare(offer, work) if offer.entries else ()
        receipts = []
        for index, draft in enumerate(offer.drafts):
            if index in spared:
                receipts.append(Receipt(id=draft.id, outcome="recorded"))
                continue
            if type(draft) is Malformed:
                receipts.append(Receipt(id=draft.id, outcome="refused", problem=Problem.of(draft.problem)))
                continue
            try:
                receipts.append(await self.decide_draft(offer, work, draft))
            except Refused as refusal:
                problem = Problem.of(refusal, within=f"drafts[{index}]")
                receipts.append(Receipt(id=draft.id, outcome="refused", problem=problem))
        if offer.entries:
            kept = ledger.kept(offer, [receipt.outcome for receipt in receipts])
            self.entries |= kept
            self.sharing.settle(kept)
        return tuple(receipts)

    async def decide_draft(self, offer: AppendRequest, work: FamilyBatch, draft: Draft[Any]) -> Receipt:
        digest = digest_of_draft(draft)
        if (sent := work.sent_before(draft, offer.author)) is not None:
            if sent.digest != digest:
                raise IdReused("You have sent other content under this id; the first content stands.", at="id")
            quiet = self._keep_quiet_again(work, draft, sent)
            return Receipt(id=draft.id, outcome="already_recorded", place=sent.place, keep_quiet=quiet)
        target = work.target_of(draft, offer.author)
        is_tick = offer.by_service and isinstance(draft.event, TimePassed)
        if is_tick and not await off_loop(work.held, work.folding.keeping.is_due, self.now, work.folding.roster):
            return Receipt(id=draft.id, outcome="already_recorded", place=0)
        if offer.by_service:
            admitted = AdmittedDraft(audience_of(type(draft.event), asked=None, target=None), draft.occurred_at, None)
        else:
            admitted = admit(
                draft,
                author=offer.joiner or work.folding.roster.members[offer.author],
                roster=work.folding.roster,
                target=target,
                waiting=work.folding.keeping.waiting,
                clock_off=offer.clock_off,
                latest=self.latest,
                is_completed=bool(offer.entries),
                imported_by=self.sharing.imported_by(offer.family, target),
            )
        stepped = await self._record(offer, work, draft, admitted, target, digest)
        if target is not None:
            await self._part(offer.family, work, draft.event, target)
        quiet = work.keep_quiet(stepped.spoken, author=offer.author, meant=stepped.meant)
        return Receipt(id=draft.id, outcome="recorded", place=stepped.place, keep_quiet=quiet)

    def _keep_quiet_again(self, work: FamilyBatch, draft: Draft[Any], sent: Recorded) -> tuple[str, ...]:
        """Returns who has to be kept from what was sent before: it is said again, since the first answer may be lost."""
        roster = work.folding.roster
        author = roster.members.get(sent.author)
        if author is None or not work.folding.keeping.waiting:
            return ()
        event = Event(
            id=draft.id,
            author=author.member,
            occurred_at=draft.occurred_at,
            precision=draft.precision,
            recorded_at=draft.recorded_at,
            received_at=self.now,
            audience=sent.audience,
            event=draft.event,
        )
        spoken = work.folding.spoken_by(sent.seq, event, work.target_of(draft, sent.author))
        meant = meant_for(sent.kind, sent.author, sent.audience, roster)
        return work.keep_quiet(spoken, author=author.member, meant=meant)

    async def _record(
        self,
        offer: AppendRequest,
        work: FamilyBatch,
        draft: Draft[Any],
        admitted: AdmittedDraft,
        target: Target | None,
        digest: bytes,
    ) -> Stepped:
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
        if kind == "MemberJoined" and seq > 1:
            await self.write()  # their history may begin in this very batch
            joiner = draft.event.member
            has_chosen = joiner in work.folding.keeping.waiting
            history = await rows.history(self.connection, offer.family, before=seq, whole=has_chosen)
            await off_loop(len(history.past), work.folding.welcome, event, joiner, history)
        body = bytes_of_event(event)
        salt = self.salts.salt_of(draft.id)
        committed = commitment(salt, body)
        stepped = await off_loop(work.size_of(kind, offer.author), work.folding.step, seq, event, committed, target)
        target_seq = target.seq if target else None
        thread, thread_kind = (target.thread, target.thread_kind) if target else (seq, kind)
        recorded = Recorded(
            offer.author, digest, stepped.place, seq, kind, admitted.audience, target_seq, thread, thread_kind,
            target.thread_author if target else offer.author, stepped.told,
            type(draft.event) is MilestoneObserved and draft.event.found_in_prose,
        )  # fmt: skip
        work.by_id[draft.id].append(recorded)
        self.new.append(
            (offer.family, seq, draft.id, offer.author, kind, draft.event.version, admitted.audience,
             target_seq, self.now, digest, committed, salt, body, target.thread if target else None)
        )  # fmt: skip
        for release in stepped.releases:
            await self._release(offer.family, work, release)
        return stepped

    async def _part(self, family: FamilyId, work: FamilyBatch, body: Body, target: Target) -> None:
        """Write the other importers' own events for what an event has changed or taken back (law 20)."""
        folding = work.folding
        for share in self.sharing.part(family, body, target, folding.keeping.waiting):
            if (entry := self.entries.get(share.key)) is not None:
                self.entries[share.key] = msgspec.structs.replace(entry, expects=entry.expects + 1)
            importer = folding.roster.members.get(share.key[1])
            if importer is None or importer.has_left:
                continue
            drafts = await own_drafts(self.connection, share)
            offer = AppendRequest(family=family, author=importer.member, drafts=drafts)
            for draft in drafts:
                admitted = AdmittedDraft(draft.audience or draft.event.audience, draft.occurred_at, None)
                await self._record(offer, work, draft, admitted, work.target_of(draft, importer.member), digest_of_draft(draft))

    async def _release(self, family: FamilyId, work: FamilyBatch, release: Release) -> None:
        """Deliver what an act has freed, in its own transaction (law 9)."""
        seqs = [case.seq for case in release.cases]
        if seqs[-1] > work.written_seq:
            await self.write()
        if work.folding.keeps_sightings(release.member):
            wanted = [
                (family, case.touches, release.member)
                for case in release.cases
                if case.touches is not None and release.member not in work.folding.sightings[case.touches]
            ]
            for _, member, seq, sighting in await rows.sightings(self.connection, wanted):
                work.folding.sightings[seq][member] = sighting
        events = await rows.events_at(self.connection, family, seqs)
        await off_loop(len(seqs), work.folding.release, release, events, self.now)
        work.note_released(release)

    async def write(self) -> None:
        """Write what was decided since the last writing."""
        after_seq = {family: work.written_seq for family, work in self.works.items()}
        for family, work in self.works.items():
            work.settle()
            await write_roster(self.connection, family, before=work.state.roster, after=work.folding.roster)
        foldings = {family: work.folding for family, work in self.works.items()}
        beside = [*ledger.put(self.entries), *self.sharing.statements(set(self.entries))]
        await rows.put(self.connection, self.new, foldings, after_seq=after_seq, beside=beside)
        self.new, self.entries = [], {}

    async def give_back(self) -> None:
        """Lower the heads by what was refused or known, or raise them by what importers had to write: seq keeps no hole."""
        unused = {
            family: count - (work.seq - work.state.head.seq)
            for family, count in self.taken.items()
            if (work := self.works[family]).seq - work.state.head.seq != count
        }
        if unused:
            await rows.give_back(self.connection, unused)
