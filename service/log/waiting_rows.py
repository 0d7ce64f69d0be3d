"""Reads and writes who waits for what, and what is held from whom. Sets in, sets out. Decides nothing."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from events.ids import ChildId, FamilyId, MemberId, Seq
from events.surprise import Hint
from projections.first_saw import Sighting
from projections.fold import Folding
from projections.subjects import Case, Subject
from projections.surprise_state import Choice, Waiting
from service.background import off_loop
from service.log.sighting_bytes import decode_sighting
from service.postgres.combine_statements import Statement, of_rows
from service.postgres.queries import load

READ = load(__package__, "state.sql")
WRITE = load(__package__, "append.sql")

_encode = msgspec.json.Encoder().encode
_decode_choices = msgspec.json.Decoder(list[Choice]).decode
_decode_case = msgspec.json.Decoder(Case).decode
_decode_hint = msgspec.json.Decoder(Hint).decode


async def read_waiting(
    connection: Any, family: FamilyId, known: Mapping[MemberId, MemberId] = MappingProxyType({})
) -> dict[MemberId, Waiting]:
    """Everybody in a family who has chosen anything: most often nobody, at the price of one look-up.

    `known`: the ids of its members, so that there is one object for each, which is compared sooner than two.

    Of what is held only names are read, and nothing of what they have met: `load_met` and `load_whole` read that where it is
    asked for, so that how long a push takes that concerns nothing held does not grow with what is held from its author (I-20),
    nor with what others have seen, which is what is held.

    Raises:
        msgspec.DecodeError: a row is damaged; a replay puts it right.
    """
    waiting: dict[MemberId, Waiting] = {}
    for member, body in await connection.fetch(READ.waiting, family):
        one = known.get(member, member)
        waiting[one] = wishes_of(one, body)
    if not waiting:
        return waiting
    for member, body in await connection.fetch(READ.held_names, family):
        if member in waiting:
            waiting[member].hold(case_of_bytes(body))
    hints = await connection.fetch(READ.hints, family)
    await off_loop(len(hints), _note_hints, waiting, hints)
    for waits in waiting.values():
        waits.written()
        waits.is_whole = False
    return waiting


def _note_hints(waiting: Mapping[MemberId, Waiting], hints: Iterable[Any]) -> None:
    """Remember the day of each member's last hint about each child and domain."""
    for member, body in hints:
        if member in waiting:
            hint = _decode_hint(body)
            key = (hint.child, hint.domain)
            waiting[member].hinted[key] = max(hint.day, waiting[member].hinted.get(key, hint.day))


async def load_met(connection: Any, asked: Mapping[tuple[FamilyId, MemberId], tuple[Waiting, Collection[Subject]]]) -> None:
    """Read how far these members have met these subjects, unless that is known."""
    unknown = {
        (*key, *telling): waits
        for key, (waits, subjects) in asked.items()
        for subject in subjects
        for telling in waits.ask(subject)
    }
    if not unknown:
        return
    found = await connection.fetch(READ.sightings_of, *zip(*unknown, strict=True))
    for family, member, seq, body in found:
        asked[family, member][0].see(seq, decode_sighting(body))


async def families_with_more_held(
    connection: Any, asked: Collection[tuple[FamilyId, MemberId]], *, than: int
) -> set[FamilyId]:
    """The families in which more events than so many are held from one of these members."""
    if not asked:
        return set()
    return {row[0] for row in await connection.fetch(READ.more_held, *zip(*asked, strict=True), than)}


async def load_whole(connection: Any, wanted: Mapping[tuple[FamilyId, MemberId], Waiting]) -> None:
    """Read all that is held from these members, and all that they have met."""
    if not wanted:
        return
    held = await connection.fetch(READ.held, *zip(*wanted, strict=True))
    own = await own_sightings(connection, wanted)
    await off_loop(len(held) + len(own), _fill, wanted, held, own)


def _fill(
    wanted: Mapping[tuple[FamilyId, MemberId], Waiting],
    held: Iterable[Any],
    own: Iterable[tuple[FamilyId, MemberId, Seq, Sighting]],
) -> None:
    cases: dict[tuple[FamilyId, MemberId], list[Case]] = {key: [] for key in wanted}
    for family, member, body in held:
        cases[family, member].append(case_of_bytes(body))
    for family, member, seq, sighting in own:
        wanted[family, member].see(seq, sighting)
    for key, waits in wanted.items():
        waits.fill(cases[key])


async def own_sightings(
    connection: Any, asked: Collection[tuple[FamilyId, MemberId]]
) -> list[tuple[FamilyId, MemberId, Seq, Sighting]]:
    """All that these members have seen themselves, as it stands."""
    if not asked:
        return []
    found = await connection.fetch(READ.own_sightings, *zip(*asked, strict=True))
    return await off_loop(len(found), lambda: [(row[0], row[1], row[2], decode_sighting(row[3])) for row in found])


def put_waiting(foldings: Mapping[FamilyId, Folding]) -> tuple[list[Statement], list[Statement]]:
    """Say what writes what changed, and then what takes away the rows of those who left; it counts as written then."""
    rewritten: list[tuple[Any, ...]] = []
    put: list[tuple[Any, ...]] = []
    dropped: list[tuple[Any, ...]] = []
    left: list[tuple[Any, ...]] = []
    for family, folding in foldings.items():
        left += [(family, member) for member in folding.keeping.left]
        for waits in folding.keeping.changed():
            if waits.is_rewritten:
                rewritten.append((family, waits.member, at_most_days_of(waits), bytes_of_choices(waits)))
            put += [
                (family, waits.member, case.seq, case.since, is_name(case), bytes_of_case(case)) for case in waits.put.values()
            ]
            dropped += [(family, waits.member, seq) for seq in waits.dropped]
            waits.written()
        folding.keeping.left.clear()
    stays = [*of_rows(WRITE.put_waiting, rewritten), *of_rows(WRITE.put_held, put), *of_rows(WRITE.drop_held, dropped)]
    goes = [*of_rows(WRITE.drop_waiting, left), *of_rows(WRITE.drop_all_held, left)]
    return stays, goes


def choices_of(body: bytes) -> dict[tuple[ChildId | None, str], Choice]:
    """The choices of a row, as `Waiting` has them."""
    return {(choice.child, choice.scope): choice for choice in _decode_choices(body)}


def wishes_of(member: MemberId, body: bytes) -> Waiting:
    """A member's choices, and nothing of what they have met or are kept from."""
    waits = Waiting(member)
    for choice in choices_of(body).values():
        waits.stand(choice)
    return waits


def case_of_bytes(body: bytes) -> Case:
    """The held event of a row."""
    return _decode_case(body)


def bytes_of_choices(waits: Waiting) -> bytes:
    """A member's choices as they are kept."""
    return _encode(sorted(waits.choices.values(), key=lambda choice: (str(choice.child), choice.scope)))


def bytes_of_case(case: Case) -> bytes:
    """A held event as it is kept."""
    return _encode(case)


def is_name(case: Case) -> bool:
    """Whether a held event names a milestone of the family's own."""
    return case.kind == "MilestoneNamed"


def at_most_days_of(waits: Waiting) -> int | None:
    """The least of the days that a member waits at most."""
    days: Iterable[int] = (choice.at_most_days for choice in waits.choices.values() if choice.at_most_days is not None)
    return min(days, default=None)
