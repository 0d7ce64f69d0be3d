"""Reads what a batch of drafts may repeat, refer to or change, before any of them is decided: a set for each question."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from events.amend import Amended, Withdrawn
from events.catalogue import CATALOGUE
from events.clips import ClipAttached
from events.event import Body
from events.ids import EventId, FamilyId, MemberId, Seq
from events.observations import MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
from events.surprise import EnvelopeOpened, Sorted, SurpriseChosen, TimePassed
from events.wire import Malformed
from projections.first_saw import SIGHTING_KINDS
from projections.keep_quiet import Sorting, spoken_with
from projections.logged_event import Past, Target
from projections.roster import Roster
from projections.subjects import Subject, brings_a_subject
from projections.surprise_state import Waiting
from service.log import rows
from service.log.admit import referred_to
from service.log.append_request import AppendRequest
from service.log.family_batch import FamilyBatch
from service.log.locked_families import TooLong
from service.log.waiting_rows import families_with_more_held, load_met, load_whole, own_sightings

CHANGES_A_SIGHTING: Final[frozenset[type[Body]]] = frozenset({Amended, Withdrawn, ClipAttached})

MAY_FREE: Final = (
    MilestoneObserved, ParentFirstSaw, MilestoneNamed, SurpriseChosen, EnvelopeOpened, Sorted, TimePassed,
)  # fmt: skip

SEQ_MAX: Final = Seq(2**62)

FamilyBatches = Mapping[FamilyId, FamilyBatch]


async def look_up(connection: Any, works: FamilyBatches, offers: Sequence[AppendRequest], held_max: int | None = None) -> None:
    """Read what the drafts may repeat or refer to, and the sightings that they change: a set each.

    Raises:
        TooLong: more than `held_max` events are held from somebody whom an act concerns.
    """
    asked: set[tuple[FamilyId, EventId, MemberId]] = set()
    changed: set[tuple[FamilyId, EventId]] = set()
    moved: set[tuple[FamilyId, EventId]] = set()
    choosing: set[tuple[FamilyId, MemberId]] = set()
    for offer in offers:
        for entry in offer.entries:
            asked.update((offer.family, event, like.author) for like in entry.like for event in like.events)
        for draft in offer.drafts:
            if type(draft) is Malformed:
                continue
            asked.add((offer.family, draft.id, offer.author))
            body = type(draft.event)
            if body is SurpriseChosen:
                choosing.add((offer.family, offer.author))
            if (named := referred_to(draft.event)) is not None:
                asked.add((offer.family, EventId(named), offer.author))
                if body in CHANGES_A_SIGHTING:
                    changed.add((offer.family, EventId(named)))
                if isinstance(draft.event, Amended) and brings_a_subject(draft.event):
                    moved.add((offer.family, EventId(named)))
    for known in await rows.known(connection, asked):
        work, recorded = works[known.family], known.as_recorded()
        if any(recorded.seq == other.seq for other in work.by_id[known.event]):  # several ask for it
            continue
        work.by_id[known.event].append(recorded)
    await _load_sightings(connection, works, changed)
    await _load_subjects(connection, works, moved)
    await _load_own_sightings(connection, works, choosing)
    await load_met(connection, _told_of(works, offers))
    unknown = _asked_for(works, offers)
    if held_max is not None:
        long = await families_with_more_held(connection, unknown, than=held_max) | _long(works, offers, held_max)
        if long:
            raise TooLong(long)
    await load_whole(connection, unknown)
    await _load_spoken(connection, works, offers, choosing)


def _long(works: FamilyBatches, offers: Sequence[AppendRequest], held_max: int) -> set[FamilyId]:
    """The families in which it is known that more is held, and in which an act may free some of it."""
    return {
        offer.family
        for offer in offers
        if works[offer.family].held > held_max
        and any(not isinstance(draft, Malformed) and isinstance(draft.event, MAY_FREE) for draft in offer.drafts)
    }


async def _load_spoken(
    connection: Any, works: FamilyBatches, offers: Sequence[AppendRequest], choosing: Collection[tuple[FamilyId, MemberId]]
) -> None:
    """Where anybody waits: what the events tell that the drafts refer to."""
    for family, _ in choosing:
        works[family].folding.keeps_spoken = True
    wanted = {
        (offer.family, recorded.seq)
        for offer in offers
        if works[offer.family].folding.keeps_spoken
        for draft in offer.drafts
        if not isinstance(draft, Malformed) and (named := referred_to(draft.event)) is not None
        for recorded in works[offer.family].by_id.get(EventId(named), ())
        if offer.author in recorded.told
    }
    await _load_sortings(connection, works, offers)
    for one in reversed(await rows.spoken(connection, wanted)):
        folding = works[one.family].folding
        above = folding.spoken.get(one.of, ())
        folding.spoken[one.of] = spoken_with(folding.keeping.case_of(one.seq, one.event, _above(one), folding.roster), above)


async def _load_sortings(connection: Any, works: FamilyBatches, offers: Sequence[AppendRequest]) -> None:
    """Where anybody waits: how the threads of the drafts were sorted, as far as their authors were sent that.

    Of a draft that was sent before, as it was then: its receipt says the same again.
    """
    top_by_asked: dict[tuple[FamilyId, Seq, MemberId, Seq], Target] = {}
    for offer in offers:
        work = works[offer.family]
        for draft in offer.drafts if work.folding.keeps_spoken else ():
            if not isinstance(draft, Malformed) and (top := work.target_of(draft, offer.author)) is not None:
                sent = work.sent_before(draft, offer.author)
                top_by_asked[offer.family, top.thread, offer.author, SEQ_MAX if sent is None else sent.seq] = top
    for family, thread, member, seq, target_seq, event in await rows.sortings(connection, top_by_asked):
        folding = works[family].folding
        top = next(one for key, one in top_by_asked.items() if key[:3] == (family, thread, member))
        target = Past(
            seq=target_seq, author=top.thread_author, kind="", audience=event.audience, target_seq=None,
            thread=thread, thread_kind=top.thread_kind, thread_author=top.thread_author,
        )  # fmt: skip
        case = folding.keeping.case_of(seq, event, target, folding.roster)
        folding.sortings[thread].append(Sorting(case, frozenset({member})))


def _above(one: rows.Spoken) -> Past | None:
    """What an event refers to, as far as it matters of which thread that is."""
    if one.target_seq is None:
        return None
    return Past(
        seq=one.target_seq, author=one.thread_author, kind=one.thread_kind, audience=one.event.audience, target_seq=None,
        thread=one.thread, thread_kind=one.thread_kind, thread_author=one.thread_author,
    )  # fmt: skip


def _told_of(
    works: FamilyBatches, offers: Sequence[AppendRequest]
) -> dict[tuple[FamilyId, MemberId], tuple[Waiting, set[Subject]]]:
    """The subjects of the drafts, for each member who waits and of whom not all is known here."""
    found: dict[tuple[FamilyId, MemberId], tuple[Waiting, set[Subject]]] = {}
    for offer in offers:
        folding = works[offer.family].folding
        for member, waits in folding.keeping.waiting.items():
            if not waits.is_whole:
                _, subjects = found.setdefault((offer.family, member), (waits, set()))
                subjects.update(_subjects(offer, folding.roster))
    return found


def _subjects(offer: AppendRequest, roster: Roster) -> Iterator[Subject]:
    """What the drafts of an offer tell of, as far as anybody can have met it before."""
    for draft in offer.drafts:
        if type(draft) is Malformed or not isinstance(draft.event, MilestoneObserved | ParentFirstSaw | NoteWritten):
            continue
        said = draft.event
        if said.child in roster.children:
            for milestone in _milestones(said):
                if milestone in CATALOGUE.by_key or milestone in roster.own_milestones:
                    yield said.child, milestone


def _milestones(said: MilestoneObserved | ParentFirstSaw | NoteWritten) -> tuple[str, ...]:
    match said:
        case MilestoneObserved():
            return said.milestone, *said.tells_of
        case ParentFirstSaw():
            return (said.milestone,)
        case NoteWritten():
            return said.may_tell_of


def _asked_for(works: FamilyBatches, offers: Sequence[AppendRequest]) -> dict[tuple[FamilyId, MemberId], Waiting]:
    """Of whom it is asked what is held from them, or met by them of what no draft names, and is not known here yet."""
    return {
        (offer.family, member): waits
        for offer in offers
        for member, waits in works[offer.family].folding.keeping.waiting.items()
        if not waits.is_whole
        and any(not isinstance(draft, Malformed) and _asks(draft.event, offer.author == member, waits) for draft in offer.drafts)
    }


def _asks(body: Body, is_own: bool, waits: Waiting) -> bool:
    """Whether what is held from a member may decide what an event is to them."""
    match body:
        case MilestoneObserved() | ParentFirstSaw():
            if is_own:
                return any(not about.met for about in waits.told_by((body.child, body.milestone)))
            return waits.asks_for_hints or referred_to(body) is not None
        case SurpriseChosen() | EnvelopeOpened() | MilestoneNamed():
            return is_own
        case TimePassed():
            return True
        case Amended() | Withdrawn() | Sorted():
            return True
        case _:
            return not is_own and referred_to(body) is not None


async def _load_sightings(connection: Any, works: FamilyBatches, changed: set[tuple[FamilyId, EventId]]) -> None:
    wanted = [
        (family, seq, member)
        for family, event in changed
        for recorded in works[family].by_id.get(event, ())
        for member in recorded.told
        for seq in (recorded.seq, recorded.target_seq)
        if seq is not None and (member == recorded.author or works[family].folding.keeps_sightings(member))
    ]
    for family, member, seq, sighting in await rows.sightings(connection, wanted):
        works[family].folding.sightings[seq][member] = sighting


async def _load_subjects(connection: Any, works: FamilyBatches, moved: set[tuple[FamilyId, EventId]]) -> None:
    """Of sightings that are said to be about something else: all that they were ever said to be about."""
    wanted = {
        (family, recorded.seq)
        for family, event in moved
        for recorded in works[family].by_id.get(event, ())
        if recorded.kind in SIGHTING_KINDS
    }
    for (family, seq), had in (await rows.had(connection, wanted)).items():
        works[family].folding.keeping.had[seq] = had


async def _load_own_sightings(connection: Any, works: FamilyBatches, choosing: set[tuple[FamilyId, MemberId]]) -> None:
    """Of members who choose for the first time: what they have met already."""
    wanted = {(family, member) for family, member in choosing if member not in works[family].folding.keeping.waiting}
    for family, member, seq, sighting in await own_sightings(connection, wanted):
        works[family].folding.sightings[seq][member] = sighting
