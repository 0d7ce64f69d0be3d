"""Imports a file that another system wrote: read whole, then taken in piece by piece, like what a daycare posts. Owns the route.

What a file says is not what the importing parent saw: it is written by a member of the role daycare, one for each source and
parent. So an import meets nobody's firsts, and depends on nothing that another parent imported. Whatever is cut off is made whole
by importing the same file again.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid4

import msgspec
from litestar import Response, post
from litestar.response import Stream

from events.errors import FieldInvalid, Refused
from events.event import Role
from events.ids import ChildId, MemberId, PersonId
from service.access.errors import NotForRole, TooMany
from service.access.founding import QUERIES as ACCESS
from service.access.founding import held_membership
from service.access.guard import Membership
from service.asking import Asked
from service.bodies import SHARE, read_body
from service.daycare.calls import join
from service.daycare.door import Key
from service.daycare.ingest import QUERIES, Given, Intake, Meant, TooManyWaiting
from service.daycare.offers import latest
from service.daycare.reading import NotesWaiting
from service.daycare.sources import SOURCES
from service.daycare.sources.reading import Given as Hints
from service.daycare.sources.reading import Ignored, Outcome, Source, Unreadable
from service.errors import MediaTypeUnsupported, NotFound
from service.house import House
from service.limits import Kind
from service.log.group import LogBusy, LogUnavailable
from service.media_types import of_request, weights
from service.says import Says, Who

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
WITHIN_S: Final = 300.0
"""A full file on a line of a megabit a second."""
PLACE_WITHIN_S: Final = 30.0
AT_ONCE: Final = 200
LISTED_MAX: Final = 100
NOBODY: Final = PersonId(UUID(int=0))
"""Who has imported a source before anybody has."""
PROGRESS: Final = "application/x-ndjson"
MEDIA_TYPES: Final = ("application/json", "text/csv", "application/octet-stream")


class ImportBusy(Refused):
    """As many files are being imported as this process takes at once: try again in a minute."""

    code, status, title = "import.busy", 503, "Others are importing"


class SeveralChildren(Refused):
    """A file about several children cannot be imported for one of them: link each reference to its child."""

    code, status, title = "import.several_children", 422, "Several children"


class ImportQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What whoever imports a file says of it."""

    source: str
    child: UUID | None = None
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None
    zone: Annotated[str, msgspec.Meta(max_length=64)] = "UTC"
    dry_run: Literal["true", "false"] = "false"


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """A record that cannot be read."""

    at: str
    detail: str


class ReferenceFound(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a file speaks of, and whom that means; nobody yet, where it waits to be linked."""

    reference: str
    shown_name: str | None
    child: ChildId | None


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file. With `dry_run`, what would become of it."""

    dry_run: bool
    member: MemberId | None
    """Under whom it was written; null before the first import of a source."""
    records: int
    outcomes: dict[str, int]
    """Outcome -> how many records of children."""
    ignored: dict[str, int]
    """Why -> how many."""
    media: int
    """Pictures and films that were named, and not fetched."""
    unreadable: tuple[Unread, ...]
    """The first hundred."""
    references: tuple[ReferenceFound, ...]


IMPORT_QUERY: Final[dict[str, dict[str, Any]]] = {
    "source": {"type": "string", "enum": list(SOURCES)},
    "child": {"type": "string", "format": "uuid"},
    "reference": {"type": "string", "minLength": 1, "maxLength": 255},
    "zone": {"type": "string", "default": "UTC"},
    "dry_run": {"type": "string", "enum": ["true", "false"], "default": "false"},
}

IMPORT = Says(
    summary="Import a file of another system: nothing is written twice, however often it is imported",
    who=Who.MEMBER, kind=Kind.ACCESS, takes=bytes, takes_as=MEDIA_TYPES, answers=Imported, query=IMPORT_QUERY,
    refuses=(
        NotForRole, TooMany, FieldInvalid, SeveralChildren, TooManyWaiting, ImportBusy, NotesWaiting, LogBusy, LogUnavailable,
    ),
)  # fmt: skip


@post("/v1/families/{family:uuid}/imports", status_code=200, opt=IMPORT.opt())
async def import_file(request: Asked) -> Response[bytes] | Stream:
    """Answer in the end; to who accepts `application/x-ndjson` with a line for each piece that is done, and one for the end."""
    caller, query, house = request.member, request.asked_for(ImportQuery), request.house
    if caller.role is not Role.PARENT:
        raise NotForRole("Only parents import.")
    source = SOURCES.get(query.source)
    if source is None:
        raise FieldInvalid(f"This service reads {', '.join(SOURCES)}.", at="source")
    _require_file(request)
    if house.imports.locked():
        raise ImportBusy("Others are importing; try again in a minute.")
    with house.budgets.imports.hold(caller.person) as share:
        scope: Any = request.scope | {SHARE: share}
        body = await read_body(scope, request.receive, bytes_max=FILE_BYTES_MAX, within_s=WITHIN_S)  # type: ignore[arg-type]
        await _take_place(house)
    try:
        hints = Hints(zone=query.zone, reference=query.reference or (None if query.child is None else str(query.child)))
        read = await asyncio.to_thread(_read, source, body, hints)
        del body
        import_ = await _begin(house, caller, query, source, read)
    finally:
        house.imports.release()
    if weights(request.scope, b"accept").get(PROGRESS):  # type: ignore[arg-type]
        return Stream(_lines(house, import_), status_code=200, media_type=PROGRESS)
    result = None
    async for step in import_.run(house):
        result = step
    return request.answer(result)


async def _take_place(house: House) -> None:
    """Wait for one of the places to read a file, of which the body is there.

    Raises:
        ImportBusy
    """
    try:
        async with asyncio.timeout(PLACE_WITHIN_S):
            await house.imports.acquire()
    except TimeoutError:
        raise ImportBusy("Others are importing; try again in a minute.") from None


def _require_file(request: Asked) -> None:
    media_type = of_request(request.scope, takes=MEDIA_TYPES)  # type: ignore[arg-type]
    if media_type.name not in MEDIA_TYPES:
        raise MediaTypeUnsupported(MEDIA_TYPES)


def _read(source: Source, body: bytes, hints: Hints) -> list[Outcome]:
    return list(source.read(body, hints))


class Import:
    """One file on its way in."""

    def __init__(self, given: list[Given], said: Imported, *, intake: Intake, meant: dict[str, Meant]) -> None:
        self._given = latest(given)
        self._outdated = len(given) - len(self._given)
        self._said = said
        self._intake = intake
        self._meant = meant

    async def run(self, house: House) -> AsyncIterator["Imported | Done"]:
        """Take the file in piece by piece; the last that it gives is what became of all."""
        counts: Counter[str] = Counter({"outdated": self._outdated} if self._outdated else {})
        async with house.imports:
            for first in range(0, len(self._given), AT_ONCE):
                part = self._given[first : first + AT_ONCE]
                counts.update(await self._take(part))
                yield Done(done=first + len(part), of=len(self._given))
        yield msgspec.structs.replace(self._said, outcomes=dict(sorted(counts.items())))

    async def _take(self, part: Sequence[Given]) -> list[str]:
        if self._said.dry_run:
            return await self._intake.foresee(part, self._meant)
        return [taken.outcome for taken in await self._intake.take(part)]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """How far an import has come, in records of children."""

    done: int
    of: int


async def _lines(house: House, import_: Import) -> AsyncIterator[bytes]:
    async for step in import_.run(house):
        yield msgspec.json.encode(step) + b"\n"


async def _begin(house: House, caller: Membership, query: ImportQuery, source: Source, read: list[Outcome]) -> Import:
    """Find out whom a file speaks of, and under whom it is written; link its one child where that was said."""
    records = [record for outcome in read if isinstance(outcome, tuple) for record in outcome]
    gone = [record for outcome in read if isinstance(outcome, Ignored) for record in outcome.taken_back]
    now = house.log.now()
    given = [Given(source=source.name, record=msgspec.structs.replace(one, imported_at=now)) for one in (*records, *gone)]
    names = {record.reference: record.shown_name for record in records}
    is_dry = query.dry_run == "true"
    if query.child is not None and len(names) > 1:
        raise SeveralChildren(f"The file speaks of {len(names)} children: import it without `child`, and link each.", at="child")
    member, person = await _author(house, caller, source, child=query.child, references=names, is_dry=is_dry)
    intake = Intake(pool=house.pool, log=house.log, reading=house.reading, person=person or NOBODY)
    meant = await intake.meant(set(names))
    if query.child is not None:
        if not is_dry:
            for reference in names:
                await intake.flow(reference)
        here = Meant(caller.family, member or MemberId(NOBODY), ChildId(query.child), is_imported=True)
        meant |= dict.fromkeys(names, here)
    said = Imported(
        dry_run=is_dry,
        member=member,
        records=len(read),
        outcomes={},
        ignored=dict(sorted(Counter(str(one.why) for one in read if isinstance(one, Ignored)).items())),
        media=sum(len(record.media) for record in records) + sum(one.media for one in read if isinstance(one, Ignored)),
        unreadable=tuple(Unread(at=one.at, detail=one.detail) for one in read if isinstance(one, Unreadable))[:LISTED_MAX],
        references=tuple(
            ReferenceFound(reference=one, shown_name=names[one], child=meant[one].child if one in meant else None)
            for one in sorted(names)
        ),
    )
    return Import(given, said, intake=intake, meant=meant)


async def _author(
    house: House, caller: Membership, source: Source, *, child: UUID | None, references: dict[str, str | None], is_dry: bool
) -> tuple[MemberId | None, PersonId | None]:
    """The member under whom a parent's files of a source are written: made by the first import of one."""
    name = source.name.replace("_", " ").title()
    async with house.log.transaction() as writing:
        await held_membership(writing, caller)
        children = {row["child"] for row in await writing.conn.fetch(ACCESS.children, caller.family)}
        if child is not None and child not in children:
            raise NotFound(at="child")
        row = await writing.conn.fetchrow(QUERIES.importer, caller.family, source.name, caller.member)
        if row is None and is_dry:
            return None, None
        if row is None:
            person = PersonId(uuid4())
            await writing.conn.execute(ACCESS.add_person, person, writing.now)
            key = Key(key_id=uuid4(), person=person, name=name, family=caller.family)
            member = await join(writing, key, family=caller.family, household=caller.household, by=caller.member)
            await writing.conn.execute(QUERIES.add_importer, caller.family, source.name, person, member, caller.member)
        else:
            member, person = row["member_id"], PersonId(row["person_id"])
        if child is not None and not is_dry:
            for reference in references:
                await writing.conn.fetchval(QUERIES.link, person, reference, caller.family, member, child)
    return member, person


ROUTES: Final = (import_file,)
