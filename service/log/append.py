"""Appends drafts to the logs of several families in one transaction, and returns the result of each draft.

    heads       family_batch: locks each family and takes as many seqs as may be needed, so that seq follows the order of commit
    prefetch    reads what the drafts may repeat, refer to, change or free: one query for each of these sets
    decide      admit: may this author write this draft, about that event, at that time?
    fold        projections/fold: who is sent the event, from whom it is held, which held events it frees
    write       store/write: events and changes in one round trip; then the seqs that no event has are given back

Owns the order of these steps, and the working memory of a batch. Begins and ends no transaction.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from events.clips import ClipAttached
from events.errors import IdReused, Refused
from events.event import Draft, Event
from events.ids import EventId, FamilyId, LogId, MemberId, Seq
from events.surprise import TimePassed
from events.wire import Malformed, bytes_of_event, commitment, digest_of_draft
from projections.fold import Folded, NeedEvents, NeedHistory, NewEvent, advance, fold, members_due
from projections.keep_quiet import quiet_names, telling_of
from projections.logged_event import LoggedEvent
from projections.visibility import audience_of
from service.background import WORTH_IT, off_loop
from service.http.problems import NotFound
from service.log.admit import AHEAD_MAX, AdmittedDraft, admit, completed
from service.log.append_request import AppendRequest, FamilyLocked, Outcome, Overtaken, Problem, Receipt
from service.log.family_batch import FamilyBatch, FamilyCache, FamilyState, give_back, having_logs, size_of, take_families
from service.log.prefetch import may_share, prefetch
from service.log.shared_records import Sharing, own_drafts
from service.log.store import read
from service.log.store.read import StoredEvent
from service.log.store.write import PendingRows

SALT_BYTES: Final = 16


class Appended(msgspec.Struct, frozen=True):
    """The result of a batch. It is valid once its transaction has committed."""

    receipts: list[Outcome]
    """The outcomes, in the order of the requests. A request is refused if its author is no longer a member, if another writer was
    faster, or if the family is locked."""
    logs: dict[FamilyId, LogId]
    delivered_to: dict[FamilyId, set[MemberId]]
    """The members whose feeds have new entries."""
    states: dict[FamilyId, FamilyState]
    """The families' states, to be cached after the commit, and not before."""


async def append(
    connection: Any,
    requests: Sequence[AppendRequest],
    *,
    now: datetime,
    cache: FamilyCache,
    waits: bool = True,
    held_max: int | None = None,
) -> Appended:
    """Appends at most 500 drafts inside the caller's transaction.

    A draft that was sent before gets its first receipt again. The states of these families are taken out of `cache` and changed.
    The caller caches `Appended.states` once the transaction has committed; if it fails, the next append reads the states again.
    `waits`: whether to wait for families that another transaction has locked. If not, the requests of these families are refused,
    so that one family does not stop another.

    Raises:
        NotFound: one of the families has no log.
        TooLong: a draft makes the rule check the events that are held from a member, and these are more than `held_max`.
    """
    counts: defaultdict[FamilyId, int] = defaultdict(int)
    for request in requests:
        counts[request.family] += len(request.drafts)
    families = await take_families(connection, counts, cache, waits=waits)
    locked = counts.keys() - families.keys()
    if locked and (waits or await having_logs(connection, locked) != locked):
        raise NotFound
    free = [request for request in requests if request.family not in locked] if locked else requests
    await prefetch(connection, families, free, held_max)
    batch = Batch(connection, now, families, await Sharing.found(connection, families, free) if may_share(free) else None)
    receipts: list[Outcome] = []
    for request in requests:
        receipts.append(FamilyLocked() if request.family in locked else await batch.decide(request))
        if request.may_wait:
            await asyncio.sleep(0)  # others' requests are answered meanwhile
    await batch.write()
    await give_back(connection, families)
    return Appended(
        receipts,
        {family: one.head.log for family, one in families.items()},
        {family: one.delivered_to for family, one in families.items() if one.delivered_to},
        {family: one.state() for family, one in families.items()},
    )


class Salts:
    """The random salts of a batch, drawn with one call to the kernel.

    Because of its salt, a commitment to a few words that are easy to guess reveals nothing of these words.
    """

    def __init__(self, count: int) -> None:
        drawn = os.urandom(SALT_BYTES * count)
        self._left = [drawn[at : at + SALT_BYTES] for at in range(0, len(drawn), SALT_BYTES)]

    def salt_of(self, event: EventId) -> bytes:
        """Returns a salt for one event."""
        return self._left.pop() if self._left else os.urandom(SALT_BYTES)


class Batch:
    """The working memory of one `append`: decides drafts one after another, and collects the rows to write."""

    def __init__(
        self, connection: Any, now: datetime, families: dict[FamilyId, FamilyBatch], sharing: Sharing | None
    ) -> None:
        """Begins a batch. `sharing`: None if no draft can concern an event that two importers share."""
        self.connection = connection
        self.now = now
        self.latest = now + AHEAD_MAX
        self.families = families
        self.salts = Salts(sum(one.taken for one in families.values()))
        self.sharing = sharing
        self.rows = PendingRows()

    async def decide(self, request: AppendRequest) -> Outcome:
        """Decides the drafts of one request in order. Returns their receipts, or the reason to refuse the request."""
        sharing = self.sharing if request.entries else None
        if sharing is not None and sharing.is_late(request):
            return Overtaken()
        batch = self.families[request.family]
        author = batch.family.roster.members.get(request.author)
        if author is not None:  # comparing an id is faster where both are the same object
            request = msgspec.structs.replace(request, author=author.member)
        if not request.by_service and request.joiner is None and (author is None or author.has_left):
            return NotFound()
        if sharing is not None and sharing.has_parted(request):
            return Overtaken()
        spared = sharing.spare(request, batch) if sharing is not None else ()
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
        if sharing is not None:
            sharing.settle(request, [receipt.outcome for receipt in receipts])
        return tuple(receipts)

    async def decide_draft(self, request: AppendRequest, batch: FamilyBatch, draft: Draft[Any]) -> Receipt:
        """Appends a draft, and returns its receipt. If the draft was sent before, returns its first receipt again.

        Raises:
            Refused: the draft is refused. The error has the path of the field within the draft.
        """
        digest = digest_of_draft(draft)
        target = batch.target_of(draft, request.author)
        if (sent := batch.sent_before(draft, request.author)) is not None:
            if sent.digest != digest:
                raise IdReused("You have sent other content under this id; the first content stands.", at="id")
            quiet = self._keep_quiet_again(batch, draft, sent.logged, target)
            return Receipt(id=draft.id, outcome="already_recorded", place=sent.place, keep_quiet=quiet)
        is_tick = request.by_service and isinstance(draft.event, TimePassed)
        if is_tick and not await off_loop(batch.family.held_count(), members_due, batch.family, self.now):
            return Receipt(id=draft.id, outcome="already_recorded", place=0)
        if request.by_service:
            admitted = AdmittedDraft(audience_of(type(draft.event), requested=None, target=None), draft.occurred_at, None)
        else:
            admitted = admit(
                draft,
                author=request.joiner or batch.family.roster.members[request.author],
                family=batch.family,
                target=target,
                clock_off=request.clock_off,
                latest=self.latest,
                is_completed=bool(request.entries),
                imported_by=None if self.sharing is None or target is None else self.sharing.imported_by(request.family, target),
            )
        if type(draft.event) is ClipAttached:
            draft = completed(draft, batch.clips.get((request.author, draft.event.clip)))
        folded, place = await self._record(request, batch, draft, admitted, target, digest)
        if target is not None and self.sharing is not None:
            await self._part(self.sharing, request.family, batch, draft, target)
        quiet = quiet_names(batch.family, folded.telling, folded.logged)
        return Receipt(id=draft.id, outcome="recorded", place=place, keep_quiet=quiet)

    def _keep_quiet_again(
        self, batch: FamilyBatch, draft: Draft[Any], sent: LoggedEvent, target: LoggedEvent | None
    ) -> tuple[str, ...]:
        """Returns the names in `keep_quiet` of a repeated receipt, for a draft that was sent before.

        The choices of today decide the names. The receipt needs names again, because the first response may have been lost.
        """
        if sent.author not in batch.family.roster.members or not batch.family.surprises:
            return ()
        event = self._event_of(draft, sent.author, AdmittedDraft(sent.audience, draft.occurred_at, None))
        return quiet_names(batch.family, telling_of(batch.family, sent, event, target), sent)

    def _event_of(self, draft: Draft[Any], author: MemberId, admitted: AdmittedDraft) -> Event[Any]:
        return Event(
            id=draft.id,
            author=author,
            occurred_at=admitted.occurred_at,
            precision=draft.precision,
            recorded_at=draft.recorded_at,
            received_at=self.now,
            audience=admitted.audience,
            claimed_at=admitted.claimed_at,
            event=draft.event,
        )

    async def _record(
        self,
        request: AppendRequest,
        batch: FamilyBatch,
        draft: Draft[Any],
        admitted: AdmittedDraft,
        target: LoggedEvent | None,
        digest: bytes,
    ) -> tuple[Folded, int]:
        """Folds an event and collects its rows. Returns the result of the fold, and the event's place in its author's feed."""
        event = self._event_of(draft, request.author, admitted)
        body, salt = bytes_of_event(event), self.salts.salt_of(draft.id)
        new = NewEvent(Seq(batch.seq + 1), event, commitment(salt, body), None if target is None else target.seq)
        folded = await self._fold(request.family, batch, new)
        # Most events have one change. `off_loop` would cost a coroutine even for a small size.
        if len(folded.changes) == 1 or (size := size_of(folded.changes)) < WORTH_IT:
            place = self._collect(request.family, batch, folded)
        else:
            place = await off_loop(size, self._collect, request.family, batch, folded)
        batch.seq += 1
        batch.add_new(draft.id, StoredEvent(folded.logged, digest, place))
        self.rows.events.append(
            (request.family, new.seq, draft.id, request.author, folded.logged.kind, draft.event.version, admitted.audience,
             new.target_seq, self.now, digest, new.commitment, salt, body, None if target is None else target.thread)
        )  # fmt: skip
        if type(draft.event) is ClipAttached:
            self.rows.attachments.append((request.family, draft.event.clip, new.seq))
        return folded, place

    async def _fold(self, family: FamilyId, batch: FamilyBatch, new: NewEvent) -> Folded:
        """Folds one event, and reads the events, sightings or history that the fold asks for."""
        folding = fold(batch.family, new)
        cost = batch.cost_of(type(new.event.event).__name__, new.event.author)
        reached = advance(folding) if cost < WORTH_IT else await off_loop(cost, advance, folding)
        while not isinstance(reached, Folded):
            if isinstance(reached, NeedHistory) or (isinstance(reached, NeedEvents) and reached.seqs[-1] > batch.written_seq):
                await self.write()  # the fold may need events of this batch
            answer = await read.needed(self.connection, family, reached)
            cost = new.seq if isinstance(reached, NeedHistory) else len(reached.seqs)
            reached = await off_loop(cost, advance, folding, answer)
        return reached

    def _collect(self, family: FamilyId, batch: FamilyBatch, folded: Folded) -> int:
        """Collects the rows that an event changes. Returns the event's place in its author's feed."""
        if len(folded.changes) > 1:  # a single change is a delivery, which is written as a run
            self.rows.add(family, folded.changes)
        return batch.feeds.apply(folded.changes, author=folded.logged.author)

    async def _part(
        self, sharing: Sharing, family: FamilyId, batch: FamilyBatch, draft: Draft[Any], target: LoggedEvent
    ) -> None:
        """Appends an event for each importer who shared an event, if a draft has changed or taken back that event (law 20)."""
        for share in sharing.part(family, draft.event, target, batch.family.surprises):
            importer = batch.family.roster.members.get(share.key[1])
            if importer is None or importer.has_left:
                continue
            drafts = await own_drafts(self.connection, share)
            request = AppendRequest(family=family, author=importer.member, drafts=drafts)
            for own in drafts:
                admitted = AdmittedDraft(own.audience or own.event.audience, own.occurred_at, None)
                own_target = batch.target_of(own, importer.member)
                await self._record(request, batch, own, admitted, own_target, digest_of_draft(own))

    async def write(self) -> None:
        """Writes the rows that were collected since the last write."""
        rows, self.rows = self.rows, PendingRows()
        for family, batch in self.families.items():
            if changed := batch.feeds.take_changed():
                rows.runs[family] = changed
                batch.delivered_to.update(changed)
        written = {family: (batch.written_seq, batch.written_roster) for family, batch in self.families.items()}
        await rows.write(self.connection, written=written, beside=self.sharing.statements() if self.sharing is not None else ())
        for family, batch in self.families.items():
            batch.written_seq = batch.seq
            batch.written_roster = rows.rosters.get(family, batch.written_roster)
