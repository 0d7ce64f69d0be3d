"""Leaks through what a member does: receipts, refusals, limits, ids and codes made by the service, wake-ups."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

import service.access.founding
import service.access.joining
import service.log.append
import service.log.family_batch
import service.log.store.read
from events.errors import IdReused, NotTheAuthor, UnknownMilestone, UnknownTarget
from events.observations import MilestoneObserved
from projections.family import Family
from projections.fold import Fold
from projections.keep_quiet import QuietList
from service.http.gateway import ResponseSender
from service.http.rate_limit import Limits
from service.log.admit import referred_to
from service.log.append_request import Receipt
from service.log.family_batch import FamilyBatch
from tests.worlds.leaks import BEN_WAITS_TOO, RICH, leak, only, rewrite
from tests.worlds.seeded import uuid_of

Decide = Callable[[Any, Any, Any], Receipt | None]


def _decisions(patch: pytest.MonkeyPatch, before: Decide) -> None:
    """Ask `before` of each draft first; what it gives is the receipt."""
    decide = service.log.append.Batch.decide_draft

    async def leaking(self: Any, offer: Any, work: FamilyBatch, draft: Any) -> Receipt:
        return before(offer, work, draft) or await decide(self, offer, work, draft)

    patch.setattr(service.log.append.Batch, "decide_draft", leaking)


def _untold_target(offer: Any, work: FamilyBatch, draft: Any) -> bool:
    """Whether a draft refers to something that there is, and that its author was not told of."""
    named: Any = referred_to(draft.event)
    found = work.events_by_id(named) if named is not None else []
    return bool(found) and all(offer.author not in one.delivered_to for one in found)


def _everything_is_looked_up(patch: pytest.MonkeyPatch) -> None:
    """Read events of these ids also for who was told of none: of what is never read, nothing can be told."""
    rewrite(patch, service.log.store.read.QUERIES, "stored_events", "WHERE event.author_id = wanted.member_id", "WHERE true")


@leak("an id that another member used is taken")
def _(patch: pytest.MonkeyPatch) -> None:
    _everything_is_looked_up(patch)

    def refuse(offer: Any, work: FamilyBatch, draft: Any) -> None:
        if any(sent.author != offer.author for sent in work.events_by_id(draft.id)):
            raise IdReused("This id is taken.", at="id")

    _decisions(patch, refuse)


@leak("what is held is forbidden, and not unknown")
def _(patch: pytest.MonkeyPatch) -> None:
    _everything_is_looked_up(patch)

    def refuse(offer: Any, work: FamilyBatch, draft: Any) -> None:
        if _untold_target(offer, work, draft):
            raise NotTheAuthor("Not yours to speak of.", at="event.target")

    _decisions(patch, refuse)


@leak("what is held is unknown in other words")
def _(patch: pytest.MonkeyPatch) -> None:
    _everything_is_looked_up(patch)

    def refuse(offer: Any, work: FamilyBatch, draft: Any) -> None:
        if _untold_target(offer, work, draft):
            raise UnknownTarget("You have not been told of this event yet.", at=f"event.{draft.event.refers}")

    _decisions(patch, refuse)


@leak("one can speak of what is held")
def _(patch: pytest.MonkeyPatch) -> None:
    _everything_is_looked_up(patch)

    def target_of(self: FamilyBatch, draft: Any, author: Any) -> Any:
        named: Any = referred_to(draft.event)
        return next(iter(self.events_by_id(named)), None) if named is not None else None

    patch.setattr(FamilyBatch, "target_of", target_of)


@leak("a first that others recorded already", only(RICH, "h0", ending="own_first"))
def _(patch: pytest.MonkeyPatch) -> None:
    def already(offer: Any, work: FamilyBatch, draft: Any) -> Receipt | None:
        state = work.family.surprises.get(offer.author)
        seen = draft.event
        if state is not None and isinstance(seen, MilestoneObserved) and state.holds.tell_of((seen.child, seen.milestone)):
            return Receipt(id=draft.id, outcome="already_recorded", place=work.feeds.place_of(offer.author))
        return None

    _decisions(patch, already)


@leak("the family's own milestone is known although its name is held", only(RICH, "h5"))
def _(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Family, "unnamed_to", lambda self, member: ())


@leak("a name that is held is unknown in other words", only(RICH, "h5"))
def _(patch: pytest.MonkeyPatch) -> None:
    def refuse(offer: Any, work: FamilyBatch, draft: Any) -> None:
        said = getattr(draft.event, "milestone", None)
        if said in work.family.roster.own_milestones and said in work.family.unnamed_to(offer.author):
            raise UnknownMilestone("Not known to you.", at="event.milestone")

    _decisions(patch, refuse)


@leak("the receipt of a draft sent again has the log's place")
def _(patch: pytest.MonkeyPatch) -> None:
    def again(offer: Any, work: FamilyBatch, draft: Any) -> Receipt | None:
        sent = work.sent_before(draft, offer.author)
        return None if sent is None else Receipt(id=draft.id, outcome="already_recorded", place=sent.logged.seq)

    _decisions(patch, again)


@leak("the receipt of a new draft has the log's place")
def _(patch: pytest.MonkeyPatch) -> None:
    decide = service.log.append.Batch.decide_draft

    async def leaking(self: Any, offer: Any, work: FamilyBatch, draft: Any) -> Receipt:
        receipt = await decide(self, offer, work, draft)
        return msgspec.structs.replace(receipt, place=work.seq) if receipt.outcome == "recorded" else receipt

    patch.setattr(service.log.append.Batch, "decide_draft", leaking)


@leak("the receipt of the act counts what comes with it", only(RICH, "h0", "h11"))
def _(patch: pytest.MonkeyPatch) -> None:
    def counting(offer: Any, work: FamilyBatch, draft: Any) -> Receipt | None:
        state = work.family.surprises.get(offer.author)
        if type(draft.event).__name__ != "EnvelopeOpened" or state is None or not state.holds.events:
            return None
        place = work.feeds.place_of(offer.author) + 1 + len(state.holds.events)
        return Receipt(id=draft.id, outcome="recorded", place=place)

    _decisions(patch, counting)


@leak("keep_quiet forgets whoever met it unknown to the author", BEN_WAITS_TOO)
def _(patch: pytest.MonkeyPatch) -> None:
    def all_knowing(author: Any, roster: Any, surprises: Any) -> QuietList:
        return QuietList(author, roster, {member: state for member, state in surprises.items() if not state.met.own})

    patch.setattr(service.log.family_batch, "QuietList", all_knowing)


@leak("one bucket for the whole family", only(RICH, "h14", probe=4))
def _(patch: pytest.MonkeyPatch) -> None:
    take = Limits.take

    def shared(self: Limits, kind: Any, who: Any, *, count: int = 1) -> None:
        take(self, kind, "everybody", count=count)

    patch.setattr(Limits, "take", shared)


def counted(patch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many events the process has recorded: what a counter in it would say."""
    counts: Counter[int] = Counter()
    fold = vars(service.log.append)["fold"]

    def counting(*told: Any) -> Fold:
        counts[threading.get_ident()] += 1
        folding: Fold = fold(*told)
        return folding

    patch.setattr(service.log.append, "fold", counting)
    return lambda: counts[threading.get_ident()]


@leak("an id of the service's from a counter")
def _(patch: pytest.MonkeyPatch) -> None:
    count = counted(patch)
    drawn: Counter[int] = Counter()

    def uuid4() -> UUID:
        drawn[threading.get_ident()] += 1
        return uuid_of(f"{count()}/{drawn[threading.get_ident()]}", version=4)

    patch.setattr(service.access.founding, "uuid4", uuid4)


@leak("an invite's code from a counter")
def _(patch: pytest.MonkeyPatch) -> None:
    count = counted(patch)
    patch.setattr(service.access.joining, "new_code", lambda: f"code-{count()}")


@leak("a header with the load of the process")
def _(patch: pytest.MonkeyPatch) -> None:
    count, send = counted(patch), ResponseSender.send

    async def loaded(self: ResponseSender, message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"x-recorded", b"%d" % count())]}
        await send(self, message)

    patch.setattr(ResponseSender, "send", loaded)


@leak("a wake-up for everybody in the family", only(RICH, "h10"))
def _(patch: pytest.MonkeyPatch) -> None:
    write = service.log.append.Batch.write

    async def and_everybody(self: service.log.append.Batch) -> None:
        await write(self)
        for batch in self.families.values():
            batch.delivered_to.update(batch.family.roster.present)

    patch.setattr(service.log.append.Batch, "write", and_everybody)


@leak("a wake-up for who is kept from it", only(RICH, "h0"))
def _(patch: pytest.MonkeyPatch) -> None:
    write = service.log.append.Batch.write

    async def and_who_waits(self: service.log.append.Batch) -> None:
        await write(self)
        for batch in self.families.values():
            batch.delivered_to.update(batch.family.surprises)

    patch.setattr(service.log.append.Batch, "write", and_who_waits)
