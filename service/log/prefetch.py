"""Reads what a batch of drafts may repeat, refer to or free, before any of them is decided: one query for each kind of fact."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from events.amend import Amended, Withdrawn
from events.catalogue import CATALOGUE
from events.event import Body, Draft, Effect
from events.ids import EventId, FamilyId, MemberId, Seq
from events.kinds import SIGHTINGS, types_with
from events.observations import MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
from events.surprise import EnvelopeOpened, Sorted, SurpriseChosen, TimePassed
from events.wire import Malformed
from projections.describing import describe_in
from projections.keep_quiet import Sorting, telling_with
from projections.met import implied_by
from projections.roster import Roster
from projections.subjects import Subject, brings_a_subject
from projections.surprise_state import SurpriseState
from service.log.admit import referred_to
from service.log.append_request import AppendRequest, TooLong
from service.log.family_batch import FamilyBatch
from service.log.store import read
from service.log.store.read import Whose

CHANGES_A_SIGHTING: Final = types_with(Effect.CHANGES_SIGHTING)
MAY_FREE: Final = types_with(Effect.FREES)
SEQ_MAX: Final = Seq(2**62)

SHARED: Final = (Amended, Withdrawn, Sorted)
"""The types that may end what two importers share."""

Batches = Mapping[FamilyId, FamilyBatch]
RequestedDraft = tuple[AppendRequest, Draft[Any]]
Reference = tuple[AppendRequest, Draft[Any], EventId]


async def prefetch(
    connection: Any, batches: Batches, requests: Sequence[AppendRequest], held_max: int | None = None
) -> None:
    """Reads what the drafts may repeat, refer to, change or free, each as a set.

    Raises:
        TooLong: more than `held_max` events are held from a member that an act concerns.
    """
    drafts = [(request, draft) for request in requests for draft in request.drafts if type(draft) is not Malformed]
    references = [(*one, EventId(named)) for one in drafts if (named := referred_to(one[1].event)) is not None]
    ids = {(request.family, draft.id, request.author) for request, draft in drafts}
    ids.update([(request.family, named, request.author) for request, _, named in references])
    for request in requests:
        for entry in request.entries:
            ids.update([(request.family, event, like.author) for like in entry.like for event in like.events])
    if ids:
        for family, event_id, stored in await read.stored_events(connection, ids):
            batches[family].add_stored(event_id, stored)
    if references:
        await _load_sightings(connection, batches, references)
        await _load_subjects(connection, batches, references)
    if choosing := {(request.family, request.author) for request, draft in drafts if type(draft.event) is SurpriseChosen}:
        await _load_first_choices(connection, batches, choosing)
    if waiting := [one for one in drafts if batches[one[0].family].family.surprises]:
        await _load_states(connection, batches, waiting, held_max)
    if telling := [one for one in references if batches[one[0].family].family.keeps_telling]:
        await _load_telling(connection, batches, telling)
        await _load_sortings(connection, batches, telling)


def may_share(requests: Sequence[AppendRequest]) -> bool:
    """Returns whether any request brings importers' records, or may change an event that two importers share."""
    return any(
        request.entries or any(type(draft) is not Malformed and type(draft.event) in SHARED for draft in request.drafts)
        for request in requests
    )


async def _load_sightings(connection: Any, batches: Batches, references: Sequence[Reference]) -> None:
    """Reads what each member knows of the sightings that drafts change."""
    changing = {
        (request.family, named)
        for request, draft, named in references
        if type(draft.event) in CHANGES_A_SIGHTING
    }
    wanted = [
        (family, seq, member)
        for family, event_id in changing
        for logged in batches[family].events_by_id(event_id)
        for member in logged.delivered_to
        for seq in (logged.seq, logged.target_seq)
        if seq is not None and (member == logged.author or batches[family].family.keeps_sightings(member))
    ]
    for family, member, seq, sighting in await read.sightings(connection, wanted):
        batches[family].family.sightings[seq][member] = sighting


async def _load_subjects(connection: Any, batches: Batches, references: Sequence[Reference]) -> None:
    """Reads all earlier subjects of the sightings to which an amendment gives another subject."""
    wanted = {
        (request.family, logged.seq)
        for request, draft, named in references
        if isinstance(draft.event, Amended) and brings_a_subject(draft.event)
        for logged in batches[request.family].events_by_id(named)
        if logged.kind in SIGHTINGS
    }
    for (family, seq), history in (await read.subject_histories(connection, wanted)).items():
        batches[family].family.subjects[seq] = history


async def _load_first_choices(connection: Any, batches: Batches, choosing: Collection[Whose]) -> None:
    """Reads the own sightings of members who choose for the first time: they show what the members have met already."""
    wanted = {(family, member) for family, member in choosing if member not in batches[family].family.surprises}
    for family, member, seq, sighting in await read.own_sightings(connection, wanted):
        batches[family].family.sightings[seq][member] = sighting
    for family, _ in choosing:
        batches[family].family.keeps_telling = True


async def _load_states(
    connection: Any, batches: Batches, drafts: Sequence[RequestedDraft], held_max: int | None
) -> None:
    """Reads what members who wait have met, and what is held from them, as far as it may decide about the drafts."""
    await read.load_met(connection, _subjects_to_load(batches, drafts))
    unknown = _states_to_load(batches, drafts)
    if held_max is not None:
        long = _long(batches, drafts, held_max)
        if unknown:
            long |= await read.families_with_more_held(connection, unknown, than=held_max)
        if long:
            raise TooLong(long)
    if unknown:
        await read.load_whole(connection, unknown)
    for family, member in unknown:
        batches[family].loaded[member].is_whole = True


def _subjects_to_load(
    batches: Batches, drafts: Sequence[RequestedDraft]
) -> dict[Whose, tuple[SurpriseState, set[Subject]]]:
    """Returns the subjects of the drafts for which it is not known whether a waiting member has met them, by member."""
    found: dict[Whose, tuple[SurpriseState, set[Subject]]] = {}
    for request, draft in drafts:
        batch = batches[request.family]
        for member, state in batch.family.surprises.items():
            if not batch.loaded[member].is_whole:
                missing = batch.loaded[member].missing(set(_subjects(draft.event, batch.family.roster)))
                found.setdefault((request.family, member), (state, set()))[1].update(missing)
    return found


def _subjects(body: Body, roster: Roster) -> list[Subject]:
    """Returns the subjects that a draft reveals, as far as a member can have met them before."""
    match body:
        case MilestoneObserved():
            keys = body.milestone, *body.tells_of
        case ParentFirstSaw():
            keys = (body.milestone,)
        case NoteWritten():
            keys = body.may_tell_of
        case _:
            return []
    if body.child not in roster.children:
        return []
    return [(body.child, key) for key in keys if key in CATALOGUE.by_key or key in roster.own_milestones]


def _states_to_load(batches: Batches, drafts: Sequence[RequestedDraft]) -> dict[Whose, SurpriseState]:
    """Returns the states that must be read whole, because the events held from their members may decide about a draft."""
    return {
        (request.family, member): state
        for request, draft in drafts
        for member, state in batches[request.family].family.surprises.items()
        if not batches[request.family].loaded[member].is_whole
        and _depends_on_holds(draft.event, request.author == member, state)
    }


def _depends_on_holds(body: Body, is_own: bool, state: SurpriseState) -> bool:
    """Returns whether the events held from a member may decide what a draft does for that member."""
    match body:
        case MilestoneObserved() | ParentFirstSaw():
            if is_own:
                return not all(map(state.met.has, implied_by((body.child, body.milestone))))
            return state.wishes.asks_for_hints or referred_to(body) is not None
        case SurpriseChosen() | EnvelopeOpened() | MilestoneNamed():
            return is_own
        case TimePassed() | Amended() | Withdrawn() | Sorted():
            return True
        case _:
            return not is_own and referred_to(body) is not None


def _long(batches: Batches, drafts: Sequence[RequestedDraft], held_max: int) -> set[FamilyId]:
    """Returns the families with more than `held_max` held events known already, where a draft may free some of them."""
    return {
        request.family
        for request, draft in drafts
        if type(draft.event) in MAY_FREE and batches[request.family].family.held_count() > held_max
    }


async def _load_telling(connection: Any, batches: Batches, references: Sequence[Reference]) -> None:
    """Reads what the events that drafts refer to reveal, with all that these refer to themselves."""
    wanted = {
        (request.family, logged.seq)
        for request, _, named in references
        for logged in batches[request.family].events_by_id(named)
        if request.author in logged.delivered_to
    }
    for family, of, logged, event in reversed(await read.referred_to(connection, wanted)):
        one = batches[family].family
        one.telling[of] = telling_with(describe_in(one, event, logged, None), one.telling.get(of, ()))


async def _load_sortings(connection: Any, batches: Batches, references: Sequence[Reference]) -> None:
    """Reads the sortings in the threads of drafts, as far as the drafts' authors were sent them.

    For a draft that was sent before, only the sortings before it: its receipt is the same again.
    """
    wanted: set[tuple[FamilyId, Seq, MemberId, Seq]] = set()
    for request, draft, _ in references:
        batch = batches[request.family]
        if (target := batch.target_of(draft, request.author)) is not None:
            sent = batch.sent_before(draft, request.author)
            before = SEQ_MAX if sent is None else sent.logged.seq
            wanted.add((request.family, target.thread, request.author, before))
    for family, member, logged, event in await read.sortings(connection, wanted):
        one = batches[family].family
        one.sortings[logged.thread].append(Sorting(describe_in(one, event, logged, None), frozenset({member})))
