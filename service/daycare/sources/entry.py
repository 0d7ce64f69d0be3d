"""Builds our records from one entry of a source: one record for each child. Also builds records that mark an entry as deleted.

Owns the ids of these records, and the bound on their text. Knows no source.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from events.errors import FieldInvalid
from events.event import Precision
from service.daycare.record import Media, Record
from service.daycare.sources.fields import clean, identifier
from service.daycare.sources.reading import Ignored, Why

TEXT_CHARACTERS_MAX: Final = 10_000
"""Largest number of characters of a note in an event. A longer text is refused and not cut, because its end may be important."""
MEDIA_MAX: Final = 100


class SourceChild(msgspec.Struct, frozen=True):
    """A child in a source: the source's id of the child, and the child's name in the source."""

    reference: str
    shown_name: str | None = None


class SourceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a source, without the entry's text: the id, the children and the times of the entry."""

    id: str
    children: tuple[SourceChild, ...]
    names_several: bool = False
    """Whether entries of this source can be about several children. If they can, the id of every record contains the reference of
    its child. So the id of a record stays the same if a second child is added to the entry later."""
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    revised_at: datetime | None
    """The time of the last change of the entry. None: the source does not record this time."""

    def translated(
        self, text: str | None, *, prose: str | None = None, media: Iterable[Media] = (), milestone: str | None = None
    ) -> tuple[Record, ...] | Ignored:
        """Returns one record for each child, or `Ignored` if the entry has neither text nor a milestone.

        `prose` is the part of the text that people typed. None: people typed the whole text.

        Raises:
            FieldInvalid: The text is longer than 10,000 characters.
        """
        media = tuple(dict.fromkeys(media))[:MEDIA_MAX]
        text = clean(text, at="text")
        if text is None and milestone is None:
            return self.ignored(Why.NO_WORDS, media=len(media))
        if text is not None and len(text) > TEXT_CHARACTERS_MAX:
            raise FieldInvalid(f"The words are longer than {TEXT_CHARACTERS_MAX} characters.", at="text")
        return self._records(text, prose=_prose_if_partial(prose, text), media=media, milestone=milestone, is_gone=False)

    def ignored(self, why: Why, *, media: int = 0) -> Ignored:
        """Returns the entry as `Ignored`, with the ids of its records. So records that an earlier import wrote are withdrawn."""
        return Ignored(why=why, media=media, taken_back=self.deleted())

    def deleted(self) -> tuple[Record, ...]:
        """Returns records that mark the entry as deleted. They have ids and times, but no content."""
        return self._records(None, prose=None, media=(), milestone=None, is_gone=True)

    def _records(
        self, text: str | None, *, prose: str | None, media: tuple[Media, ...], milestone: str | None, is_gone: bool
    ) -> tuple[Record, ...]:
        return tuple(
            Record(
                id=identifier(f"{self.id}#{child.reference}" if self.names_several else self.id, at="id"),
                reference=child.reference,
                shown_name=child.shown_name,
                occurred_at=self.occurred_at,
                precision=self.precision,
                recorded_at=self.recorded_at,
                revised_at=self.revised_at or self.recorded_at,
                is_dated=self.revised_at is not None,
                milestone=milestone,
                text=text,
                prose=prose,
                media=media,
                is_gone=is_gone,
            )
            for child in {child.reference: child for child in self.children}.values()
        )


def _prose_if_partial(prose: str | None, text: str | None) -> str | None:
    """Returns `prose`, or None if `prose` is the whole text. So the same content is always stored in the same form."""
    if prose is None or text is None:
        return None
    written = clean(prose, at="text") or ""
    return None if written == text else written
