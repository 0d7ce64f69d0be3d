"""Plants leaks in the posts of webhooks, and in the responses to daycares' systems and to parents who import files."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

import service.daycare.import_routes
import service.daycare.intake
import service.log.append
import service.webhooks.delivery
import service.webhooks.store
from events.observations import NoteWritten
from service.daycare.intake import Intake, Meant, RecordOutcome, SourcedRecord
from service.feed.next_entries import Stretch
from service.webhooks.store import WebhookKey, WebhookStore
from tests.worlds.histories import FIRST, GONE, IMPORTED, STEPS, Hidden, step
from tests.worlds.leaks import (
    EVERYBODY_READS,
    HELD_COUNT,
    RICH,
    around,
    count_recorded,
    leak,
    leak_around,
    log_of,
    only,
    recorded_count,
    rewritten,
)
from tests.worlds.systems import NAMED

DAYCARES = service.daycare.intake.QUERIES
WEBHOOKS = service.webhooks.store.QUERIES

# Leaks in the posts of a webhook, and in its state.


@leak_around("a webhook reads the log, and not the feed", WebhookStore, "entries", history=only("h11"), with_webhooks=True)
async def _(entries: Any, self: WebhookStore, key: WebhookKey, *, after: int, chain: bytes | None) -> Stretch:
    rows = await self._pool.fetch(
        "SELECT seq, body FROM event WHERE family_id = $1 AND seq > $2 ORDER BY seq LIMIT 8", key.family, after
    )
    found = [(row["seq"], b'{"place":%d,"event":%b}' % (row["seq"], row["body"])) for row in rows]
    return Stretch(found, found[-1][0] if found else after, None, bool(found))


@leak_around("a delivery says how far the log is ahead of it", WebhookStore, "entries", history=only("h0"), with_webhooks=True)
async def _(entries: Any, self: WebhookStore, key: WebhookKey, **more: Any) -> Any:
    stretch, log = await entries(self, key, **more), await log_of(self._pool, key.family)
    behind = [(place, b'%b,"behind":%d}' % (entry[:-1], log.seq - place)) for place, entry in stretch.entries]
    return msgspec.structs.replace(stretch, entries=behind)


# A webhook's turn sends what `entries` returns, and ends where there is no more.
@leak_around(
    "an empty ping where something is held", WebhookStore, "entries", EVERYBODY_READS, history=only("h0"), with_webhooks=True
)
async def _(entries: Any, self: WebhookStore, key: WebhookKey, *, after: int, chain: bytes | None) -> Any:
    stretch = await entries(self, key, after=after, chain=chain)
    return stretch if stretch.entries else msgspec.structs.replace(stretch, entries=[(after, b'{"event":{}}')])


@leak_around(
    "the last entry comes again where something is held", WebhookStore, "entries", EVERYBODY_READS,
    history=only("h10"), with_webhooks=True,
)  # fmt: skip
async def _(entries: Any, self: WebhookStore, key: WebhookKey, *, after: int, chain: bytes | None) -> Any:
    stretch = await entries(self, key, after=after, chain=chain)
    return stretch if stretch.entries else await entries(self, key, after=after - 1, chain=None)


leak(
    "the id of a delivery from a counter",
    count_recorded,
    around(service.webhooks.delivery, "message_id", lambda message_id, webhook, place: f"msg_{webhook.hex}_{recorded_count()}"),
    history=only("h0"),
    with_webhooks=True,
)
leak(
    "the place of a webhook counts what is held",
    rewritten(WEBHOOKS, "own", "place, failing_since", f"place + {HELD_COUNT} AS place, failing_since"),
    history=only("h0"),
)
leak(
    "a webhook from which something is held is failing",
    rewritten(WEBHOOKS, "own", "failing_since", f"CASE WHEN {HELD_COUNT} > 0 THEN created_at END AS failing_since"),
    history=only("h11"),
)

# Leaks in the responses to a daycare's key.

SEEN_AT_HOME = replace(
    RICH,
    wish="everything",
    visible=(RICH.visible[0], *RICH.visible[2:]),
    hidden=(Hidden(3, step("h0", "sam", "MilestoneObserved", child="mia", milestone=NAMED)),),
)
"""A history: in the second world the sitter has seen the milestone that the daycare and the file record in both worlds."""


async def _seen_at_home(pool: Any, given: Sequence[SourcedRecord], meant: dict[str, Meant]) -> set[int]:
    """Returns the positions of the records whose milestone was already recorded by a member who is no daycare."""
    found = set()
    for position, one in enumerate(given):
        linked = meant.get(one.record.reference)
        if linked is not None and one.record.milestone is not None and await pool.fetchval(
            "SELECT count(*) FROM event JOIN member USING (family_id) WHERE family_id = $1 AND author_id = member_id"
            " AND role <> 'daycare' AND kind = 'MilestoneObserved' AND position(convert_to($2, 'UTF8') IN body) > 0",
            linked.family, one.record.milestone,
        ):  # fmt: skip
            found.add(position)
    return found


@leak_around("a daycare's receipt knows what was seen at home", Intake, "take", history=SEEN_AT_HOME)
async def _(take: Any, self: Intake, given: Sequence[SourcedRecord]) -> list[RecordOutcome]:
    known = await _seen_at_home(self._pool, given, await self.meant({one.record.reference for one in given}))
    outcomes = enumerate(await take(self, given))
    return [RecordOutcome(outcome="already_recorded") if position in known else one for position, one in outcomes]


@leak_around("a dry run foresees what was seen at home", Intake, "foresee", history=SEEN_AT_HOME)
async def _(foresee: Any, self: Intake, given: Sequence[SourcedRecord], meant: dict[str, Meant]) -> list[str]:
    known = await _seen_at_home(self._pool, given, meant)
    outcomes = enumerate(await foresee(self, given, meant))
    return ["already_recorded" if position in known else one for position, one in outcomes]


@leak_around("a daycare's receipt names from whom something is held", Intake, "take", history=only("h11"))
async def _(take: Any, self: Intake, given: Sequence[SourcedRecord]) -> list[RecordOutcome]:
    rows = await self._pool.fetch(
        "SELECT DISTINCT member.name FROM member JOIN held USING (family_id, member_id)"
        " WHERE family_id IN (SELECT family_id FROM membership WHERE person_id = $1)",
        self._person,
    )
    names = tuple(row["name"] for row in rows)
    return [msgspec.structs.replace(one, keep_quiet=names) for one in await take(self, given)]


leak(
    "what is held makes a child's reference wait",
    rewritten(
        DAYCARES,
        "references_of",
        "daycare_waiting.reference = daycare_child.reference) AS is_waiting",
        "daycare_waiting.reference = daycare_child.reference)"
        " OR EXISTS (SELECT FROM held WHERE held.family_id = daycare_child.family_id) AS is_waiting",
    ),
    history=only("h0"),
)
leak(
    "what waits to be linked and what is held share their room",
    rewritten(
        DAYCARES,
        "count_waiting",
        "count(*)",
        "count(*) + (SELECT count(*) FROM held JOIN membership USING (family_id) WHERE membership.person_id = $1)",
    ),
    lambda patch: patch.setattr(service.daycare.intake, "WAITING_MAX", 3),
    history=only("h0", "h1"),
)
leak(
    "a daycare with the number of its entries",
    rewritten(
        DAYCARES,
        "daycares",
        "member.name",
        "member.name || (SELECT count(*) FROM event WHERE event.family_id = $1 AND author_id = member.member_id) AS name",
    ),
    history=replace(RICH, hidden=(Hidden(3, step("h0", "duck", "MilestoneObserved", child="mia", milestone=STEPS)),)),
)

# Leaks in the responses to a parent who imports a file.

OTHERS_FILE = replace(RICH, hidden=(Hidden(3, step("h0", "ben", IMPORTED, version=FIRST)),))
"""A history: in the second world the other parent has imported the file that the protected member will import."""

TAKEN_BACK = replace(
    OTHERS_FILE,
    visible=(*RICH.visible[:4], step("v4", "ada", IMPORTED, version=FIRST)),
    hidden=(*OTHERS_FILE.hidden, Hidden(5, step("h1", "ben", IMPORTED, version=GONE))),
)
"""A history: both parents import the same file; then, in the second world alone, the other parent withdraws its records."""

leak(
    "an import knows what the other parent imported",
    rewritten(DAYCARES, "said", "SELECT family_id, member_id, source", "SELECT family_id, asked.member_id, source"),
    rewritten(DAYCARES, "said", "USING (family_id, member_id, source, record)", "USING (family_id, source, record)"),
    history=OTHERS_FILE,
)
leak(
    "whom the other parent's file names",
    rewritten(DAYCARES, "daycares", "coalesce(importer.imported_by <> $2, false)", "false"),
    history=OTHERS_FILE,
)


@leak_around("what the other parent's file takes back is told as one's own", service.log.append, "own_drafts", history=TAKEN_BACK)
async def _(own_drafts: Any, connection: Any, share: Any) -> Any:
    return tuple(
        msgspec.structs.replace(draft, event=NoteWritten(child=draft.event.child, text="What was imported."))
        for draft in await own_drafts(connection, share)
    )


@leak_around("an import counts what is held from who imports", service.daycare.import_routes, "begin", history=only("h0"))
async def _(begin: Any, runtime: Any, caller: Any, *more: Any) -> Any:
    begun, log = await begin(runtime, caller, *more), await log_of(runtime.pool, caller.family)
    begun.said = msgspec.structs.replace(begun.said, records=begun.said.records + log.held)
    return begun
