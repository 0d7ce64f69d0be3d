"""Makes a family of two homes, and the drafts and pushes of its devices, for every test that writes a log.

Owns names and default fields. Decides nothing.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from uuid_utils.compat import uuid7

from events.event import Role
from events.family import ChildAdded, FamilyFounded, HouseholdOpened, MemberJoined, MemberLeft, Sees
from events.ids import ChildId, FamilyId, HouseholdId, MemberId
from events.wire import Push, ServiceBody, read_push
from service.feed.notifier import LocalNotifier
from service.feed.pages import Page, page
from service.log.append_request import Receipt
from service.log.log import Log, now_utc

Draft = dict[str, Any]
WALKED, CRAWLED, STOOD = "movement.first-steps", "movement.crawls", "movement.stands-alone"


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family of two homes: Ada's, with a sitter, a grandmother and a daycare, and Ben's."""

    family: FamilyId = field(default_factory=lambda: FamilyId(uuid4()))
    child: ChildId = field(default_factory=lambda: ChildId(uuid4()))
    sibling: ChildId = field(default_factory=lambda: ChildId(uuid4()))
    home: HouseholdId = field(default_factory=lambda: HouseholdId(uuid4()))
    other_home: HouseholdId = field(default_factory=lambda: HouseholdId(uuid4()))
    ada: MemberId = field(default_factory=lambda: MemberId(uuid4()))
    ben: MemberId = field(default_factory=lambda: MemberId(uuid4()))
    sitter: MemberId = field(default_factory=lambda: MemberId(uuid4()))
    granny: MemberId = field(default_factory=lambda: MemberId(uuid4()))
    daycare: MemberId = field(default_factory=lambda: MemberId(uuid4()))

    @property
    def members(self) -> tuple[MemberId, ...]:
        """All members of the complete family, in the order of joining."""
        return (self.ada, self.ben, self.sitter, self.granny, self.daycare)

    def founded(self) -> tuple[ServiceBody, ...]:
        """Returns the facts at the beginning of the log."""
        return (
            FamilyFounded(),
            HouseholdOpened(household=self.home, name="Home"),
            MemberJoined(member=self.ada, name="Ada", role=Role.PARENT, household=self.home, sees=Sees.ALL),
            ChildAdded(child=self.child, name="Mia"),
            ChildAdded(child=self.sibling, name="Noah"),
        )

    def joined(self, member: MemberId) -> tuple[ServiceBody, ...]:
        """Returns the facts that record the joining of one more member."""
        match member:
            case self.ben:
                joins = MemberJoined(member=member, name="Ben", role=Role.PARENT, household=self.other_home, sees=Sees.ALL)
                return (HouseholdOpened(household=self.other_home, name="The other home"), joins)
            case self.sitter:
                return (self._helps(member, "Sam", Role.CAREGIVER, Sees.SINCE_JOINING),)
            case self.granny:
                return (self._helps(member, "Gran", Role.CAREGIVER, Sees.ALL),)
            case self.daycare:
                return (self._helps(member, "Sunflowers", Role.DAYCARE, Sees.OWN),)
            case _:
                raise AssertionError(member)

    def _helps(self, member: MemberId, name: str, role: Role, sees: Sees) -> MemberJoined:
        return MemberJoined(member=member, name=name, role=role, household=self.home, sees=sees)


async def found(log: Log, *, family: Family | None = None, with_everybody: bool = True) -> Family:
    """Writes the first facts of a family's log, by Ada, and adds the other members."""
    family = family or Family()
    async with log.transaction() as writing:
        await writing.open_family(family.family)
        await writing.write(family=family.family, author=family.ada, facts=family.founded())
    for member in family.members[1:] if with_everybody else ():
        await join(log, family, member)
    return family


async def join(log: Log, family: Family, member: MemberId) -> None:
    """Adds a member to the log. The author is Ada, who invited the member."""
    async with log.transaction() as writing:
        await writing.write(family=family.family, author=family.ada, facts=family.joined(member))


async def leave(log: Log, family: Family, member: MemberId) -> None:
    """Records that a member left. The author is that member."""
    async with log.transaction() as writing:
        await writing.write(family=family.family, author=member, facts=(MemberLeft(member=member),))


@asynccontextmanager
async def log_on(database_url: str, pool: asyncpg.Pool, *, now: Any = now_utc) -> AsyncIterator[Log]:
    """Starts a log as a service process does. Two logs on one database behave like two processes."""
    log = Log(pool=pool, database_url=database_url, notifier=LocalNotifier(), now=now)
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


def written(time: datetime | str) -> str:
    """Returns a time as a device writes it."""
    return time if isinstance(time, str) else time.isoformat(timespec="milliseconds")


def drafted(
    kind: str,
    *,
    at: datetime | str | None = None,
    recorded_at: datetime | str | None = None,
    precision: str = "minute",
    audience: str | None = None,
    id: UUID | str | None = None,
    **fields: Any,
) -> Draft:
    """Returns a draft in the JSON form of a push. `fields` are the fields of its event."""
    at = at or datetime.now(UTC)
    return {
        "id": str(id or uuid7()), "occurred_at": written(at), "precision": precision, "recorded_at": written(recorded_at or at),
        **({} if audience is None else {"audience": audience}),
        "event": {"type": kind, **{name: value if isinstance(value, bool | dict | int) else str(value)
                                   for name, value in fields.items() if value is not None}},
    }  # fmt: skip


def note(family: Family, text: str = "a good day", **more: Any) -> Draft:
    """Returns a draft of a note."""
    return drafted("NoteWritten", child=family.child, text=text, **more)


def saw(family: Family, milestone: str = WALKED, **more: Any) -> Draft:
    """Returns a draft of an observation."""
    return drafted("MilestoneObserved", **({"child": family.child} | more), milestone=milestone)


def pushed(drafts: Sequence[Draft], *, sent_at: datetime | str | None = None) -> Push:
    """Returns a push as the service reads it from a request."""
    return read_push(json.dumps({"sent_at": written(sent_at or datetime.now(UTC)), "drafts": list(drafts)}).encode())


async def push(
    log: Log, family: Family, author: MemberId, *drafts: Draft, sent_at: datetime | str | None = None
) -> tuple[Receipt, ...]:
    """Pushes drafts once, and returns the receipts."""
    _, receipts = await log.push(family=family.family, author=author, push=pushed(drafts, sent_at=sent_at))
    return receipts


async def pull(pool: asyncpg.Pool, family: Family, member: MemberId, *, after: int = 0, limit: int = 2_000) -> Page:
    """Reads one page of a member's feed."""
    return await page(pool, family=family.family, member=member, after=after, limit=limit)


async def feed_of(pool: asyncpg.Pool, family: Family, member: MemberId) -> list[dict[str, Any]]:
    """Reads a whole feed, and returns its entries."""
    found = await pull(pool, family, member)
    assert not found.more
    return [json.loads(entry) for _, entry in found.entries]


def outcomes(receipts: Sequence[Receipt]) -> list[str]:
    """Returns the outcome of each draft; for a refused draft, the code of its refusal."""
    return [receipt.problem.code if receipt.problem else receipt.outcome for receipt in receipts]
