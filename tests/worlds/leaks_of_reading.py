"""Leaks through what is read: feeds, timelines, rosters, streams, and the headers and lengths of their answers."""

import gzip
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

import service.access.founding
import service.feed.next_entries
import service.feed.pages
import service.feed.routes
import service.feed.streams
import service.feed.timeline
import service.health
import service.http.compression
import service.surprise.handover_card
import service.surprise.tips
from service.feed.next_entries import Stretch
from service.feed.notifier import LocalNotifier
from service.feed.stream import Stream
from service.log.store.codec import decode_sighting
from tests.worlds.leaks import BEN_WAITS_TOO, Log, leak, log_of, rewrite

Change = Callable[[Any, Any, Log], Any]


def _answers(patch: pytest.MonkeyPatch, change: Change) -> None:
    """Let every answer of the feed and the timeline be changed by what is in the log."""
    compressed = vars(service.feed.routes)["compressed"]

    async def leaking(request: Any, body: bytes, *, media_type: str) -> Any:
        log = await log_of(request.runtime.pool, request.member.family)
        said = msgspec.json.decode(body) if media_type == "application/json" else {}
        headers = change(said, request, log)
        if said:
            body = msgspec.json.encode(said)
        answer = await compressed(request, body, media_type=media_type)
        answer.headers.update(headers or {})
        return answer

    patch.setattr(service.feed.routes, "compressed", leaking)


@leak("a header names the head of the log")
def _(patch: pytest.MonkeyPatch) -> None:
    _answers(patch, lambda said, request, log: {"x-log-position": str(log.seq)})


@leak("an ETag over the log")
def _(patch: pytest.MonkeyPatch) -> None:
    _answers(patch, lambda said, request, log: {"etag": f'"{log.seq:x}"'})


@leak("a Last-Modified of the family")
def _(patch: pytest.MonkeyPatch) -> None:
    # The last word of the first world is no later than that of the second: what is held has to be the last.
    _answers(patch, lambda said, request, log: {"last-modified": f"{log.latest.isoformat()} {log.held > 0}"})


@leak("a total count of entries")
def _(patch: pytest.MonkeyPatch) -> None:
    _answers(patch, lambda said, request, log: said.update(total=log.seq))


@leak("a badge of what is new")
def _(patch: pytest.MonkeyPatch) -> None:
    _answers(patch, lambda said, request, log: said.update(unread=log.seq - said.get("place", 0)))


@leak("more, where only held events follow")
def _(patch: pytest.MonkeyPatch) -> None:
    _answers(patch, lambda said, request, log: said.update(more=said.get("more", False) or log.held > 0))


@leak("a page shorter by what was filtered out")
def _(patch: pytest.MonkeyPatch) -> None:
    def shorten(said: Any, request: Any, log: Log) -> None:
        said["entries"] = said["entries"][: max(len(said["entries"]) - log.held, 1)] if said else []

    _answers(patch, shorten)


@leak("the order of a page follows the log")
def _(patch: pytest.MonkeyPatch) -> None:
    def turn(said: Any, request: Any, log: Log) -> None:
        at = log.seq % max(len(said.get("entries", ())), 1)
        said["entries"] = said.get("entries", [])[at:] + said.get("entries", [])[:at]

    _answers(patch, turn)


@leak("another incarnation of the log at each event")
def _(patch: pytest.MonkeyPatch) -> None:
    _answers(patch, lambda said, request, log: said.update(log=str(UUID(int=log.seq))))


@leak("a share of the checklist in the timeline")
def _(patch: pytest.MonkeyPatch) -> None:
    _answers(patch, lambda said, request, log: said.update(percent=100 * log.held // 250, seen=log.held))


@leak("a gzip header with a number of the log")
def _(patch: pytest.MonkeyPatch) -> None:
    last = [0]
    _answers(patch, lambda said, request, log: last.__setitem__(0, log.seq))
    patch.setattr(service.http.compression, "shortened", lambda body, coding: gzip.compress(body, 5, mtime=last[0]))


@leak("compressed from another length on where the log is long")
def _(patch: pytest.MonkeyPatch) -> None:
    _answers(
        patch, lambda said, request, log: patch.setattr(service.http.compression, "WORTH_IT_BYTES", 1 if log.held else 1 << 20)
    )


def rewrite_page(patch: pytest.MonkeyPatch, column: str, leaking: str) -> None:
    """Gives one column of a page's entries another value. `event` is the entry's event in the log; a hint has none."""
    columns = ("place", "released", "told_at", "chain_before", "commitment", "kind", "version", "body")
    values = ", ".join(f"{leaking} AS {name}" if name == column else f"entry.{name}" for name in columns)
    joined = "AS entry\n  LEFT JOIN event ON event.family_id = $1 AND event.commitment = entry.commitment"
    rewrite(patch, service.feed.pages.QUERIES, "page", "entry.*", values)
    rewrite(patch, service.feed.pages.QUERIES, "page", "AS entry", joined)


@leak("the place is the log's own")
def _(patch: pytest.MonkeyPatch) -> None:
    rewrite_page(patch, "place", "coalesce(event.seq, 0)")


@leak("a chain over everything")
def _(patch: pytest.MonkeyPatch) -> None:
    rewrite_page(patch, "commitment", "sha256(event.commitment || event.seq::text::bytea)")


@leak("a chain at the end that counts what is held")
def _(patch: pytest.MonkeyPatch) -> None:
    held = "(SELECT count(*) FROM held WHERE held.family_id = $1 AND held.member_id = $2)"
    counted = f"sha256(last.chain || {held}::text::bytea) AS chain"
    rewrite(patch, service.feed.pages.QUERIES, "head", "last.chain", counted)


@leak("told_at of the neighbour in the log")
def _(patch: pytest.MonkeyPatch) -> None:
    neighbour = "(SELECT e.received_at FROM event AS e WHERE e.family_id = $1 AND e.seq = greatest(event.seq - 1, 1))"
    rewrite_page(patch, "told_at", f"CASE WHEN entry.told_at = event.received_at THEN {neighbour} ELSE entry.told_at END")


@leak("the end of the feed counts what is held")
def _(patch: pytest.MonkeyPatch) -> None:
    counted = "coalesce(last.place, 0) + (SELECT count(*) FROM held WHERE family_id = $1 AND member_id = $2) AS place"
    rewrite(patch, service.feed.pages.QUERIES, "head", "coalesce(last.place, 0) AS place", counted)


@leak("the refusal of a place ahead counts what is held")
def _(patch: pytest.MonkeyPatch) -> None:
    page = vars(service.feed.routes)["page"]

    async def leaking(pool: Any, *, family: Any, **more: Any) -> Any:
        try:
            return await page(pool, family=family, **more)
        except service.feed.pages.FeedAhead as refusal:
            refusal.detail += f" {(await log_of(pool, family)).held} more wait for you."
            raise

    patch.setattr(service.feed.routes, "page", leaking)


@leak("the timeline shows still_new what others saw")
def _(patch: pytest.MonkeyPatch) -> None:
    rewrite(patch, service.feed.timeline.QUERIES, "sightings", "AND member_id = $2", "AND $2::uuid IS NOT NULL")


@leak("a sighting as it was amended for others")
def _(patch: pytest.MonkeyPatch) -> None:
    amended = (
        "SELECT DISTINCT ON (seq) body FROM sighting WHERE family_id = $1 AND seq IN (SELECT seq FROM sighting AS mine"
        " WHERE mine.family_id = $1 AND mine.member_id = $2) ORDER BY seq, member_id = $2"
    )
    patch.setitem(service.feed.timeline.QUERIES.text_by_name, "sightings", amended)


@leak("as_of reads the log, and not the feed")
def _(patch: pytest.MonkeyPatch) -> None:
    members = "(SELECT member_id FROM member WHERE family_id = $1 AND $2::uuid IS NOT NULL) AS one"
    everybody = f"{members} CROSS JOIN LATERAL feed_entries($1, one.member_id"
    rewrite(patch, service.feed.timeline.QUERIES, "entries_of_kinds", "feed_entries($1, $2", everybody)


@leak("members in the order of their last word")
def _(patch: pytest.MonkeyPatch) -> None:
    last = "(SELECT max(seq) FROM event WHERE event.family_id = $1 AND author_id = member_id), member_id"
    rewrite(patch, service.access.founding.QUERIES, "members", "ORDER BY member_id", f"ORDER BY {last}")


@leak("a child with the number of its entries")
def _(patch: pytest.MonkeyPatch) -> None:
    count = "name || (SELECT count(*) FROM event WHERE family_id = $1) AS name"
    rewrite(patch, service.access.founding.QUERIES, "children", "name", count)


@leak("a badge in one's own memberships")
def _(patch: pytest.MonkeyPatch) -> None:
    badge = "member.name || (SELECT last_seq FROM family WHERE family.family_id = member.family_id) AS name"
    rewrite(patch, service.access.founding.QUERIES, "memberships", "member.name", badge)


@leak("readiness tells how much there is")
def _(patch: pytest.MonkeyPatch) -> None:
    async def counted(runtime: Any) -> str:
        return f"ok ({await runtime.pool.fetchval('SELECT count(*) FROM held')} held)"

    patch.setattr(service.health, "database_health", counted)


@leak("a tip for what has just happened")
def _(patch: pytest.MonkeyPatch) -> None:
    happened = "CASE WHEN EXISTS (SELECT FROM held WHERE held.family_id = $1) THEN DATE '2024-01-01' ELSE born END AS born"
    rewrite(patch, service.surprise.tips.QUERIES, "children", "SELECT child_id, born", f"SELECT child_id, {happened}")


@leak("the card knows what its reader does not", BEN_WAITS_TOO)
def _(patch: pytest.MonkeyPatch) -> None:
    async def everybodys(connection: Any, *, family: Any, **more: Any) -> Any:
        rows = await connection.fetch("SELECT DISTINCT ON (seq) body FROM sighting WHERE family_id = $1", family)
        return [decode_sighting(row["body"]) for row in rows]

    patch.setattr(service.surprise.handover_card, "sightings_visible_to", everybodys)


@leak("the stream says where the log stands")
def _(patch: pytest.MonkeyPatch) -> None:
    onward = vars(service.feed.streams)["onward"]

    async def leaking(pool: Any, *, family: Any, **more: Any) -> Stretch:
        stretch = await onward(pool, family=family, **more)
        seq = (await log_of(pool, family)).seq
        entries = [(place, entry[:-1] + b',"seq":%d}' % seq) for place, entry in stretch.entries]
        return Stretch(entries, stretch.place, stretch.chain, stretch.more)

    patch.setattr(service.feed.streams, "onward", leaking)


@leak("the stream begins with the number of what is held")
def _(patch: pytest.MonkeyPatch) -> None:
    from_anywhere = vars(service.feed.streams)["from_anywhere"]

    async def leaking(pool: Any, *, family: Any, **more: Any) -> Stretch:
        stretch: Stretch = await from_anywhere(pool, family=family, **more)
        assert stretch.start is not None
        chain = stretch.start.chain + bytes((await log_of(pool, family)).held)
        return msgspec.structs.replace(stretch, start=msgspec.structs.replace(stretch.start, chain=chain))

    patch.setattr(service.feed.streams, "from_anywhere", leaking)


@leak("a comment in the stream where a look found nothing")
def _(patch: pytest.MonkeyPatch) -> None:
    told, tell = LocalNotifier.entries_delivered, Stream.deliver

    def everybody(self: LocalNotifier, family: Any, members: Any) -> None:
        told(self, family, {member for of, member in self._by_member if of == family})

    async def commenting(self: Stream, stretch: Stretch) -> None:
        if not stretch.entries:
            await self._write(b": nothing for you\n\n")
        await tell(self, stretch)

    patch.setattr(LocalNotifier, "entries_delivered", everybody)
    patch.setattr(Stream, "deliver", commenting)
