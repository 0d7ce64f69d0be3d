"""Builds a family's history from short calls, and writes feeds as text, one line an entry.

Owns short words for events. Decides nothing: the feeds are computed from a story by the oracle or by the real fold.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from events.amend import Amended, Changes, Withdrawn
from events.catalogue import Domain
from events.clips import ClipAttached
from events.event import Audience, Body, Effect, Event, Precision
from events.ids import ChildId, ClipId, EventId, MemberId
from events.observations import Cheered, How, MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
from events.surprise import EnvelopeOpened, Mode, Sorted, SurpriseChosen, TimePassed
from tests.surprise.invented import FAMILY, MONDAY
from tests.surprise.oracle import Hint, Told

ADA, BEN, SITTER, GRANNY, DAYCARE = FAMILY.members
MIA, NOAH = FAMILY.child, FAMILY.sibling
NAMES = {ADA: "Ada", BEN: "Ben", SITTER: "Sam", GRANNY: "Gran", DAYCARE: "Sunflowers"}
CHILDREN = {MIA: "Mia", NOAH: "Noah"}

STOOD, STEPPED, WALKED = "movement.stands-for-a-moment", "movement.first-steps", "movement.walks"
TEN_STEPS, RAN, SPOKE, CLAPPED = "movement.ten-steps", "movement.runs", "talking.first-word", "hands.claps"
ROLLED, CRAWLED, ON_ALL_FOURS = "movement.rolls-over", "movement.crawls", "movement.gets-on-hands-and-knees"
PONY = "own.0193a2b4-0000-7000-8000-000000000000"


class Story:
    """The events of a history, in order. All members join at the start, except the members in `absent`: `joins` adds them."""

    def __init__(self, *absent: MemberId) -> None:
        self.events: list[Event[Any]] = []
        self.now = MONDAY
        for fact in FAMILY.founded():
            self.happens(ADA, fact)
        for member in FAMILY.members[1:]:
            if member not in absent:
                self.joins(member)

    def happens(
        self, author: MemberId, body: Body, *, audience: Audience | None = None, late: timedelta | None = None
    ) -> EventId:
        """Adds one more event, received now. It was recorded earlier by the time `late`."""
        named = getattr(body, body.refers) if body.refers else None
        target = next((event for event in self.events if event.id == named), None)
        default = body.audience if isinstance(body.audience, Audience) else target.audience if target else None
        assert default is not None
        recorded_at = self.now - (late or timedelta())
        event = Event(
            id=EventId(UUID(int=len(self.events) + 1)), author=author, occurred_at=recorded_at, precision=Precision.MINUTE,
            recorded_at=recorded_at, received_at=self.now, audience=audience or default, event=body,
        )  # fmt: skip
        self.events.append(event)
        return event.id

    def passes(self, *, days: int = 0, hours: int = 0) -> None:
        """Moves the clock. Negative days or hours move the clock back, because a server's clock can step back too."""
        self.now += timedelta(days=days, hours=hours)

    def joins(self, member: MemberId) -> None:
        """Adds the facts of a member's joining, by Ada's invitation."""
        for fact in FAMILY.joined(member):
            self.happens(ADA, fact)

    def chooses(
        self, who: MemberId, mode: str, scope: str = "all", *, child: ChildId | None = None, late: timedelta | None = None,
        hold_unsorted: bool | None = None, at_most_days: int | None = None,
    ) -> None:  # fmt: skip
        """Adds a choice. `mode` is `tell`, `hint` or `keep`."""
        wish = SurpriseChosen(
            child=child, scope=scope, mode=Mode(mode), hold_unsorted=hold_unsorted, at_most_days=at_most_days
        )  # fmt: skip
        self.happens(who, wish, late=late)

    def opens(self, who: MemberId, scope: str = "all", *, child: ChildId | None = None) -> None:
        """Adds an opened envelope."""
        self.happens(who, EnvelopeOpened(child=child, scope=scope))

    def saw(
        self,
        who: MemberId,
        milestone: str,
        child: ChildId = MIA,
        *,
        audience: Audience | None = None,
        late: timedelta | None = None,
    ) -> EventId:
        """Adds an observation."""
        return self.happens(who, MilestoneObserved(child=child, milestone=milestone), audience=audience, late=late)

    def finds(self, who: MemberId, milestone: str, child: ChildId = MIA) -> EventId:
        """Adds an observation that was found in a daycare's words."""
        return self.happens(who, MilestoneObserved(child=child, milestone=milestone, note="?", found_in_prose=True))

    def perhaps(self, who: MemberId, milestone: str, child: ChildId = MIA) -> EventId:
        """Adds a daycare's note that may tell of a milestone."""
        return self.happens(who, NoteWritten(child=child, text="off she went", may_tell_of=(milestone,)))

    def first(
        self, who: MemberId, milestone: str, child: ChildId = MIA, *, of: EventId | None = None, shared: bool = False,
        late: timedelta | None = None,
    ) -> EventId:  # fmt: skip
        """Adds a parent's own first."""
        body = ParentFirstSaw(child=child, milestone=milestone, how=How.IN_PERSON, observation=of)
        return self.happens(who, body, audience=Audience.FAMILY if shared else Audience.ME, late=late)

    def writes(self, who: MemberId, text: str, *, about: EventId | None = None, child: ChildId = MIA) -> EventId:
        """Adds a note."""
        return self.happens(who, NoteWritten(child=child, text=text, about=about))

    def cheers(self, who: MemberId, about: EventId) -> EventId:
        """Adds a cheer."""
        return self.happens(who, Cheered(about=about))

    def clips(self, who: MemberId, target: EventId) -> EventId:
        """Adds a clip."""
        return self.happens(who, ClipAttached(target=target, clip=ClipId(UUID(int=len(self.events)))))

    def amends(self, who: MemberId, target: EventId, **changes: Any) -> EventId:
        """Adds an amendment."""
        return self.happens(who, Amended(target=target, changes=Changes(**changes)))

    def withdraws(self, who: MemberId, target: EventId) -> None:
        """Adds a withdrawal."""
        self.happens(who, Withdrawn(target=target))

    def sorts(self, who: MemberId, target: EventId, milestone: str | None = None, *, child: ChildId = MIA) -> None:
        """Adds a sorting of an everyday note or clip: to a milestone, or to none."""
        self.happens(who, Sorted(target=target, child=child, milestone=milestone))

    def names(self, who: MemberId, title: str, *, domain: Domain = Domain.LIFE) -> None:
        """Adds a name for the family's own milestone."""
        self.happens(who, MilestoneNamed(milestone=PONY, title=title, domain=domain))

    def ticks(self, who: MemberId) -> None:
        """Adds a TimePassed. The service writes this event when the `at_most_days` of a member's choice are over."""
        self.happens(who, TimePassed())

    def noted(self, feed: list[Told]) -> str:
        """Returns a feed as text, one line an entry, without roster facts."""
        return "\n".join(
            _hint(entry.what) if isinstance(entry.what, Hint) else _said(self.events[entry.what - 1]) + _mark(entry)
            for entry in feed
            if isinstance(entry.what, Hint) or Effect.ROSTER_FACT not in self.events[entry.what - 1].event.effects
        )


def _mark(entry: Told) -> str:
    return f" ({entry.released})" if entry.released else ""


def _hint(hint: Hint) -> str:
    return f"something new for {CHILDREN[hint.child]} in {hint.domain}, {hint.day:%A}"


def _said(event: Event[Any]) -> str:
    who, body = NAMES[event.author], event.event
    match body:
        case MilestoneObserved() | ParentFirstSaw():
            verb = "saw" if isinstance(body, MilestoneObserved) else "first saw"
            return f"{who} {verb} {CHILDREN[body.child]} {_short(body.milestone)}"
        case NoteWritten():
            return f"{who} wrote {body.text}"
        case MilestoneNamed():
            return f"{who} named {body.title}"
        case Sorted():
            return f"{who} sorted {_short(body.milestone) if body.milestone else 'none'}"
        case SurpriseChosen():
            return f"{who} chose {body.mode}"
        case EnvelopeOpened():
            return f"{who} opened {body.scope}"
        case Amended():
            return f"{who} amended {', '.join(body.changes.named())}"
        case ClipAttached():
            return f"{who} attached a clip"
        case _:
            return f"{who} {type(body).__name__.lower()}"


def _short(milestone: str) -> str:
    return "pony" if milestone == PONY else milestone.partition(".")[2]


def table(words: str) -> str:
    """Returns a feed that was written by hand, without its indentation."""
    return "\n".join(line.strip() for line in words.strip().splitlines())


Feed = Callable[[Story, MemberId], str]
"""A function that returns the feed of a story's member as text."""
