"""Runs a worked history of docs/surprise.md: by the fold alone, and through the log of the service on Postgres.

Owns how the outcome of a line is found: in the entries of feeds, the receipts, and the rows of held events. Knows nothing of the
rule.
"""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from events.event import Audience, Event
from events.family import MemberJoined
from events.ids import MemberId
from events.surprise import TimePassed
from events.wire import Malformed
from projections.roster import member_of
from service.log.log import Log
from tests.clean_clips import add_clean_clip
from tests.families import Draft, Family, drafted, feed_of, join, log_on, push, pushed
from tests.histories import Told, happened, seqs_of
from tests.surprise.essay_page import DAYS, PEOPLE, History, Line, Outcome

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
Reads = dict[str, tuple[int | str, ...]]


class Writer:
    """Makes drafts from lines. A line happens on the next day of its name, as many minutes after noon as its number."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.family = Family()
        self.members = dict(zip(PEOPLE, self.family.members, strict=True))
        people = {*history.here, *(line.who for line in history.lines)}
        self.names = {member: name for name, member in self.members.items() if name in people}
        self.children = {"Mia": self.family.child, "Noah": self.family.sibling}
        self.child_names = {str(child): name for name, child in self.children.items()}
        self.ids = {line.number: f"0193a2b4-0000-7000-8000-{line.number:012d}" for line in history.lines}
        self.numbers = {id: number for number, id in self.ids.items()}
        self.now = MONDAY

    def turn_to(self, line: Line) -> None:
        """Sets the clock to the time of a line."""
        ahead = (DAYS.index(line.day) - self.now.weekday()) % 7
        self.now = MONDAY + timedelta(days=(self.now - MONDAY).days + ahead, minutes=line.number)

    def draft(self, line: Line) -> Draft:
        """Returns the draft that the author's device sends for a line."""
        said = dict(line.said)
        for name in ("about", "target"):
            if name in said:
                said[name] = self.ids[said[name]]
        if "child" in said:
            said["child"] = self.children[said["child"]]
        if line.kind == "ClipAttached":
            said["clip"] = clip_of(line)
        behind = (DAYS.index(line.day) - DAYS.index(line.recorded)) % 7
        at = self.now - timedelta(days=behind)
        return drafted(line.kind, id=self.ids[line.number], at=at, recorded_at=at, audience=line.audience, **said)


def clip_of(line: Line) -> UUID:
    """Returns the id of the clip that a line attaches."""
    return UUID(int=line.number)


def fold(history: History) -> tuple[list[Outcome], Reads]:
    """Folds a history without the service. Returns the outcome of each line, and the feeds that the history lists."""
    writer = Writer(history)
    told = Told(writer.family)
    for fact in writer.family.founded():
        told.add(happened(writer.family.ada, fact))
    for name in history.here[1:]:
        told.join(writer.members[name])
    outcomes = [_folded(writer, told, line) for line in history.lines]
    return outcomes, {name: _read(_entries(told, writer.members[name]), writer) for name in history.reads}


def _folded(writer: Writer, told: Told, line: Line) -> Outcome:
    writer.turn_to(line)
    author = writer.members[line.who]
    if line.outcome.refused is not None:  # the service refuses the draft, so it never comes into the log
        return line.outcome
    before = {member: len(_entries(told, member)) for member in writer.names}
    own = None
    if line.kind == "MemberJoined":
        for fact in writer.family.joined(author):
            told.add(_received(happened(writer.family.ada, fact), writer.now))
    elif line.kind == "TimePassed":
        told.add(_received(happened(author, TimePassed()), writer.now))
    else:
        own = writer.ids[line.number]
        told.add(_received(_event(author, writer.draft(line), writer.now), writer.now))
    fresh = {member: _entries(told, member)[count:] for member, count in before.items()}
    held = [member for member, state in told.folded.surprises.items() if len(told.events) in state.holds.events]
    return _seen(writer, line, own, fresh, held)


def _event(author: MemberId, drafted: Draft, now: datetime) -> Event[Any]:
    (draft,) = pushed([drafted], sent_at=now).drafts
    assert not isinstance(draft, Malformed), draft.problem
    default = draft.event.audience
    audience = draft.audience or (default if isinstance(default, Audience) else Audience.FAMILY)
    return happened(
        author, draft.event, id=draft.id, at=draft.occurred_at, recorded_at=draft.recorded_at, audience=audience
    )  # fmt: skip


def _received(event: Event[Any], now: datetime) -> Event[Any]:
    return msgspec.structs.replace(event, received_at=now)


def _entries(told: Told, member: MemberId) -> list[dict[str, Any]]:
    """Returns a member's feed, read from its runs. Each entry has its mark of release and its event's id, or the hint."""
    found: list[dict[str, Any]] = []
    for run in told.runs_of(member):
        if run.hint is not None:
            found.append({"released": run.released, "event": msgspec.json.decode(run.hint)})
            continue
        found += [{"released": run.released, "event": {"id": str(told.events[seq - 1].id)}} for seq in seqs_of(run)]
    return found


async def through_the_service(history: History, database_url: str, pool: asyncpg.Pool) -> tuple[list[Outcome], Reads]:
    """Pushes the lines of a history to the service. Returns the outcome of each line, and the feeds that the history lists."""
    writer = Writer(history)
    family = writer.family
    async with log_on(database_url, pool, now=lambda: writer.now) as log:
        async with log.transaction() as writing:
            await writing.open_family(family.family)
            await writing.write(family=family.family, author=family.ada, facts=family.founded())
        for name in history.here[1:]:
            await join(log, family, writer.members[name])
        devices = _Devices(writer, log, pool)
        outcomes = [await devices.say(line) for line in history.lines]
        feeds = await devices.feeds()
        return outcomes, {name: _read(feeds[writer.members[name]], writer) for name in history.reads}


class _Devices:
    """The devices of all members of a history. Ada invites the members who join."""

    def __init__(self, writer: Writer, log: Log, pool: asyncpg.Pool) -> None:
        self.writer = writer
        self.log = log
        self.pool = pool
        self.on_the_way_in: list[Draft] = []

    async def say(self, line: Line) -> Outcome:
        """Pushes a line, and returns its outcome, which is read from the receipt, all feeds, and the rows of held events."""
        writer, family = self.writer, self.writer.family
        writer.turn_to(line)
        before = await self.feeds()
        author = writer.members[line.who]
        own: str | None = None
        quiet: tuple[str, ...] = ()
        if line.is_joining:
            self.on_the_way_in.append(writer.draft(line))
        elif line.kind == "MemberJoined":
            await self._join(author)
        elif line.kind == "TimePassed":
            async with self.log.transaction() as writing:
                await writing.write(family=family.family, author=author, facts=(TimePassed(),))
        else:
            own = writer.ids[line.number]
            if line.kind == "ClipAttached":
                await add_clean_clip(self.pool, family.family, author, clip_of(line))
            (receipt,) = await push(self.log, family, author, writer.draft(line), sent_at=writer.now)
            quiet = receipt.keep_quiet
            if receipt.problem is not None:
                return Outcome(refused=receipt.problem.code)
        fresh = {member: feed[len(before[member]) :] for member, feed in (await self.feeds()).items()}
        outcome = _seen(writer, line, own, fresh, await _held(self.pool, writer, own))
        return dataclasses.replace(outcome, quiet=frozenset(quiet)) if writer.history.says_quiet else outcome

    async def feeds(self) -> dict[MemberId, list[dict[str, Any]]]:
        """Reads the whole feed of each member."""
        return {member: await feed_of(self.pool, self.writer.family, member) for member in self.writer.names}

    async def _join(self, member: MemberId) -> None:
        """Adds a member to the family, in one transaction that writes the member's choices first."""
        family = self.writer.family
        facts = family.joined(member)
        joins = facts[-1]
        assert isinstance(joins, MemberJoined)
        drafts = pushed(self.on_the_way_in, sent_at=self.writer.now).drafts
        async with self.log.transaction() as writing:
            chosen = tuple(draft for draft in drafts if not isinstance(draft, Malformed))
            await writing.choose(family=family.family, joiner=member_of(joins), drafts=chosen)
            await writing.write(family=family.family, author=family.ada, facts=facts)


async def _held(pool: asyncpg.Pool, writer: Writer, own: str | None) -> list[MemberId]:
    if own is None:
        return []
    rows = await pool.fetch(
        "SELECT member_id FROM held JOIN event USING (family_id, seq) WHERE family_id = $1 AND event_id = $2",
        writer.family.family, UUID(own),
    )  # fmt: skip
    return [MemberId(row["member_id"]) for row in rows]


def _seen(
    writer: Writer, line: Line, own: str | None, fresh: dict[MemberId, list[dict[str, Any]]], held: Sequence[MemberId]
) -> Outcome:
    """Returns the outcome of a line from the entries that were added to the feeds. `own` is the id of the line's event."""
    told: set[str] = set()
    hints: set[tuple[str, str, str]] = set()
    gets: set[tuple[str, tuple[int, ...], str | None]] = set()
    for member, entries in fresh.items():
        name = writer.names[member]
        freed: dict[str | None, list[int]] = {}
        for entry in entries:
            event, number = entry["event"], writer.numbers.get(entry["event"].get("id", ""))
            if event.get("type") == "Hint":
                assert event["day"] == writer.now.date().isoformat()
                hints.add((name, writer.child_names[event["child"]], event["domain"]))
            elif event["id"] == own and entry["released"] is None:
                told.add(name)
            elif number is not None:
                freed.setdefault(entry["released"], []).append(number)
        gets |= {(name, tuple(numbers), why) for why, numbers in freed.items()}
    assert own is None or line.who in told or line.is_joining, "an author is told of their own words"
    return Outcome(
        frozenset(told - {line.who}), frozenset(writer.names[one] for one in held), frozenset(hints), frozenset(gets)
    )  # fmt: skip


def _read(entries: Sequence[dict[str, Any]], writer: Writer) -> tuple[int | str, ...]:
    """Returns the entries of a feed as the page writes them: numbers of lines, and "hint". Facts of the roster are left out."""
    found: list[int | str] = []
    for entry in entries:
        if entry["event"].get("type") == "Hint":
            found.append("hint")
        elif (number := writer.numbers.get(entry["event"]["id"])) is not None:
            found.append(number)
    return tuple(found)
