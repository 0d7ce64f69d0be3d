"""One entry of a source, whatever its words: under which id, about whom, and when. Builds the records of it.

Owns how a record's id is made, and how long its words may be. Knows no source.
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
"""As long as a note may be. A longer text is refused and not cut: what is at its end may be what matters."""
MEDIA_MAX: Final = 100


class SourceChild(msgspec.Struct, frozen=True):
    """A child as the source names it: by its own reference, and as it shows the name."""

    reference: str
    shown_name: str | None = None


class SourceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around the words."""

    id: str
    children: tuple[SourceChild, ...]
    names_several: bool = False
    """Whether a record of this source can be about several children. Then each record has its own child in its id, also
    where there is one child only: a second child that is added later must not change the first one's id."""
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    revised_at: datetime | None
    """None: the source has no date of change."""

    def told(
        self, text: str | None, *, prose: str | None = None, media: Iterable[Media] = (), milestone: str | None = None
    ) -> tuple[Record, ...] | Ignored:
        """The records of it, one a child; ignored where there is neither a word nor a milestone to tell.

        `prose` as in `Record`: what of the text somebody wrote freely, a line each; of all of it, it is None or the text itself.
        """
        media = tuple(dict.fromkeys(media))[:MEDIA_MAX]
        text = clean(text, at="text")
        if text is None and milestone is None:
            return self.ignored(Why.NO_WORDS, media=len(media))
        if text is not None and len(text) > TEXT_CHARACTERS_MAX:
            raise FieldInvalid(f"The words are longer than {TEXT_CHARACTERS_MAX} characters.", at="text")
        return self._records(text, prose=_apart(prose, text), media=media, milestone=milestone, is_gone=False)

    def ignored(self, why: Why, *, media: int = 0) -> Ignored:
        """Leave it out, and say which ids are not to be told any longer."""
        return Ignored(why=why, media=media, taken_back=self.gone())

    def gone(self) -> tuple[Record, ...]:
        """The ids and times of it, without content."""
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


def _apart(prose: str | None, text: str | None) -> str | None:
    """The prose of a text; None where it is the whole: what is read alike is kept alike."""
    if prose is None or text is None:
        return None
    written = clean(prose, at="text") or ""
    return None if written == text else written
