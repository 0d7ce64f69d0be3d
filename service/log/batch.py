"""Decides the drafts of one transaction one after another, and collects the rows to write.

Owns the working memory of an append. Begins and ends no transaction.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from events.errors import IdReused, Refused
from events.event import Body, Draft, Event
from events.ids import FamilyId, Seq
from events.surprise import TimePassed
from events.wire import Malformed, bytes_of_event, commitment, digest_of_draft
from projections.fold import Folded, Need, NeedEvents, NeedHistory, NeedSightings, NewEvent, advance, fold, members_due
from projections.keep_quiet import quiet_names, telling_of
from projections.logged_event import LoggedEvent
from projections.visibility import audience_of
from service.background import WORTH_IT, off_loop
from service.http.problems import NotFound
from service.log import ledger
from service.log.admit import AHEAD_MAX, AdmittedDraft, admit
from service.log.append_request import AppendRequest
from service.log.family_batch import FamilyBatch, size_of
from service.log.family_cache import FamilyCache, read_state
from service.log.ledger import Overtaken
from service.log.ledger_entry import LedgerEntry, LedgerKey
from service.log.locked_families import FamilyLocked
from service.log.receipts import Problem, Receipt
from service.log.salts import Salts
from service.log.shared_records import Sharing, own_drafts
from service.log.store import heads, read
from service.log.store.heads import Head
from service.log.store.read import StoredEvent
from service.log.store.write import PendingRows

TakeHeads = Callable[[Any, Mapping[FamilyId, int]], Awaitable[dict[FamilyId, Head]]]
Outcome = tuple[Receipt, ...] | NotFound | Overtaken | FamilyLocked


class Batch:
    """The working memory of one `append`."""

    def __init__(self, connection: Any, now: datetime, cache: FamilyCache) -> None:
        self.connection = connection
        self.now = now
        self.cache = cache
        self.families: dict[FamilyId, FamilyBatch] = {}
        self.taken: dict[FamilyId, int] = {}
        self.latest = now + AHEAD_MAX
        self.rows = PendingRows()
        self.salts = Salts(0)
        self.entries: dict[LedgerKey, LedgerEntry] = {}
        self.sharing = Sharing()

    async def take(self, requests: Sequence[AppendRequest], take_heads: TakeHeads) -> set[FamilyId]:
        """Locks the heads, in order of id, and takes as many seqs as may be needed. Returns the families that were not locked."""
        counts: defaultdict[FamilyId, int] = defaultdict(int)
        for request in requests:
            counts[request.family] += len(request.drafts)
        wanted = dict(sorted(counts.items()))
        self.salts = Salts(sum(counts.values()))
        taken = await take_heads(self.connection, wanted)
        self.taken = {family: count for family, count in wanted.items() if family in taken}
        for family, head in taken.items():
            state = self.cache.take(family, head)
            if state is None:
                state = await read_state(self.connection, family, head)
            self.families[family] = FamilyBatch(family, state)
        return wanted.keys() - taken.keys()

    async def decide(self, request: AppendRequest) -> tuple[Receipt, ...] | NotFound | Overtaken:
        """Decides the drafts of one request in order. Returns their receipts, or the reason to refuse the request."""
        batch = self.families[request.family]
        author = batch.family.roster.members.get(request.author)
        if author is not None:  # comparing an id is faster where both are the same object
            request = msgspec.structs.replace(request, author=author.member)
        if not request.by_service and request.joiner is None and (author is None or author.has_left):
            return NotFound()
        if any(key in self.sharing.parted for key, _ in ledger.keyed(request)):
            return Overtaken()
        spared = self.sharing.spare(request, batch) if request.entries else ()
        receipts = []
        for index, draft in enumerate(request.drafts):
            if index in spared:
                receipts.append(Receipt(id=draft.id, outcome="recorded"))
                continue
            if type(draft) is Malformed:
                receipts.append(Receipt(id=draft.id, outcome="refused", problem=Problem.of(draft.problem)))
                continue
            try:
                receipts.append(await self.decide_draft(request, batch, draft))
            except Refused as refusal:
                problem = Problem.of(refusal, within=f"drafts[{index}]")
                receipts.append(Receipt(id=draft.id, outcome="refused", problem=problem))
        if request.entries:
            kept = ledger.kept(request, [receipt.outcome for receipt in receipts])
            self.entries |= kept
            self.sharing.settle(kept)
        return tuple(receipts)

    async def decide_draft(self, request: AppendRequest, batch: FamilyBatch, draft: Draft[Any]) -> Receipt:
        """Appends a draft and returns its receipt, or returns its first receipt again.

        Raises:
            Refused: with the path of the field within the draft.
        """
        digest = digest_of_draft(draft)
        if (sent := batch.sent_before(draft, request.author)) is not None:
            if sent.digest != digest:
                raise IdReused("You have sent other content under this id; the first content stands.", at="id")
            quiet = self._keep_quiet_again(batch, draft, sent.logged)
            return Receipt(id=draft.id, outcome="already_recorded", place=sent.place, keep_quiet=quiet)
        target = batch.target_of(draft, request.author)
        is_tick = request.by_service and isinstance(draft.event, TimePassed)
        if is_tick and not await off_loop(batch.family.held_count(), members_due, batch.family, self.now):
            return Receipt(id=draft.id, outcome="already_recorded", place=0)
        admitted = self._admitted(request, batch, draft, target)
        folded, place = await self._record(request, batch, draft, admitted, target, digest)
        if target is not None:
            await self._part(request.family, batch, draft.event, target)
        quiet = quiet_names(batch.family, folded.telling, folded.logged)
        return Receipt(id=draft.id, outcome="recorded", place=place, keep_quiet=quiet)

    def _admitted(
        self, request: AppendRequest, batch: FamilyBatch, draft: Draft[Any], target: LoggedEvent | None
    ) -> AdmittedDraft:
        if request.by_service:
            return AdmittedDraft(audience_of(type(draft.event), requested=None, target=None), draft.occurred_at, None)
        return admit(
            draft,
            author=request.joiner or batch.family.roster.members[request.author],
            roster=batch.family.roster,
            target=target,
            surprises=batch.family.surprises,
            unnamed=batch.family.unnamed_to(request.author),
            clock_off=request.clock_off,
            latest=self.latest,
            is_completed=bool(request.entries),
            imported_by=self.sharing.imported_by(request.family, target),
        )

    def _keep_quiet_again(self, batch: FamilyBatch, draft: Draft[Any], sent: LoggedEvent) -> tuple[str, ...]:
        """Returns the names for a repeated receipt, by today's choices: the first response may have been lost."""
        family = batch.family
        author = family.roster.members.get(sent.author)
        if author is None or not family.surprises:
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
        return quiet_names(family, telling_of(family, sent, event, batch.target_of(draft, sent.author)), sent)

    async def _record(
        self,
        request: AppendRequest,
        batch: FamilyBatch,
        draft: Draft[Any],
        admitted: AdmittedDraft,
        target: LoggedEvent | None,
        digest: bytes,
    ) -> tuple[Folded, int]:
        """Appends an event. Returns the result of its fold, and its place in its author's feed."""
        event = Event(
            id=draft.id,
            author=request.author,
            occurred_at=admitted.occurred_at,
            precision=draft.precision,
            recorded_at=draft.recorded_at,
            received_at=self.now,
            audience=admitted.audience,
            claimed_at=admitted.claimed_at,
            event=draft.event,
        )
        body = bytes_of_event(event)
        salt = self.salts.salt_of(draft.id)
        new = NewEvent(Seq(batch.seq + 1), event, commitment(salt, body), None if target is None else target.seq)
        folded = await self._fold(request.family, batch, new)
        size = size_of(folded.changes)
        if size < WORTH_IT:  # `off_loop` would cost a coroutine even for a small size
            place = self._gather(request.family, batch, folded)
        else:
            place = await off_loop(size, self._gather, request.family, batch, folded)
        batch.seq += 1
        batch.add_new(draft.id, StoredEvent(folded.logged, digest, place))
        self.rows.events.append(
            (request.family, new.seq, draft.id, request.author, folded.logged.kind, draft.event.version, admitted.audience,
             new.target_seq, self.now, digest, new.commitment, salt, body, None if target is None else target.thread)
        )  # fmt: skip
        return folded, place

    async def _fold(self, family: FamilyId, batch: FamilyBatch, new: NewEvent) -> Folded:
        """Folds one event, and reads what the fold needs."""
        folding = fold(batch.family, new)
        cost = batch.cost_of(type(new.event.event).__name__, new.event.author)
        reached = advance(folding) if cost < WORTH_IT else await off_loop(cost, advance, folding)
        while not isinstance(reached, Folded):
            answer = await self._answer(family, batch, reached)
            reached = await off_loop(_cost_of(reached, new.seq), advance, folding, answer)
        return reached

    def _gather(self, family: FamilyId, batch: FamilyBatch, folded: Folded) -> int:
        """Collects the changes of an event. Returns its place in its author's feed."""
        if len(folded.changes) > 1:  # a single change is a delivery, which is written as a run
            self.rows.add(family, folded.changes)
        return batch.feeds.apply(folded.changes, author=folded.logged.author)

    async def _answer(self, family: FamilyId, batch: FamilyBatch, need: Need) -> Any:
        match need:
            case NeedEvents(seqs=seqs):
                if seqs[-1] > batch.written_seq:
                    await self.write()
                return await read.events_at(self.connection, family, seqs)
            case NeedSightings(member=member, seqs=seqs):
                found = await read.sightings(self.connection, [(family, seq, member) for seq in seqs])
                return {seq: sighting for _, _, seq, sighting in found}
            case NeedHistory(before=before, is_whole=is_whole):
                await self.write()  # the history may include events of this batch
                return await read.history(self.connection, family, before=before, is_whole=is_whole)

    async def _part(self, family: FamilyId, batch: FamilyBatch, body: Body, target: LoggedEvent) -> None:
        """Appends other importers' own events, where an event has changed or taken back one that they shared (law 20)."""
        for share in self.sharing.part(family, body, target, batch.family.surprises):
            if (entry := self.entries.get(share.key)) is not None:
                self.entries[share.key] = msgspec.structs.replace(entry, expects=entry.expects + 1)
            importer = batch.family.roster.members.get(share.key[1])
            if importer is None or importer.has_left:
                continue
            drafts = await own_drafts(self.connection, share)
            request = AppendRequest(family=family, author=importer.member, drafts=drafts)
            for draft in drafts:
                admitted = AdmittedDraft(draft.audience or draft.event.audience, draft.occurred_at, None)
                own_target = batch.target_of(draft, importer.member)
                await self._record(request, batch, draft, admitted, own_target, digest_of_draft(draft))

    async def write(self) -> None:
        """Writes the rows that were collected since the last write."""
        rows, self.rows = self.rows, PendingRows()
        for family, batch in self.families.items():
            if changed := batch.feeds.take_changed():
                rows.runs[family] = changed
                batch.delivered_to.update(changed)
        written = {family: (batch.written_seq, batch.written_roster) for family, batch in self.families.items()}
        beside = [*ledger.put(self.entries), *self.sharing.statements(set(self.entries))]
        self.entries = {}
        await rows.write(self.connection, written=written, beside=beside)
        for family, batch in self.families.items():
            batch.written_seq = batch.seq
            batch.written_roster = rows.rosters.get(family, batch.written_roster)

    async def give_back(self) -> None:
        """Lowers the heads by the drafts that were not appended, or raises them by other importers' events: seq has no gaps."""
        unused = {
            family: count - (batch.seq - batch.head.seq)
            for family, count in self.taken.items()
            if (batch := self.families[family]).seq - batch.head.seq != count
        }
        if unused:
            await heads.give_back(self.connection, unused)


def _cost_of(need: Need, seq: Seq) -> int:
    """Returns about how many events the fold processes with the answer."""
    return seq if isinstance(need, NeedHistory) else len(need.seqs)
