"""Serves the import of a file from another system: reads the whole file, then writes its records in parts. Owns the route.

The importing parent has not seen what the file describes, so the parent is not the author of the events. The author is an
importer: a member with the role daycare, one for each source and parent. So an import records nobody's own first, and does not
depend on the imports of another parent. If an import is interrupted, a second import of the same file writes the missing records.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid4

import msgspec
from litestar import Response, post
from litestar.response import Stream

from events.errors import FieldInvalid, Refused
from events.event import Role
from events.ids import ChildId, MemberId, PersonId
from service.access.decide import MEMBERS_MAX
from service.access.errors import NotForRole, TooMany
from service.access.founding import QUERIES as ACCESS
from service.access.founding import lock_membership
from service.access.guard import Membership
from service.daycare.auth import DaycareKey
from service.daycare.file_intake import FileIntake
from service.daycare.import_notices import depends_on_zone, notices_of
from service.daycare.import_report import Imported, first_report
from service.daycare.import_run import Import
from service.daycare.intake import QUERIES, Meant, SourcedRecord, TooManyWaiting
from service.daycare.parsed_file import ParsedFile, imported_at, parse
from service.daycare.prose_queue import NotesWaiting
from service.daycare.row_ids import IN_GROUP_MAX
from service.daycare.signed_routes import join
from service.daycare.sources import SOURCES
from service.daycare.sources.dates import Order
from service.daycare.sources.reading import ImportHints, Source
from service.http.body import SHARE, read_body
from service.http.endpoint import CallerKind, Endpoint
from service.http.gateway import logged_refusal
from service.http.media_types import of_request, weights
from service.http.problems import MediaTypeUnsupported, NotFound, bytes_of
from service.http.rate_limit import Kind
from service.http.request import RouteRequest
from service.log.admit import AHEAD_MAX
from service.log.append_request import LogBusy, LogUnavailable
from service.runtime import Runtime

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
WITHIN_S: Final = 300.0
"""Seconds in which the whole file has to arrive: enough for `FILE_BYTES_MAX` at one megabit per second."""
PLACE_WITHIN_S: Final = 30.0
NOBODY: Final = PersonId(UUID(int=0))
"""The placeholder for an importer that does not exist yet, because this parent has imported nothing from the source."""
PROGRESS: Final = "application/x-ndjson"
MEDIA_TYPES: Final = ("application/json", "text/csv", "application/octet-stream")


class ImportBusy(Refused):
    """This process already imports as many files as it may at the same time. The client can try again in a minute."""

    code, status, title = "import.busy", 503, "Others are importing"


class SeveralChildren(Refused):
    """The query names one child, but the file is about several children. Each reference has to be linked to its own child."""

    code, status, title = "import.several_children", 422, "Several children"


class ImportQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query parameters of an import: the parent's statements about the file."""

    source: str
    child: UUID | None = None
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None
    zone: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    """The time zone of local times in the file. None: the parent gave no zone, and UTC is used."""
    dates: Order | None = None
    as_parent: Literal["true", "false"] = "false"
    dry_run: Literal["true", "false"] = "false"


IMPORT_QUERY: Final[dict[str, dict[str, Any]]] = {
    "source": {"type": "string", "enum": list(SOURCES)},
    "child": {"type": "string", "format": "uuid"},
    "reference": {"type": "string", "minLength": 1, "maxLength": 255},
    "zone": {"type": "string", "default": "UTC"},
    "dates": {"type": "string", "enum": [order.value for order in Order]},
    "as_parent": {"type": "string", "enum": ["true", "false"], "default": "false"},
    "dry_run": {"type": "string", "enum": ["true", "false"], "default": "false"},
}

IMPORT = Endpoint(
    summary="Import a file of another system: nothing is written twice, however often it is imported",
    caller=CallerKind.MEMBER, kind=Kind.ACCESS, request=bytes, request_media_types=MEDIA_TYPES, response=Imported,
    query=IMPORT_QUERY,
    errors=(
        NotForRole, TooMany, FieldInvalid, SeveralChildren, TooManyWaiting, ImportBusy, NotesWaiting, LogBusy, LogUnavailable,
    ),
)  # fmt: skip


@post("/v1/families/{family:uuid}/imports", status_code=200, opt=IMPORT.opt())
async def import_file(request: RouteRequest) -> Response[bytes] | Stream:
    """Imports a file, and responds with the report.

    For `Accept: application/x-ndjson`, sends a line of progress for each part of the file, and the report as the last line.
    """
    caller, query, runtime = request.member, request.read_query(ImportQuery), request.runtime
    if caller.role is not Role.PARENT:
        raise NotForRole("Only parents import.")
    source = SOURCES.get(query.source)
    if source is None:
        raise FieldInvalid(f"This service reads {', '.join(SOURCES)}.", at="source")
    _require_file(request)
    if runtime.imports.locked():
        raise ImportBusy("Others are importing; try again in a minute.")
    with runtime.budgets.imports.hold(caller.person) as share:
        scope = {**request.asgi, SHARE: share}
        body = await read_body(scope, request.receive, bytes_max=FILE_BYTES_MAX, within_s=WITHIN_S)
        await _wait_for_place(runtime)
    try:
        hints = ImportHints(
            zone="UTC" if query.zone is None else query.zone,
            reference=query.reference or (None if query.child is None else str(query.child)),
            dates=query.dates,
            as_parent=query.as_parent == "true",
        )
        file = await asyncio.to_thread(_parsed, source, body, hints, query.zone, runtime.now() + AHEAD_MAX)
        del body
        import_ = await begin(runtime, caller, query, source, hints, file)
    finally:
        runtime.imports.release()
    if weights(request.asgi, b"accept").get(PROGRESS):
        return Stream(_lines(runtime, import_), status_code=200, media_type=PROGRESS)
    result = None
    async for step in import_.run(runtime):
        result = step
    return request.answer(result)


async def _wait_for_place(runtime: Runtime) -> None:
    """Waits until this process may parse another file. Called after the body has arrived: a slow upload delays no other file.

    Raises:
        ImportBusy: the process was not free after `PLACE_WITHIN_S` seconds.
    """
    try:
        async with asyncio.timeout(PLACE_WITHIN_S):
            await runtime.imports.acquire()
    except TimeoutError:
        raise ImportBusy("Others are importing; try again in a minute.") from None


def _require_file(request: RouteRequest) -> None:
    media_type = of_request(request.asgi, accepted=MEDIA_TYPES)
    if media_type.name not in MEDIA_TYPES:
        raise MediaTypeUnsupported(MEDIA_TYPES)


def _parsed(source: Source, body: bytes, hints: ImportHints, zone: str | None, latest: datetime) -> ParsedFile:
    opened = source.opened(body, hints)
    read = list(source.read_opened(opened, hints))
    file = parse(read, latest=latest, of_one_id_max=None if source.naming is None else IN_GROUP_MAX)
    has_local_times = zone is None and depends_on_zone(source, read, hints)
    return msgspec.structs.replace(file, has_local_times=has_local_times, is_order_unproven=opened.is_order_unproven)


async def _lines(runtime: Runtime, import_: Import) -> AsyncIterator[bytes]:
    """Yields one line for each step of an import.

    The status of the response is already sent. So if the import fails, the last line is the error as a problem document.
    """
    try:
        async for step in import_.run(runtime):
            yield msgspec.json.encode(step) + b"\n"
    except Exception as error:  # noqa: BLE001 - the last place that can respond: logged_refusal names the error and logs it
        yield bytes_of(logged_refusal(error)) + b"\n"


async def begin(
    runtime: Runtime, caller: Membership, query: ImportQuery, source: Source, hints: ImportHints, file: ParsedFile
) -> Import:
    """Prepares an import: finds the linked children and the importer, and gives each record its final id.

    If the query names a child, the only reference of the file is linked to that child, except in a dry run.
    """
    file = imported_at(file, runtime.log.now())
    names = file.names
    is_dry = query.dry_run == "true"
    if query.child is not None and len(names) > 1:
        raise SeveralChildren(f"The file speaks of {len(names)} children: import it without `child`, and link each.", at="child")
    # Checks without writing first, also before a real import: a refused file must not add an importer to the family.
    intake, member, links = await _intake(runtime, caller, query, source, file, is_dry=True)
    if (naming := source.naming) is not None:  # the source has rows without ids: their ids contain the child's reference
        placed = await intake.identified(file.placed, lambda row, child: naming(row, hints, child), links, source=source.name)
    else:
        author = caller.family, member or MemberId(NOBODY)
        placed = await intake.with_separate_ids(file.placed, links, source=source.name, author=author)
    file = msgspec.structs.replace(file, placed=placed)
    await intake.require_room([SourcedRecord(source=source.name, record=one.record) for one in file.placed], links)
    if not is_dry:
        intake, member, links = await _intake(runtime, caller, query, source, file, is_dry=False)
    if query.child is not None:
        for reference in names:
            await (intake.foresee_waiting(reference, links) if is_dry else intake.write_waiting(reference))
    report = first_report(file, is_dry=is_dry, member=member, links=links, notices=tuple(notices_of(file, source)))
    return Import(file, report, source=source.name, intake=intake, links=links)


async def _intake(
    runtime: Runtime, caller: Membership, query: ImportQuery, source: Source, file: ParsedFile, *, is_dry: bool
) -> tuple[FileIntake, MemberId | None, dict[str, Meant]]:
    """Returns the intake of the file, the importer (None before the first import), and the linked child of each reference."""
    names = file.names
    member, person = await _author(runtime, caller, source, child=query.child, references=names, is_dry=is_dry)
    intake = FileIntake(pool=runtime.pool, log=runtime.log, reading=runtime.prose_queue, person=person or NOBODY)
    links = await intake.meant({*names, *(gone.reference for gone in file.taken_back)})
    if query.child is not None:
        names_given = [name for one in links.values() if one.child == query.child for name in one.called]
        row = await runtime.pool.fetchrow(ACCESS.child, caller.family, query.child)
        called = tuple(dict.fromkeys([*names_given, *([] if row is None else [row["name"]])]))
        link = Meant(caller.family, member or MemberId(NOBODY), ChildId(query.child), is_imported=True, called=called)
        links |= dict.fromkeys(names, link)
    return intake, member, links


async def _author(
    runtime: Runtime, caller: Membership, source: Source, *, child: UUID | None, references: dict[str, str | None], is_dry: bool
) -> tuple[MemberId | None, PersonId | None]:
    """Returns the member and the person of a parent's importer for a source.

    In a dry run before the first import there is no importer: returns None in place of the member and of the person.
    """
    name = source.name.replace("_", " ").title()
    async with runtime.log.transaction() as writing:
        await lock_membership(writing, caller)
        children = {row["child"] for row in await writing.conn.fetch(ACCESS.children, caller.family)}
        if child is not None and child not in children:
            raise NotFound(at="child")
        row = await writing.conn.fetchrow(QUERIES.importer, caller.family, source.name, caller.member)
        if row is None and is_dry:
            counts = await writing.conn.fetchrow(ACCESS.counts, caller.family)
            if counts["members"] >= MEMBERS_MAX:  # the same bound as in `join`
                raise TooMany(f"A family has at most {MEMBERS_MAX} members.")
            return None, None
        if row is None:
            person = PersonId(uuid4())
            await writing.conn.execute(ACCESS.add_person, person, writing.now)
            key = DaycareKey(key_id=uuid4(), person=person, name=name, family=caller.family)
            member = await join(writing, key, family=caller.family, household=caller.household, by=caller.member)
            await writing.conn.execute(QUERIES.add_importer, caller.family, source.name, person, member, caller.member)
        else:
            member, person = row["member_id"], PersonId(row["person_id"])
        if child is not None and not is_dry:
            for reference in references:
                await writing.conn.fetchval(QUERIES.link, person, reference, caller.family, member, child)
    return member, person


ROUTES: Final = (import_file,)
