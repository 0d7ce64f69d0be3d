"""Draws random histories of a family with Hypothesis. The service would have accepted each event of a history at its time.

Owns the actions that may happen, and how often. Asks the oracle for deliveries, because authors refer only to delivered events.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from events.amend import Amended, Changes, Withdrawn
from events.catalogue import Domain
from events.clips import ClipAttached
from events.event import AsTarget, Audience, Body, Event, Precision
from events.family import MemberJoined, MemberLeft
from events.ids import ChildId, ClipId, EventId, FamilyId, HouseholdId, MemberId
from events.observations import Cheered, How, MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
from events.surprise import EnvelopeOpened, Mode, Sorted, SurpriseChosen, TimePassed
from tests.families import Family
from tests.surprise.oracle import Oracle
from tests.surprise.reading import Line, choices, is_found, is_kept, joined, may_sort, subjects, top

FAMILY = Family(
    family=FamilyId(UUID(int=1)), child=ChildId(UUID(int=2)), sibling=ChildId(UUID(int=3)),
    home=HouseholdId(UUID(int=4)), other_home=HouseholdId(UUID(int=5)), ada=MemberId(UUID(int=6)), ben=MemberId(UUID(int=7)),
    sitter=MemberId(UUID(int=8)), granny=MemberId(UUID(int=9)), daycare=MemberId(UUID(int=10)),
)  # fmt: skip
PARENTS = (FAMILY.ada, FAMILY.ben)
CHILDREN = (FAMILY.child, FAMILY.sibling)
MONDAY = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)

MILESTONES = (
    "movement.stands-for-a-moment", "movement.first-steps", "movement.walks", "movement.ten-steps",  # each implies those before
    "movement.tries-to-roll", "movement.rolls-over",  # both have a safety note
    "movement.gets-on-hands-and-knees", "movement.crawls",  # the second has a safety note, the first does not
    "talking.first-word", "feelings.names-a-feeling",  # implies the first word, in another domain
    "hands.claps", "life.first-tooth",
)  # fmt: skip
OWN = ("own.0193a2b4-0000-7000-8000-000000000000", "own.0193a2b4-0000-7000-8000-000000000001")
SCOPES = ("all", "all", "domain:movement", "domain:talking", "domain:life", "milestone:movement.first-steps",
          "milestone:movement.rolls-over", "milestone:movement.crawls", "milestone:talking.first-word")  # fmt: skip
PAUSES = [timedelta(hours=hours) for hours in (0, 1, 5, 24, 24, 55, -3)]
LATE = [timedelta(minutes=minutes) for minutes in (0, 0, 1, 90, 60 * 24 * 3, 60 * 24 * 9)]

ACTIONS = (
    "see", "see", "see", "see", "first", "first", "first", "write", "write", "answer", "cheer", "clip", "amend", "amend",
    "withdraw", "sort", "sort", "choose", "choose", "choose", "open", "name", "join", "leave", "tick", "tick",
)  # fmt: skip
CAN_BE_ABOUT = (MilestoneObserved, ParentFirstSaw, NoteWritten, ClipAttached)


@dataclass
class Inventor:
    """Draws the next event of a history."""

    draw: st.DrawFn
    oracle: Oracle = field(default_factory=Oracle)
    now: datetime = MONDAY
    actions: tuple[str, ...] = ACTIONS

    def happen(self, author: MemberId, body: Body, *, audience: Audience | None = None, about: Line | None = None) -> None:
        """Adds one more event to the log."""
        number = len(self.oracle.log) + 1
        default = body.audience
        if isinstance(default, AsTarget):
            assert about is not None
            audience = default = about.event.audience
        recorded_at = self.now - self.draw(st.sampled_from(LATE))
        is_corrected = self.draw(st.integers(0, 9)) == 9
        self.oracle.add(
            Event(
                id=EventId(UUID(int=number * 7_919 % 10_007)),  # in no order of time
                author=author,
                occurred_at=recorded_at,
                precision=Precision.MINUTE,
                recorded_at=recorded_at,
                received_at=self.now,
                audience=audience or default,
                claimed_at=recorded_at - timedelta(days=2) if is_corrected else None,
                event=body,
            )
        )

    def one(self, *among: Any) -> Any:
        """Draws one of several values."""
        return self.draw(st.sampled_from(among))

    def is_so(self, *, one_in: int = 2) -> bool:
        """Draws True with a chance of one in `one_in`."""
        return self.draw(st.integers(1, one_in)) == one_in

    def here(self, *among: MemberId) -> tuple[MemberId, ...]:
        """Returns the present members among the given ones. Without an argument, returns all present members."""
        present = joined(self.oracle.log)
        return tuple(member for member in (among or FAMILY.members) if member in present)

    def known(self, member: MemberId, *kinds: type[Body], own: bool = False) -> list[Line]:
        """Returns the events of some types that were delivered to a member. With `own`, only the member's own events."""
        told = [self.oracle.log[seq - 1] for seq in sorted(self.oracle.told(member))]
        return [line for line in told if isinstance(line.body, kinds) and (not own or line.event.author == member)]

    def found(self, member: MemberId) -> list[Line]:
        """Returns the observations that were found in a daycare's words and delivered to a member."""
        return [line for line in self.known(member, MilestoneObserved) if is_found(line)]

    def child(self) -> ChildId:
        """Draws a child, Mia more often than Noah."""
        return ChildId(self.one(FAMILY.child, FAMILY.child, FAMILY.sibling))

    def milestone(self, author: MemberId) -> str:
        """Draws a milestone of the catalogue, or a family milestone whose name was delivered to the author."""
        own = [line.body.milestone for line in self.known(author, MilestoneNamed)]
        return str(self.one(*MILESTONES, *own))

    def step(self) -> None:
        """Draws an action and adds its event. An action that is impossible now adds nothing."""
        self.now += self.draw(st.sampled_from(PAUSES))
        action = self.one(*self.actions)
        author = self.one(*self.here())
        match action:
            case "see":
                if author == FAMILY.daycare and self.is_so():
                    self.find()
                    return
                audience = self.one(*[Audience.FAMILY] * 4, Audience.HOUSEHOLD, Audience.ME)
                self.happen(author, MilestoneObserved(child=self.child(), milestone=self.milestone(author)), audience=audience)
            case "first":
                self.first()
            case "write":
                if author == FAMILY.daycare and self.is_so():
                    may_tell = tuple(self.draw(st.lists(st.sampled_from(MILESTONES), min_size=1, max_size=2, unique=True)))
                    self.happen(author, NoteWritten(child=self.child(), text="off she went", may_tell_of=may_tell))
                    return
                audience = self.one(*[Audience.FAMILY] * 3, Audience.HOUSEHOLD)
                self.happen(author, NoteWritten(child=self.child(), text="a good day"), audience=audience)
            case "answer" | "cheer" | "clip":
                self.refer(author, action)
            case "amend" | "withdraw":
                self.think_again(author, action)
            case "sort":
                self.sort(author)
            case "choose" | "open" | "name":
                self.wish(action)
            case "join" | "leave":
                self.come_and_go(action)
            case _:
                self.tick()

    def find(self) -> None:
        """Adds an observation that was found in a daycare's words. The words tell of up to three milestones."""
        first, *others = self.draw(st.lists(st.sampled_from(MILESTONES), min_size=1, max_size=3, unique=True))
        found = MilestoneObserved(child=self.child(), milestone=first, note="?", found_in_prose=True, tells_of=tuple(others))
        self.happen(FAMILY.daycare, found)

    def first(self) -> None:
        """Adds a parent's own first: private or shared, with or without a reference to an observation."""
        author = self.one(*self.here(*PARENTS))
        about, subject = None, (self.child(), self.milestone(author))
        waiting = [
            what for seq in self.oracle.held.get(author, []) for what in subjects(self.oracle.log, self.oracle.log[seq - 1])
        ]
        known = {line.body.milestone for line in self.known(author, MilestoneNamed)}
        match self.one("anything", "what they were told of", "what is kept for them"):
            case "what they were told of" if seen := self.known(author, MilestoneObserved):
                about = self.one(*seen)
                subject = self.one((about.body.child, about.body.milestone), subject)
            case "what is kept for them" if could := [what for what in waiting if what[1] in {*MILESTONES, *known}]:
                subject = self.one(*could)
        child, milestone = subject
        body = ParentFirstSaw(child=child, milestone=milestone, how=How.IN_PERSON, observation=about and about.event.id)
        self.happen(author, body, audience=self.one(Audience.ME, Audience.FAMILY, Audience.HOUSEHOLD), about=about)

    def refer(self, author: MemberId, action: str) -> None:
        """Adds a note, a cheer or a clip that refers to an event that was delivered to its author."""
        kinds = tuple(kind for kind in CAN_BE_ABOUT if action != "clip" or kind is not ClipAttached)
        if not (known := self.known(author, *kinds)) or (action == "cheer" and author == FAMILY.daycare):
            return
        about = self.one(*known[-6:])
        named = about.event.id
        body_by_action: dict[str, Body] = {
            "answer": NoteWritten(child=getattr(about.body, "child", FAMILY.child), text="indeed", about=named),
            "cheer": Cheered(about=named),
            "clip": ClipAttached(target=named, clip=ClipId(UUID(int=len(self.oracle.log)))),
        }
        self.happen(author, body_by_action[action], about=about)

    def think_again(self, author: MemberId, action: str) -> None:
        """Adds an amendment or a withdrawal of an event by its author."""
        kinds: tuple[type[Body], ...] = (MilestoneObserved, ParentFirstSaw, NoteWritten, Cheered)
        known = self.known(author, *kinds, *((ClipAttached,) if action == "withdraw" else ()), own=True)
        known += [line for line in self.found(author) if author in PARENTS]
        if not known:
            return
        about = self.one(*known[-6:])
        if action == "withdraw":
            self.happen(author, Withdrawn(target=about.event.id), about=about)
            return
        match about.body:
            case Cheered():
                changes = Changes(words="hooray")
            case NoteWritten():
                changes = self.one(Changes(text="so to speak"), Changes(child=self.child()))
            case _:
                names = self.one(("milestone",), ("milestone",), ("child",), ("child", "milestone"), ())
                said: dict[str, Any] = {"milestone": self.milestone(author), "child": self.child()}
                changes = Changes(**({name: said[name] for name in names} or {"precision": Precision.DAY}))
        self.happen(author, Amended(target=about.event.id, changes=changes), about=about)

    def sort(self, author: MemberId) -> None:
        """Adds a sorting of an everyday note or clip."""
        if known := sorted(self.known(author, NoteWritten, ClipAttached) + self.found(author), key=lambda line: line.seq):
            about = self.one(*known[-6:])
            if self.may_sort(author, about):
                milestone = self.milestone(author) if self.is_so() else None
                self.happen(author, Sorted(target=about.event.id, child=self.child(), milestone=milestone), about=about)

    def may_sort(self, author: MemberId, about: Line) -> bool:
        """Checks whether the service accepts a sorting: the thread of a member who waits can be sorted only by that member."""
        began = top(self.oracle.log, about).event.author
        is_open = began == author or not any(is_kept(wish) for wish in choices(self.oracle.log, began).values())
        return is_open and may_sort(self.oracle.log, author, about)

    def choice(self, author: MemberId, *, mode: Mode | None = None) -> SurpriseChosen:
        """Draws a choice: `keep` and `hint` more often than `tell`."""
        own = [f"milestone:{line.body.milestone}" for line in self.known(author, MilestoneNamed)]
        return SurpriseChosen(
            child=self.one(None, None, FAMILY.child, FAMILY.sibling),
            scope=self.one(*SCOPES, *own),
            mode=mode or self.one(Mode.KEEP, Mode.KEEP, Mode.HINT, Mode.HINT, Mode.TELL),
            hold_unsorted=self.one(None, True, True, False),
            at_most_days=self.one(None, None, 1, 3),
        )

    def wish(self, action: str) -> None:
        """Adds a choice, an opened envelope, or a name for a milestone of the family's own."""
        author = self.one(*self.here(*PARENTS, *PARENTS, FAMILY.granny, FAMILY.sitter))
        match action:
            case "choose":
                self.happen(author, self.choice(author))
            case "open":
                waiting = [member for member in self.here(*FAMILY.members[:4]) if self.oracle.held.get(member)]
                author = self.one(*waiting) if waiting else author
                wish = self.choice(author)
                self.happen(author, EnvelopeOpened(child=wish.child, scope=wish.scope))
            case _:
                known = {line.body.milestone for line in self.known(author, MilestoneNamed)}
                taken = {line.body.milestone for line in self.oracle.log if isinstance(line.body, MilestoneNamed)}
                if names := [name for name in OWN if name in known or name not in taken]:
                    name = self.one(*names)
                    # A milestone always has the same domain, because the domain of a family milestone is chosen once.
                    domain = Domain.TALKING if name == OWN[0] else Domain.LIFE
                    self.happen(author, MilestoneNamed(milestone=name, title="Rides a pony", domain=domain))

    def join(self, member: MemberId) -> None:
        """Adds the facts of a member's joining, with or without choices made before."""
        for fact in FAMILY.joined(member):
            if isinstance(fact, MemberJoined) and member != FAMILY.daycare:
                for _ in range(self.one(0, 1, 1, 2)):
                    self.happen(member, self.choice(member))
            self.happen(FAMILY.ada, fact)

    def come_and_go(self, action: str) -> None:
        """Adds the joining of a member who was never in the family, or the leaving of a present member."""
        ever = {line.body.member for line in self.oracle.log if isinstance(line.body, MemberJoined)}
        if action == "join" and (absent := [member for member in FAMILY.members if member not in ever]):
            self.join(self.one(*absent))
        elif action == "leave" and self.is_so(one_in=3) and (others := self.here(*FAMILY.members[1:])):
            member = self.one(*others)
            self.happen(member, MemberLeft(member=member))

    def tick(self) -> None:
        """Adds a TimePassed for each member whose first held event is older than the `at_most_days` of one of their choices."""
        for member in self.here():
            days = [choice.at_most_days for choice in choices(self.oracle.log, member).values() if choice.at_most_days]
            since = [self.oracle.log[seq - 1].event.received_at for seq in self.oracle.held.get(member, [])]
            if days and since and self.now - min(since) >= timedelta(days=min(days)):
                self.happen(member, TimePassed())


@st.composite
def histories(draw: st.DrawFn, *, most: int = 50) -> Oracle:
    """Draws the whole log of a family. Returns the oracle that has read this log."""
    inventor = Inventor(draw)
    for fact in FAMILY.founded():
        inventor.happen(FAMILY.ada, fact)
    for member in draw(st.sets(st.sampled_from(FAMILY.members[1:]), min_size=2)):
        inventor.join(member)
    for member in inventor.here(*PARENTS):
        inventor.happen(member, inventor.choice(member, mode=draw(st.sampled_from([Mode.KEEP, Mode.HINT]))))
    if draw(st.booleans()):  # many events of a few kinds find faults that one event of each kind does not
        inventor.actions = tuple(draw(st.lists(st.sampled_from(sorted({*ACTIONS} - {"join", "leave"})), min_size=3, max_size=6)))
    for _ in range(draw(st.integers(1, most))):
        inventor.step()
    if draw(st.booleans()):
        inventor.come_and_go("join")
        for _ in range(draw(st.integers(0, 6))):
            inventor.step()
    return inventor.oracle
