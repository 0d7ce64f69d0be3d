"""An event that the log holds already, as far as a later draft may repeat it or refer to it. Owns the shape."""

from collections.abc import Collection

import msgspec

from events.event import Audience
from events.ids import MemberId, Seq
from projections.logged_event import Target


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """An event of the log that has an id which a draft repeats, or refers to."""

    author: MemberId
    digest: bytes
    place: int
    """In the author's feed."""
    seq: Seq
    kind: str
    audience: Audience
    target_seq: Seq | None
    thread: Seq
    thread_kind: str
    thread_author: MemberId
    told: Collection[MemberId]
    is_found: bool = False

    def as_target(self) -> Target:
        """What the rule and admission ask of it."""
        return Target(
            seq=self.seq,
            author=self.author,
            kind=self.kind,
            audience=self.audience,
            target_seq=self.target_seq,
            thread=self.thread,
            thread_kind=self.thread_kind,
            thread_author=self.thread_author,
            told=self.told,
            is_found=self.is_found,
        )
