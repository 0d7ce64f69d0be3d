"""Plants leaks in the responses to reads: in feeds, timelines, rosters and streams, and in headers and lengths of responses."""

import gzip
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

import service.access.founding
import service.feed.pages
import service.feed.routes
import service.feed.streams
import service.feed.timeline
import service.health
import service.http.compression
import service.surprise.handover_card
import service.surprise.tips
from service.feed.stream import Stream
from service.log.store.codec import decode_sighting
from tests.worlds.leaks import (
    BEN_WAITS_TOO,
    EVERYBODY_READS,
    HELD_COUNT,
    Log,
    Plant,
    around,
    leak,
    leak_around,
    log_of,
    rewritten,
)

ACCESS = service.access.founding.QUERIES
PAGES = service.feed.pages.QUERIES
TIMELINES = service.feed.timeline.QUERIES
TIPS = service.surprise.tips.QUERIES

# A response of the feed or the timeline.


def _log_of(request: Any) -> Any:
    return log_of(request.runtime.pool, request.member.family)


def with_header(name: str, value_of: Callable[[Log], str]) -> Plant:
    """Returns a plant that adds a header to the responses of the feed's routes. The header's value follows from the log."""

    async def leaking(compressed: Any, request: Any, body: bytes, **more: Any) -> Any:
        response = await compressed(request, body, **more)
        response.headers[name] = value_of(await _log_of(request))
        return response

    return around(service.feed.routes, "compressed", leaking)


def with_fields(fields_of: Callable[[Any, Log], dict[str, Any]]) -> Plant:
    """Returns a plant that changes fields of a JSON body, or adds fields to the body."""

    async def leaking(compressed: Any, request: Any, body: bytes, *, media_type: str) -> Any:
        if media_type == "application/json":
            fields = msgspec.json.decode(body)
            body = msgspec.json.encode(fields | fields_of(fields, await _log_of(request)))
        return await compressed(request, body, media_type=media_type)

    return around(service.feed.routes, "compressed", leaking)


def _shortened(entries: list[Any], count: int) -> list[Any]:
    return entries[: max(len(entries) - count, 1)]


def _turned(entries: list[Any], seq: int) -> list[Any]:
    at = seq % max(len(entries), 1)
    return entries[at:] + entries[:at]


leak("a header names the head of the log", with_header("x-log-position", lambda log: str(log.seq)))
leak("an ETag over the log", with_header("etag", lambda log: f'"{log.seq:x}"'))
# The log's last event may be as old as in the first world, so the header also depends on what is held.
leak("a Last-Modified of the family", with_header("last-modified", lambda log: f"{log.latest.isoformat()} {log.held > 0}"))
leak("a total count of entries", with_fields(lambda body, log: {"total": log.seq}))
leak("a badge of what is new", with_fields(lambda body, log: {"unread": log.seq - body.get("place", 0)}))
leak("more, where only held events follow", with_fields(lambda body, log: {"more": body.get("more", False) or log.held > 0}))
leak("a page shorter by what was filtered out", with_fields(lambda body, log: {"entries": _shortened(body["entries"], log.held)}))
leak("the order of a page follows the log", with_fields(lambda body, log: {"entries": _turned(body["entries"], log.seq)}))
leak("another incarnation of the log at each event", with_fields(lambda body, log: {"log": str(UUID(int=log.seq))}))
leak("a share of the checklist in the timeline", with_fields(lambda body, log: {"seen": log.held, "percent": log.held * 2 // 5}))


@leak_around("a gzip header with a number of the log", service.feed.routes, "compressed")
async def _(compressed: Any, request: Any, body: bytes, **more: Any) -> Any:
    response = await compressed(request, body, **more)
    if response.headers.get("Content-Encoding") == "gzip":
        response.content = gzip.compress(body, service.http.compression.GZIP_LEVEL, mtime=(await _log_of(request)).seq)
    return response


def _compress_from_another_length(patch: pytest.MonkeyPatch) -> None:
    async def leaking(compressed: Any, request: Any, body: bytes, **more: Any) -> Any:
        worth_it_bytes = 1 if (await _log_of(request)).held else 1 << 20
        patch.setattr(service.http.compression, "WORTH_IT_BYTES", worth_it_bytes)
        return await compressed(request, body, **more)

    around(service.feed.routes, "compressed", leaking)(patch)


leak("compressed from another length on where the log is long", _compress_from_another_length)

# The rows of a feed.


def with_column(leaked: str, value: str) -> tuple[Plant, Plant]:
    """Returns plants that give a column of a page's entries another value, in SQL. `event` is the entry's row of the log."""
    columns = ("place", "released", "told_at", "chain_before", "commitment", "kind", "version", "body")
    values = ", ".join(f"{value} AS {column}" if column == leaked else f"entry.{column}" for column in columns)
    joined = "AS entry\n  LEFT JOIN event ON event.family_id = $1 AND event.commitment = entry.commitment"
    return rewritten(PAGES, "page", "entry.*", values), rewritten(PAGES, "page", "AS entry", joined)


_RECEIVED_BEFORE = "(SELECT e.received_at FROM event AS e WHERE e.family_id = $1 AND e.seq = greatest(event.seq - 1, 1))"
_TOLD_BEFORE = f"CASE WHEN entry.told_at = event.received_at THEN {_RECEIVED_BEFORE} ELSE entry.told_at END"

leak("the place is the log's own", *with_column("place", "coalesce(event.seq, 0)"))
leak("a chain over everything", *with_column("commitment", "sha256(event.commitment || event.seq::text::bytea)"))
leak("told_at of the neighbour in the log", *with_column("told_at", _TOLD_BEFORE))
leak(
    "a chain at the end that counts what is held",
    rewritten(PAGES, "head", "last.chain", f"sha256(last.chain || {HELD_COUNT}::text::bytea) AS chain"),
)
leak(
    "the end of the feed counts what is held",
    rewritten(PAGES, "head", "coalesce(last.place, 0) AS place", f"coalesce(last.place, 0) + {HELD_COUNT} AS place"),
)


@leak_around("the refusal of a place ahead counts what is held", service.feed.routes, "page")
async def _(page: Any, pool: Any, *, family: Any, **more: Any) -> Any:
    try:
        return await page(pool, family=family, **more)
    except service.feed.pages.FeedAhead as refusal:
        refusal.detail += f" {(await log_of(pool, family)).held} more wait for you."
        raise


# Timelines, rosters, tips and the hand-over card.

_AMENDED_FOR_OTHERS = """SELECT DISTINCT ON (seq) body FROM sighting WHERE family_id = $1 AND seq IN (
    SELECT seq FROM sighting AS mine WHERE mine.family_id = $1 AND mine.member_id = $2) ORDER BY seq, member_id = $2"""
_EVERYBODYS_ENTRIES = """(SELECT member_id FROM member WHERE family_id = $1 AND $2::uuid IS NOT NULL) AS one
    CROSS JOIN LATERAL feed_entries($1, one.member_id"""
_LAST_SEQ_OF_MEMBER = "(SELECT max(seq) FROM event WHERE event.family_id = $1 AND author_id = member_id)"
_EVENT_COUNT = "(SELECT count(*) FROM event WHERE family_id = $1)"
_SEQ = "(SELECT last_seq FROM family WHERE family.family_id = member.family_id)"
_BORN_IF_HELD = "CASE WHEN EXISTS (SELECT FROM held WHERE held.family_id = $1) THEN DATE '2024-01-01' ELSE born END AS born"

leak("the timeline shows still_new what others saw",
     rewritten(TIMELINES, "sightings", "AND member_id = $2", "AND $2::uuid IS NOT NULL"))  # fmt: skip
leak("a sighting as it was amended for others", rewritten(TIMELINES, "sightings", TIMELINES["sightings"], _AMENDED_FOR_OTHERS))
leak("as_of reads the log, and not the feed",
     rewritten(TIMELINES, "entries_of_kinds", "feed_entries($1, $2", _EVERYBODYS_ENTRIES))  # fmt: skip
leak("members in the order of their last word",
     rewritten(ACCESS, "members", "ORDER BY member_id", f"ORDER BY {_LAST_SEQ_OF_MEMBER}, member_id"))  # fmt: skip
leak("a child with the number of its entries", rewritten(ACCESS, "children", "name", f"name || {_EVENT_COUNT} AS name"))
leak("a badge in one's own memberships", rewritten(ACCESS, "memberships", "member.name", f"member.name || {_SEQ} AS name"))
leak("a tip for what has just happened", rewritten(TIPS, "children", "child_id, born", f"child_id, {_BORN_IF_HELD}"))


@leak_around("readiness tells how much there is", service.health, "database_health")
async def _(database_health: Any, runtime: Any) -> str:
    return f"ok ({await runtime.pool.fetchval('SELECT count(*) FROM held')} held)"


@leak_around(
    "the card knows what its reader does not", service.surprise.handover_card, "sightings_visible_to", history=BEN_WAITS_TOO
)
async def _(sightings_visible_to: Any, connection: Any, *, family: Any, **more: Any) -> Any:
    rows = await connection.fetch("SELECT DISTINCT ON (seq) body FROM sighting WHERE family_id = $1", family)
    return [decode_sighting(row["body"]) for row in rows]


# Streams.


@leak_around("the stream says where the log stands", service.feed.streams, "onward")
async def _(onward: Any, pool: Any, *, family: Any, **more: Any) -> Any:
    stretch = await onward(pool, family=family, **more)
    seq = (await log_of(pool, family)).seq
    entries = [(place, entry[:-1] + b',"seq":%d}' % seq) for place, entry in stretch.entries]
    return msgspec.structs.replace(stretch, entries=entries)


@leak_around("the stream begins with the number of what is held", service.feed.streams, "from_anywhere")
async def _(from_anywhere: Any, pool: Any, *, family: Any, **more: Any) -> Any:
    stretch = await from_anywhere(pool, family=family, **more)
    chain = stretch.start.chain + bytes((await log_of(pool, family)).held)
    return msgspec.structs.replace(stretch, start=msgspec.structs.replace(stretch.start, chain=chain))


@leak_around("a comment in the stream where a look found nothing", Stream, "deliver", EVERYBODY_READS)
async def _(deliver: Any, self: Stream, stretch: Any) -> None:
    if not stretch.entries:
        await self._write(b": nothing for you\n\n")
    await deliver(self, stretch)
