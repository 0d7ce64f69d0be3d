"""Leaks through daycares' keys, imported files and webhooks: what systems are sent and answered, and how far that has come."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest

import service.daycare.import_routes
import service.daycare.intake
import service.log.append
import service.webhooks.delivery
from events.observations import NoteWritten
from service.daycare.intake import Intake, Meant, RecordOutcome, SourcedRecord
from service.feed.next_entries import Stretch
from service.feed.notifier import LocalNotifier
from service.webhooks.attempt import Attempt
from service.webhooks.delivery import Delivery
from service.webhooks.signing import headers_of, message_id
from service.webhooks.store import QUERIES as WEBHOOKS
from service.webhooks.store import WebhookKey, WebhookStore
from tests.worlds.histories import FIRST, GONE, IMPORTED, STEPS, Hidden, Said
from tests.worlds.leaks import RICH, leak, log_of, only, rewrite
from tests.worlds.leaks_of_acting import counted
from tests.worlds.systems import NAMED

DAYCARES = service.daycare.intake.QUERIES

# What a webhook is sent, and what is shown of it.


@leak("a webhook reads the log, and not the feed", only(RICH, "h11"), listens=True)
def _(patch: pytest.MonkeyPatch) -> None:
    async def of_the_log(self: WebhookStore, key: WebhookKey, *, after: int, chain: bytes | None) -> Stretch:
        rows = await self._pool.fetch(
            "SELECT seq, body FROM event WHERE family_id = $1 AND seq > $2 ORDER BY seq LIMIT 8", key.family, after
        )
        told = [(row["seq"], b'{"place":%d,"event":%b}' % (row["seq"], row["body"])) for row in rows]
        return Stretch(told, told[-1][0] if told else after, None, bool(told))

    patch.setattr(WebhookStore, "entries", of_the_log)


@leak("a delivery says how far the log is ahead of it", only(RICH, "h0"), listens=True)
def _(patch: pytest.MonkeyPatch) -> None:
    told = WebhookStore.entries

    async def and_behind(self: WebhookStore, key: WebhookKey, *, after: int, chain: bytes | None) -> Stretch:
        found, log = await told(self, key, after=after, chain=chain), await log_of(self._pool, key.family)
        entries = [(place, b'%b,"behind":%d}' % (entry[:-1], log.seq - place)) for place, entry in found.entries]
        return msgspec.structs.replace(found, entries=entries)

    patch.setattr(WebhookStore, "entries", and_behind)


Send = Callable[[Delivery, Attempt], Awaitable[Any]]


def _where_nothing_is_new(patch: pytest.MonkeyPatch, send: Send) -> None:
    """Wake whoever listens in a family, told or not, and send something where a look finds nothing."""
    told, run = LocalNotifier.entries_delivered, Delivery.run

    def everybody(self: LocalNotifier, family: Any, members: Any) -> None:
        told(self, family, {member for of, member in self._by_member if of == family})

    async def sending(self: Delivery) -> bool:
        found = await self._rows.entries(self._claim.key, after=self._place, chain=None)
        if not found.entries:
            async with Attempt(self._target, egress=self._means.egress, tls=self._means.tls) as post:
                await send(self, post)
        return await run(self)

    patch.setattr(LocalNotifier, "entries_delivered", everybody)
    patch.setattr(Delivery, "run", sending)


@leak("an empty ping where something is held", only(RICH, "h0"), listens=True)
def _(patch: pytest.MonkeyPatch) -> None:
    async def ping(turn: Delivery, post: Attempt) -> None:
        id = message_id(turn._claim.key.webhook, turn._place)
        await post.send(b"{}", headers_of(b"{}", id=id, at=turn._means.now(), secrets=turn._claim.secrets))

    _where_nothing_is_new(patch, ping)


@leak("the last entry comes again where something is held", only(RICH, "h10"), listens=True)
def _(patch: pytest.MonkeyPatch) -> None:
    async def again(turn: Delivery, post: Attempt) -> None:
        found = await turn._rows.entries(turn._claim.key, after=turn._place - 1, chain=None)
        for place, entry in found.entries[:1]:
            await turn._send(post, place, entry)

    _where_nothing_is_new(patch, again)


@leak("the id of a delivery from a counter", only(RICH, "h0"), listens=True)
def _(patch: pytest.MonkeyPatch) -> None:
    count = counted(patch)
    patch.setattr(service.webhooks.delivery, "message_id", lambda webhook, place: f"msg_{webhook.hex}_{count()}")


@leak("the place of a webhook counts what is held", only(RICH, "h0"))
def _(patch: pytest.MonkeyPatch) -> None:
    ahead = "(SELECT count(*) FROM held WHERE held.family_id = $1 AND held.member_id = $2)"
    rewrite(patch, WEBHOOKS, "own", "place, failing_since", f"place + {ahead} AS place, failing_since")


@leak("a webhook from which something is held is failing", only(RICH, "h11"))
def _(patch: pytest.MonkeyPatch) -> None:
    held = "EXISTS (SELECT FROM held WHERE held.family_id = $1 AND held.member_id = $2)"
    rewrite(patch, WEBHOOKS, "own", "failing_since", f"CASE WHEN {held} THEN created_at END AS failing_since")


# What daycares, and parents about them, are answered.

SNOW = {"type": "MilestoneObserved", "child": "mia", "milestone": NAMED}
SEEN_AT_HOME = only(
    RICH, wish="everything", visible=(RICH.visible[0], *RICH.visible[2:]), hidden=(Hidden(3, Said("h0", "sam", SNOW)),)
)  # fmt: skip
"""Somebody at home saw what the daycare and the file tell of in both worlds."""


async def _seen_at_home(intake: Intake, given: Sequence[SourcedRecord], meant: dict[str, Meant]) -> set[int]:
    """The numbers of those records whose milestone a person, and no daycare, has seen already."""
    found = set()
    for number, one in enumerate(given):
        whom = meant.get(one.record.reference)
        if whom is not None and one.record.milestone is not None and await intake._pool.fetchval(
            "SELECT count(*) FROM event JOIN member USING (family_id) WHERE family_id = $1 AND author_id = member_id"
            " AND role <> 'daycare' AND kind = 'MilestoneObserved' AND position(convert_to($2, 'UTF8') IN body) > 0",
            whom.family, one.record.milestone,
        ):  # fmt: skip
            found.add(number)
    return found


@leak("a daycare's receipt knows what was seen at home", SEEN_AT_HOME)
def _(patch: pytest.MonkeyPatch) -> None:
    take = Intake.take

    async def knowing(self: Intake, given: Sequence[SourcedRecord]) -> list[RecordOutcome]:
        known = await _seen_at_home(self, given, await self.meant({one.record.reference for one in given}))
        taken = await take(self, given)
        return [RecordOutcome(outcome="already_recorded") if number in known else one for number, one in enumerate(taken)]

    patch.setattr(Intake, "take", knowing)


@leak("a dry run foresees what was seen at home", SEEN_AT_HOME)
def _(patch: pytest.MonkeyPatch) -> None:
    foresee = Intake.foresee

    async def knowing(self: Intake, given: Sequence[SourcedRecord], meant: dict[str, Meant]) -> list[str]:
        known, outcomes = await _seen_at_home(self, given, meant), await foresee(self, given, meant)
        return ["already_recorded" if number in known else one for number, one in enumerate(outcomes)]

    patch.setattr(Intake, "foresee", knowing)


@leak("a daycare's receipt names from whom something is held", only(RICH, "h11"))
def _(patch: pytest.MonkeyPatch) -> None:
    take = Intake.take

    async def naming(self: Intake, given: Sequence[SourcedRecord]) -> list[RecordOutcome]:
        rows = await self._pool.fetch(
            "SELECT DISTINCT member.name FROM member JOIN held USING (family_id, member_id)"
            " WHERE family_id IN (SELECT family_id FROM membership WHERE person_id = $1)", self._person,
        )  # fmt: skip
        names = tuple(row["name"] for row in rows)
        return [msgspec.structs.replace(one, keep_quiet=names) for one in await take(self, given)]

    patch.setattr(Intake, "take", naming)


OTHERS_FILE = only(RICH, hidden=(Hidden(3, Said("h0", "ben", {"type": IMPORTED, "version": FIRST})),))
"""The other parent has imported what the protected one will."""


@leak("an import knows what the other parent imported", OTHERS_FILE)
def _(patch: pytest.MonkeyPatch) -> None:
    rewrite(patch, DAYCARES, "said", "SELECT family_id, member_id, source", "SELECT family_id, asked.member_id, source")
    rewrite(patch, DAYCARES, "said", "USING (family_id, member_id, source, record)", "USING (family_id, source, record)")


@leak("whom the other parent's file names", OTHERS_FILE)
def _(patch: pytest.MonkeyPatch) -> None:
    rewrite(patch, DAYCARES, "daycares", "coalesce(importer.imported_by <> $2, false)", "false")


@leak("what the other parent's file takes back is told as one's own", only(OTHERS_FILE, hidden=(
    *OTHERS_FILE.hidden, Hidden(5, Said("h1", "ben", {"type": IMPORTED, "version": GONE})),
), visible=(*RICH.visible[:4], Said("v4", "ada", {"type": IMPORTED, "version": FIRST}))))  # fmt: skip
def _(patch: pytest.MonkeyPatch) -> None:
    copies = vars(service.log.append)["own_drafts"]

    async def plainly(connection: Any, share: Any) -> Any:
        found = await copies(connection, share)
        notes = [NoteWritten(child=draft.event.child, text="What was imported.") for draft in found]
        return tuple(msgspec.structs.replace(draft, event=note) for draft, note in zip(found, notes, strict=True))

    patch.setattr(service.log.append, "own_drafts", plainly)


@leak("an import counts what is held from who imports", only(RICH, "h0"))
def _(patch: pytest.MonkeyPatch) -> None:
    begin = vars(service.daycare.import_routes)["begin"]

    async def counting(runtime: Any, caller: Any, *more: Any) -> Any:
        begun, log = await begin(runtime, caller, *more), await log_of(runtime.pool, caller.family)
        begun.said = msgspec.structs.replace(begun.said, records=begun.said.records + log.held)
        return begun

    patch.setattr(service.daycare.import_routes, "begin", counting)


@leak("what is held makes a child's reference wait", only(RICH, "h0"))
def _(patch: pytest.MonkeyPatch) -> None:
    waiting = "daycare_waiting.reference = daycare_child.reference)"
    held = f"{waiting} OR EXISTS (SELECT FROM held WHERE held.family_id = daycare_child.family_id)"
    rewrite(patch, DAYCARES, "references_of", f"{waiting} AS is_waiting", f"{held} AS is_waiting")


@leak("what waits to be linked and what is held share their room", only(RICH, "h0", "h1"))
def _(patch: pytest.MonkeyPatch) -> None:
    held = "(SELECT count(*) FROM held JOIN membership USING (family_id) WHERE membership.person_id = $1)"
    rewrite(patch, DAYCARES, "count_waiting", "count(*)", f"count(*) + {held}")
    patch.setattr(service.daycare.intake, "WAITING_MAX", 3)


STEPS_AT_DAYCARE = Said("h0", "duck", {"type": "MilestoneObserved", "child": "mia", "milestone": STEPS})


@leak("a daycare with the number of its entries", only(RICH, hidden=(Hidden(3, STEPS_AT_DAYCARE),)))
def _(patch: pytest.MonkeyPatch) -> None:
    number = "(SELECT count(*) FROM event WHERE event.family_id = $1 AND author_id = member.member_id)"
    rewrite(patch, DAYCARES, "daycares", "member.name", f"member.name || {number} AS name")
