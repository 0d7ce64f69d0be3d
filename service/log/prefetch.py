"""Reads what a batch of drafts may repeat, refer to or free, before they are decided: one query for each kind of fact."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from events.amend import Amended
from events.catalogue import CATALOGUE
from events.clips import ClipAttached
from events.event import Draft, Effect
from events.ids import EventId, FamilyId, MemberId, Seq
from events.kinds import SIGHTINGS, types_with
from events.surprise import SurpriseChosen, TimePassed
from events.wire import Malformed
from projections.keep_quiet import telling_with
from projections.logged_event import Subject, milestones_in, stated_by
from projections.roster import Roster
from projections.surprise_state import SurpriseState, implied_by
from service.log.admit import referred_to
from service.log.append_request import AppendRequest, TooLong
from service.log.family_batch import FamilyBatch
from service.log.store import read
from service.log.store.read import Whose

CHANGES_A_SIGHTING: Final = types_with(Effect.CHANGES_SIGHTING)
MAKES_A_SIGHTING: Final = types_with(Effect.MAKES_SIGHTING)
TELLS_OF_A_SUBJECT: Final = types_with(Effect.TELLS_OF_SUBJECT)
CONCERNS_ALL_HELD: Final = types_with(Effect.CHANGES_TARGET) | {TimePassed}
"""The types of events that may free or change what is held from any member. Other types do so for their author alone."""
MAY_FREE: Final = types_with(Effect.FREES)
SEQ_MAX: Final = Seq(2**62)

SHARED: Final = types_with(Effect.CHANGES_TARGET)
"""The types of events that may end the sharing of an event between two importers."""

Batches = Mapping[FamilyId, FamilyBatch]
RequestedDraft = tuple[AppendRequest, Draft[Any]]
Reference = tuple[AppendRequest, Draft[Any], EventId]


async def prefetch(
    connection: Any, batches: Batches, requests: Sequence[AppendRequest], held_max: int | None = None
) -> None:
    """Reads into the families' working memory what the drafts may repeat, refer to, change or free.

    Raises:
        TooLong: a draft makes the rule check the events that are held from a member, and these are more than `held_max`.
    """
    drafts = [(request, draft) for request in requests for draft in request.drafts if type(draft) is not Malformed]
    references = [(*one, EventId(named)) for one in drafts if (named := referred_to(one[1].event)) is not None]
    ids = {(request.family, draft.id, request.author) for request, draft in drafts}
    ids.update([(request.family, named, request.author) for request, _, named in references])
    for request in requests:
        for entry in request.entries:
            ids.update([(request.family, event, like.author) for like in entry.like for event in like.events])
    if clips := {(one.family, one.author, draft.event.clip) for one, draft in drafts if type(draft.event) is ClipAttached}:
        for family, member, clip, found in await read.own_clips(connection, clips):
            batches[family].clips[member, clip] = found
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
    """Returns whether any request brings records of an importer, or may change an event that two importers share."""
    return any(
        request.entries or any(type(draft) is not Malformed and type(draft.event) in SHARED for draft in request.drafts)
        for request in requests
    )


async def _load_sightings(connection: Any, batches: Batches, references: Sequence[Reference]) -> None:
    """Reads each member's version of the sightings that drafts change."""
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
    """Reads all earlier subjects of each sighting that gets another subject by an amendment."""
    wanted = {
        (request.family, logged.seq)
        for request, draft, named in references
        if isinstance(draft.event, Amended) and any(stated_by(draft.event))
        for logged in batches[request.family].events_by_id(named)
        if logged.kind in SIGHTINGS
    }
    for family, sighting, seq, event in await read.subject_histories(connection, wanted):
        batches[family].family.stated[sighting].append((seq, event))


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
    """Reads which subjects waiting members have met, and which events are held from them, as far as the drafts depend on it."""
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
    """Returns, for each waiting member, the state and the drafts' subjects that the member may have met, if not yet read."""
    found: dict[Whose, tuple[SurpriseState, set[Subject]]] = {}
    for request, draft in drafts:
        batch = batches[request.family]
        for member, state in batch.family.surprises.items():
            if not batch.loaded[member].is_whole:
                missing = batch.loaded[member].missing(set(_subjects(draft.event, batch.family.roster)))
                found.setdefault((request.family, member), (state, set()))[1].update(missing)
    return found


def _subjects(body: Any, roster: Roster) -> list[Subject]:
    """Returns the subjects that a draft reveals, as far as a member can have met them before.

    The list is empty for a type in `CONCERNS_ALL_HELD`: for such a draft, everything that the members have met is read anyway.
    """
    milestones = () if type(body) in CONCERNS_ALL_HELD else milestones_in(body)
    if not milestones or body.child not in roster.children:
        return []
    return [(body.child, key) for key in milestones if key in CATALOGUE.by_key or key in roster.own_milestones]


def _states_to_load(batches: Batches, drafts: Sequence[RequestedDraft]) -> dict[Whose, SurpriseState]:
    """Returns the states that must be read whole, because a draft's result may depend on the events held from their members."""
    return {
        (request.family, member): state
        for request, draft in drafts
        for member, state in batches[request.family].family.surprises.items()
        if not batches[request.family].loaded[member].is_whole
        and _depends_on_holds(draft.event, request.author == member, state)
    }


def _depends_on_holds(body: Any, is_own: bool, state: SurpriseState) -> bool:
    """Returns whether the result of a draft for a member may depend on the events that are held from that member.

    `is_own`: whether the member is the draft's author.
    """
    kind = type(body)
    if kind in CONCERNS_ALL_HELD:
        return True
    if not is_own:
        return referred_to(body) is not None or (kind in TELLS_OF_A_SUBJECT and state.wishes.asks_for_hints)
    if kind in MAKES_A_SIGHTING:
        return not all(one in state.met.subjects for one in implied_by((body.child, body.milestone)))
    return kind in MAY_FREE


def _long(batches: Batches, drafts: Sequence[RequestedDraft], held_max: int) -> set[FamilyId]:
    """Returns the families with more than `held_max` held events in memory, if a draft may free some of these events."""
    return {
        request.family
        for request, draft in drafts
        if type(draft.event) in MAY_FREE and batches[request.family].family.held_count() > held_max
    }


async def _load_telling(connection: Any, batches: Batches, references: Sequence[Reference]) -> None:
    """Reads what is revealed by the events to which drafts refer, and by all events to which these refer in turn."""
    wanted = {
        (request.family, logged.seq)
        for request, _, named in references
        for logged in batches[request.family].events_by_id(named)
        if request.author in logged.delivered_to
    }
    for family, of, logged, event in reversed(await read.referred_to(connection, wanted)):
        one = batches[family].family
        one.telling[of] = telling_with(one.describe(event, logged, None), one.telling.get(of, ()))


async def _load_sortings(connection: Any, batches: Batches, references: Sequence[Reference]) -> None:
    """Reads the sortings in the drafts' threads, as far as the drafts' authors were sent these sortings.

    If a draft was sent before, only the sortings before its event are read, so that its receipt is the same again.
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
        logged = msgspec.structs.replace(logged, delivered_to=(member,))
        one.sortings[logged.thread].append(one.describe(event, logged, None))
