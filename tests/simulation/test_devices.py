"""Simulates devices that are offline, send twice, lose responses and are reinstalled.

In the end all devices of a member have the same feed. A Hypothesis state machine, with a real Postgres and the `Log` objects of
two processes. A failure prints the steps, and a blob with which Hypothesis repeats them. STILLNEW_NIGHTLY=1 tries more examples.
"""

import asyncio
import contextlib
import os
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from events.event import Role
from events.ids import MemberId
from service.http.problems import NotFound
from service.log.append_request import Receipt
from service.postgres.pool import open_pool
from tests.conftest import copied_database
from tests.families import CRAWLED, STOOD, WALKED, Draft, Family, drafted, found, join, leave, log_on, note, outcomes, pull, push
from tests.simulation.two_processes import Fate, Phone, TwoProcesses

OWN = "own.0193a2b4-0000-7000-8000-000000000000"
TEN_YEARS = timedelta(days=3_653)
ROLES = {"ada": Role.PARENT, "ben": Role.PARENT, "sitter": Role.CAREGIVER, "granny": Role.CAREGIVER, "daycare": Role.DAYCARE}

phones = st.integers(0, 11)
audiences = st.sampled_from([None, None, "me", "household", "family"])
milestones = st.sampled_from([WALKED, CRAWLED, STOOD, OWN])
days = st.integers(0, 3)
sizes = st.sampled_from([1, 2, 7, 500])
fates = st.sampled_from([Fate.ANSWERED, *Fate])
precisions = st.sampled_from(["minute", "day", "week", "month"])
# Two homes may be in two time zones. A time keeps the offset with which it was written.
zones = st.sampled_from(["+00:00", "+01:00", "-08:00"])


class Devices(RuleBasedStateMachine):
    """The state machine of one family and its devices."""

    processes: ClassVar[TwoProcesses]

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return self.processes.run(what)

    @initialize(early=st.lists(audiences, max_size=4))
    def a_family_is_founded(self, early: list[str | None]) -> None:
        """Founds the family of Ada. She pushes a first sighting for each audience in `early`, before other members join."""
        self.family = Family()
        self.run(found(self.processes.logs[0], family=self.family, with_everybody=False))
        self.phones = [Phone(self.family.ada)]
        self.gone: list[Phone] = []
        self.receipts: dict[tuple[MemberId, UUID], int] = {}
        for audience in early:
            self.somebody_saw_it(
                number=0, milestone=WALKED, audience=audience, day=len(early) % 4, zone="+01:00", precision="minute"
            )
        self.a_phone_comes_online(number=0, fate=Fate.ANSWERED, size=500, process=0)

    def phone(self, number: int) -> Phone:
        return self.phones[number % len(self.phones)]

    @property
    def joined(self) -> dict[MemberId, Role]:
        """The role of each member who has ever joined."""
        there = {phone.member for phone in (*self.phones, *self.gone)}
        return {getattr(self.family, name): role for name, role in ROLES.items() if getattr(self.family, name) in there}

    # Members

    @rule(name=st.sampled_from(["ben", "ben", "sitter", "granny", "daycare"]))
    def somebody_joins(self, name: str) -> None:
        member = getattr(self.family, name)
        if member not in self.joined:
            self.run(join(self.processes.logs[1], self.family, member))
            self.phones.append(Phone(member))

    @rule(name=st.sampled_from(["ben", "sitter", "granny", "daycare"]))
    def somebody_leaves(self, name: str) -> None:
        member = getattr(self.family, name)
        left = [phone for phone in self.phones if phone.member == member]
        if left:
            self.run(leave(self.processes.logs[0], self.family, member))
            self.phones = [phone for phone in self.phones if phone not in left]
            self.gone += left
            with pytest.raises(NotFound):
                self.run(push(self.processes.logs[1], self.family, member, note(self.family)))

    @rule(number=phones, off=st.sampled_from([timedelta(0), timedelta(hours=7), TEN_YEARS, -TEN_YEARS]))
    def somebody_gets_one_phone_more(self, number: int, off: timedelta) -> None:
        if len(self.phones) < 9:
            self.phones.append(Phone(self.phone(number).member, clock_off=off))

    # Drafts, written online or offline

    def writes(self, phone: Phone, draft: Draft) -> None:
        phone.outbox.append(draft)

    @rule(number=phones, milestone=milestones, audience=audiences, day=days, zone=zones, precision=precisions)
    def somebody_saw_it(self, number: int, milestone: str, audience: str | None, day: int, zone: str, precision: str) -> None:
        phone = self.phone(number)
        self.writes(
            phone,
            drafted(
                "MilestoneObserved", child=self.family.child, milestone=milestone, audience=audience,
                at=f"2026-03-0{day + 1}T23:30:00{zone}", recorded_at=phone.now(), precision=precision,
            ),
        )  # fmt: skip

    @rule(number=phones, milestone=milestones, how=st.sampled_from(["in_person", "live_video", "clip"]), audience=audiences,
          day=days, zone=zones, about=st.none() | phones)  # fmt: skip
    def a_parent_saw_it_first(
        self, number: int, milestone: str, how: str, audience: str | None, day: int, zone: str, about: int | None
    ) -> None:
        phone = self.phone(number)
        self.writes(
            phone,
            drafted(
                "ParentFirstSaw", child=self.family.child, milestone=milestone, how=how, audience=audience, feelings="tears",
                observation=None if about is None else self.something(phone, about, "MilestoneObserved"),
                at=f"2026-03-0{day + 1}T12:00:00{zone}", recorded_at=phone.now(),
            ),
        )  # fmt: skip

    def something(self, phone: Phone, number: int, *kinds: str) -> str | None:
        """Returns the id of an event or draft of these types from the device's mirror or outbox, or None if there is none."""
        known = [event["id"] for event in phone.events() if event["event"]["type"] in kinds]
        known += [draft["id"] for draft in phone.outbox if draft["event"]["type"] in kinds]
        return known[-1 - number % len(known)] if known else None

    @rule(number=phones, audience=audiences, about=phones)
    def somebody_writes_a_note(self, number: int, audience: str | None, about: int) -> None:
        phone = self.phone(number)
        target = self.something(phone, about, "MilestoneObserved", "ParentFirstSaw", "NoteWritten")
        self.writes(phone, note(self.family, audience=audience, about=target, at=phone.now()))

    @rule(number=phones, about=phones)
    def somebody_cheers(self, number: int, about: int) -> None:
        phone = self.phone(number)
        target = self.something(phone, about, "MilestoneObserved", "ParentFirstSaw", "NoteWritten", "MemberLeft")
        if target is not None:
            self.writes(phone, drafted("Cheered", about=target, at=phone.now()))

    @rule(number=phones, about=phones, day=days, milestone=milestones, recorded=st.integers(0, 2), zone=zones)
    def somebody_amends(self, number: int, about: int, day: int, milestone: str, recorded: int, zone: str) -> None:
        phone = self.phone(number)
        target = self.something(phone, about, "MilestoneObserved", "ParentFirstSaw")
        changes = ({"occurred_at": f"2026-02-0{day + 1}T23:30:00{zone}"}, {"milestone": milestone}, {"precision": "month"})[
            recorded
        ]
        if target is not None:
            amended_at = datetime(2026, 4, 1 + recorded, tzinfo=UTC)
            self.writes(phone, drafted("Amended", target=target, changes=changes, at=amended_at, precision="day"))

    @rule(number=phones, about=phones)
    def somebody_withdraws(self, number: int, about: int) -> None:
        phone = self.phone(number)
        target = self.something(phone, about, "MilestoneObserved", "ParentFirstSaw", "NoteWritten", "Cheered")
        if target is not None:
            self.writes(phone, drafted("Withdrawn", target=target, at=phone.now()))

    @rule(number=phones, title=st.sampled_from(["First puddle", "A puddle!"]), day=days)
    def somebody_names_a_milestone(self, number: int, title: str, day: int) -> None:
        named = drafted("MilestoneNamed", milestone=OWN, title=title, domain="life", at=datetime(2026, 4, day + 1, tzinfo=UTC))
        self.writes(self.phone(number), named)

    @rule(number=phones, another=phones)
    def somebody_uses_an_id_that_another_used(self, number: int, another: int) -> None:
        phone = self.phone(number)
        taken = self.something(phone, another, "MilestoneObserved", "NoteWritten")
        if taken is not None and (phone.member, UUID(taken)) not in self.receipts:
            seen = drafted("MilestoneObserved", child=self.family.child, milestone=STOOD, id=taken, at=phone.now())
            if all(draft["id"] != taken for mine in self.phones for draft in mine.outbox if mine.member == phone.member):
                self.writes(phone, seen)

    # Pushes and pulls

    async def sync(self, phone: Phone, fate: Fate, *, size: int, process: int) -> None:
        while phone.outbox:
            drafts = phone.outbox[:size]
            for receipts in await self.processes.push(self.family, phone, drafts, fate, process=process):
                self.note_receipts(phone.member, drafts, receipts)
            if fate in (Fate.NEVER_SENT, Fate.ANSWER_LOST):
                return
            recorded = [draft for draft in drafts if (phone.member, UUID(draft["id"])) in self.receipts]
            phone.recorded += [draft for draft in recorded if draft not in phone.recorded]
            del phone.outbox[:size]
        await self.processes.pull(self.family, phone, limit=size)

    def note_receipts(self, member: MemberId, drafts: list[Draft], receipts: list[Receipt]) -> None:
        """Checks law 2: receipts are in the order of the drafts, and a draft gets the same place in the feed each time."""
        assert [str(receipt.id) for receipt in receipts] == [draft["id"] for draft in drafts]
        for receipt in receipts:
            assert receipt.id is not None
            if receipt.outcome == "refused":
                assert (member, receipt.id) not in self.receipts
            else:
                assert receipt.place is not None
                assert self.receipts.setdefault((member, receipt.id), receipt.place) == receipt.place

    @rule(number=phones, fate=fates, size=sizes, process=st.integers(0, 1))
    def a_phone_comes_online(self, number: int, fate: Fate, size: int, process: int) -> None:
        self.run(self.sync(self.phone(number), fate, size=size, process=process))

    @rule(fate=fates, size=sizes)
    def all_phones_come_online_at_once(self, fate: Fate, size: int) -> None:
        async def all_at_once() -> None:
            syncs = (self.sync(phone, fate, size=size, process=number) for number, phone in enumerate(self.phones))
            await asyncio.gather(*syncs)

        self.run(all_at_once())

    @rule(number=phones)
    def a_phone_is_reinstalled(self, number: int) -> None:
        """Empties the mirror of a device, and puts all drafts that the device ever wrote into its outbox again."""
        phone = self.phone(number)
        phone.mirror = []
        phone.outbox = phone.recorded + [draft for draft in phone.outbox if draft not in phone.recorded]

    @precondition(lambda self: any(phone.recorded for phone in self.phones))
    @rule(number=phones)
    def an_id_is_reused(self, number: int) -> None:
        """Checks law 2: a used id with other content is refused as `event.id_reused`, and the feed does not change."""
        written = [phone for phone in self.phones if phone.recorded]
        phone = written[number % len(written)]
        before = self.run(pull(self.processes.pool, self.family, phone.member))
        other = phone.recorded[number % len(phone.recorded)] | {"occurred_at": "2026-01-01T00:00:00+00:00"}
        assert outcomes(self.run(push(self.processes.logs[0], self.family, phone.member, other))) == ["event.id_reused"]
        assert self.run(pull(self.processes.pool, self.family, phone.member)) == before

    # Checks: after each step, at times, and at the end

    @invariant()
    def no_number_is_missing(self) -> None:
        if hasattr(self, "family"):
            self.run(self.processes.assert_shape(self.family.family))

    @rule()
    def all_feeds_are_right(self) -> None:
        self.run(self.processes.assert_feeds_are_right(self.family, self.joined))

    def teardown(self) -> None:
        """Brings all devices online, and checks law 7: the mirrors of one member's devices are equal, byte for byte."""
        if not hasattr(self, "family"):
            return
        for _ in range(2):
            for number, phone in enumerate(self.phones):
                self.run(self.sync(phone, Fate.ANSWERED, size=(500, 3, 1)[number % 3], process=number))
        for phone in self.phones:
            assert phone.outbox == []
            assert phone.mirror == self.run(pull(self.processes.pool, self.family, phone.member)).entries
        for phone in self.gone:
            whole = self.run(pull(self.processes.pool, self.family, phone.member)).entries
            assert phone.mirror == whole[: len(phone.mirror)]
        self.all_feeds_are_right()


@contextlib.contextmanager
def two_processes(server: str, template: str) -> Iterator[TwoProcesses]:
    """Makes a new database, and yields two `Log` objects on it, like those of two processes."""
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        url = runner.run(stack.enter_async_context(copied_database(server, template)))
        pool = runner.run(open_pool(url))
        stack.push_async_callback(pool.close)
        one, other = (runner.run(stack.enter_async_context(log_on(url, pool))) for _ in range(2))
        try:
            yield TwoProcesses(runner, pool, (one, other))
        finally:
            runner.run(stack.aclose())


@pytest.mark.timeout(3_600 if os.environ.get("STILLNEW_NIGHTLY") else 240)
def test_devices_of_a_member_converge_whatever_befalls_them(postgres: str, template: str) -> None:
    """Laws 2, 3, 6, 7 and 11 are kept in a family of two homes, with up to nine devices, and with faults in any order."""
    is_long = bool(os.environ.get("STILLNEW_NIGHTLY"))
    with two_processes(postgres, template) as processes:
        Devices.processes = processes
        run_state_machine_as_test(
            Devices,
            settings=settings(
                max_examples=400 if is_long else 25,
                stateful_step_count=80 if is_long else 40,
                suppress_health_check=list(HealthCheck),
            ),
        )
