"""Counts the subjects that a member has met: those of their own sightings, and all that these imply."""

from collections.abc import Iterator

from events.catalogue import CATALOGUE
from events.event import Audience
from events.ids import Seq
from projections.first_saw import Sighting
from projections.subjects import Subject


def implied_by(subject: Subject) -> Iterator[Subject]:
    """Yields a subject and all subjects that a member who saw it has seen as well."""
    child, milestone = subject
    yield subject
    for implied in CATALOGUE.implied_by(milestone):
        yield child, implied


def telling_of(subject: Subject) -> list[Subject]:
    """Returns all subjects that, once seen, show that this subject, or one that it implies, is met."""
    child, milestone = subject
    implied = (milestone, *CATALOGUE.implied_by(milestone))
    return [(child, key) for key in sorted({telling for one in implied for telling in (one, *CATALOGUE.implying(one))})]


class Met:
    """The own sightings of one member, counted by the subjects that they show. Changed in place by the fold that owns it."""

    __slots__ = ("_by_family", "_by_home", "_count", "own")

    def __init__(self) -> None:
        self.own: dict[Seq, tuple[Subject, Audience]] = {}
        """The member's own sightings, as far as they are known here."""
        self._count: dict[Subject, int] = {}
        self._by_home: dict[Subject, int] = {}
        """The sightings that the member's household may know of. The same for `_by_family`."""
        self._by_family: dict[Subject, int] = {}

    def has(self, subject: Subject) -> bool:
        """Returns whether the member has met a subject."""
        return subject in self._count

    def has_at_home(self, subject: Subject) -> bool:
        """Returns whether the member's household may know that they have met it."""
        return subject in self._by_home

    def has_by_all(self, subject: Subject) -> bool:
        """Returns whether the whole family may know that they have met it."""
        return subject in self._by_family

    def see(self, seq: Seq, sighting: Sighting | None) -> list[Subject]:
        """Stores an own sighting as it is now; None once withdrawn. Returns the subjects that it meets for the first time."""
        met_before: tuple[Subject, ...] = ()
        if (before := self.own.pop(seq, None)) is not None:
            met_before = tuple(implied_by(before[0]))
            self._add(before, -1)
        if sighting is None:
            return []
        subject = (sighting.child, sighting.milestone)
        fresh = [one for one in implied_by(subject) if one not in self._count and one not in met_before]
        self.own[seq] = subject, sighting.audience
        self._add(self.own[seq], 1)
        return fresh

    def _add(self, own: tuple[Subject, Audience], by: int) -> None:
        subject, audience = own
        counted = [self._count]
        if audience is not Audience.ME:
            counted.append(self._by_home)
        if audience is Audience.FAMILY:
            counted.append(self._by_family)
        for one in implied_by(subject):
            for count in counted:
                count[one] = count.get(one, 0) + by
                if not count[one]:
                    del count[one]
