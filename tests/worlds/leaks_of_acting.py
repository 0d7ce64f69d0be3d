"""Plants leaks in the responses to a member's own acts: receipts, refusals, limits, ids and codes; and in notifications."""

from collections.abc import Callable, Collection
from typing import Any

import msgspec

import service.access.founding
import service.access.joining
import service.log.append
import service.log.store.read
from events.errors import IdReused, NotTheAuthor, Refused, UnknownMilestone, UnknownTarget
from events.observations import MilestoneObserved
from events.surprise import EnvelopeOpened
from projections.family import Family
from service.http.gateway import ResponseSender
from service.http.rate_limit import Limits
from service.log.admit import referred_to
from service.log.append import Batch
from service.log.append_request import Receipt
from service.log.family_batch import FamilyBatch
from tests.worlds.leaks import BEN_WAITS_TOO, Plant, around, count_recorded, leak, leak_around, only, recorded_count, rewritten
from tests.worlds.seeded import uuid_of

Decide = Callable[[Any, FamilyBatch, Any], Receipt | None]
"""A function of the append request, the family's batch and the draft. It returns a receipt, or None to let the service decide."""

READ_FOR_EVERYBODY = rewritten(
    service.log.store.read.QUERIES, "stored_events", "WHERE event.author_id = wanted.member_id", "WHERE true"
)
"""A plant: the append also reads events of other authors whose ids a draft uses. A leak can only show what was read."""


def deciding_first(decide: Decide) -> Plant:
    """Returns a plant that asks `decide` for a receipt first. If `decide` returns None, the service decides the draft."""

    async def leaking(decide_draft: Any, self: Batch, request: Any, batch: FamilyBatch, draft: Any) -> Receipt:
        receipt: Receipt = decide(request, batch, draft) or await decide_draft(self, request, batch, draft)
        return receipt

    return around(Batch, "decide_draft", leaking)


def refusing_what_is_held(refusal: Callable[[Any], Refused]) -> Plant:
    """Returns a plant that refuses drafts about an event which exists and was not delivered to their author.

    The service refuses these drafts too, but with the code for an event that does not exist.
    """

    def refuse(request: Any, batch: FamilyBatch, draft: Any) -> None:
        target: Any = referred_to(draft.event)
        found = list(batch.events_by_id(target)) if target is not None else []
        if found and all(request.author not in logged.delivered_to for logged in found):
            raise refusal(draft)

    return deciding_first(refuse)


def _refuse_others_ids(request: Any, batch: FamilyBatch, draft: Any) -> None:
    if any(logged.author != request.author for logged in batch.events_by_id(draft.id)):
        raise IdReused("This id is taken.", at="id")


leak("an id that another member used is taken", READ_FOR_EVERYBODY, deciding_first(_refuse_others_ids))
leak(
    "what is held is forbidden, and not unknown",
    READ_FOR_EVERYBODY,
    refusing_what_is_held(lambda draft: NotTheAuthor("Not yours to speak of.", at="event.target")),
)
leak(
    "what is held is unknown in other words",
    READ_FOR_EVERYBODY,
    refusing_what_is_held(
        lambda draft: UnknownTarget("You have not been told of this event yet.", at=f"event.{draft.event.refers}")
    ),
)


@leak_around("one can speak of what is held", FamilyBatch, "target_of", READ_FOR_EVERYBODY)
def _(target_of: Any, self: FamilyBatch, draft: Any, author: Any) -> Any:
    target: Any = referred_to(draft.event)
    return next(iter(self.events_by_id(target)), None) if target is not None else None


def _know_others_firsts(request: Any, batch: FamilyBatch, draft: Any) -> Receipt | None:
    state, seen = batch.family.surprises.get(request.author), draft.event
    if state is not None and isinstance(seen, MilestoneObserved) and state.holds.tell_of((seen.child, seen.milestone)):
        return Receipt(id=draft.id, outcome="already_recorded", place=batch.feeds.place_of(request.author))
    return None


leak("a first that others recorded already", deciding_first(_know_others_firsts), history=only("h0", ending="own_first"))


def _refuse_held_names(request: Any, batch: FamilyBatch, draft: Any) -> None:
    milestone = getattr(draft.event, "milestone", None)
    if milestone in batch.family.roster.own_milestones and milestone in batch.family.unnamed_to(request.author):
        raise UnknownMilestone("Not known to you.", at="event.milestone")


leak("a name that is held is unknown in other words", deciding_first(_refuse_held_names), history=only("h5"))
leak(
    "the family's own milestone is known although its name is held",
    around(Family, "unnamed_to", lambda unnamed_to, self, member: ()),
    history=only("h5"),
)


def _show_seq_again(request: Any, batch: FamilyBatch, draft: Any) -> Receipt | None:
    sent = batch.sent_before(draft, request.author)
    return None if sent is None else Receipt(id=draft.id, outcome="already_recorded", place=sent.logged.seq)


leak("the receipt of a draft sent again has the log's place", deciding_first(_show_seq_again))


@leak_around("the receipt of a new draft has the log's place", Batch, "decide_draft")
async def _(decide_draft: Any, self: Batch, request: Any, batch: FamilyBatch, draft: Any) -> Any:
    receipt = await decide_draft(self, request, batch, draft)
    return msgspec.structs.replace(receipt, place=batch.seq) if receipt.outcome == "recorded" else receipt


def _count_what_is_released(request: Any, batch: FamilyBatch, draft: Any) -> Receipt | None:
    state = batch.family.surprises.get(request.author)
    if not isinstance(draft.event, EnvelopeOpened) or state is None or not state.holds.events:
        return None
    place = batch.feeds.place_of(request.author) + 1 + len(state.holds.events)
    return Receipt(id=draft.id, outcome="recorded", place=place)


leak("the receipt of the act counts what comes with it", deciding_first(_count_what_is_released), history=only("h0", "h11"))


@leak_around(
    "keep_quiet forgets whoever met it unknown to the author", service.log.append, "quiet_names", history=BEN_WAITS_TOO
)
def _(quiet_names: Any, family: Family, *what: Any) -> Any:
    unmet = {member: state for member, state in family.surprises.items() if not state.met.own}
    return quiet_names(Family(family.roster, unmet), *what)


leak(
    "one bucket for the whole family",
    around(Limits, "take", lambda take, self, kind, who, **named: take(self, kind, "everybody", **named)),
    history=only("h14", probe=4),
)
leak(
    "an id of the service's from a counter",
    count_recorded,
    around(service.access.founding, "uuid4", lambda uuid4: uuid_of(f"{recorded_count()}/{uuid4()}", version=4)),
)
leak(
    "an invite's code from a counter",
    count_recorded,
    around(service.access.joining, "new_code", lambda new_code: f"code-{recorded_count()}"),
)


@leak_around("a header with the load of the process", ResponseSender, "send", count_recorded)
async def _(send: Any, self: ResponseSender, message: Any) -> None:
    if message["type"] == "http.response.start":
        message = {**message, "headers": [*message.get("headers", ()), (b"x-recorded", b"%d" % recorded_count())]}
    await send(self, message)


def notifying(members_of: Callable[[Family], Collection[Any]]) -> Plant:
    """Returns a plant that notifies `members_of` a family after each commit, even if nothing was delivered to these members."""

    async def leaking(write: Any, self: Batch) -> None:
        await write(self)
        for batch in self.families.values():
            batch.delivered_to.update(members_of(batch.family))

    return around(Batch, "write", leaking)


leak("a wake-up for everybody in the family", notifying(lambda family: family.roster.present), history=only("h10"))
leak("a wake-up for who is kept from it", notifying(lambda family: family.surprises), history=only("h0"))
