"""Places 1, 2, 3, ... of one member's feed, stored as runs of neighbours in the log, and the chain over them.

A run says: the places from `first_place` on are the events from `first_seq` on. What is told in order makes one run grow;
an event that this member is not told of ends it, and so does a release. Knows not why anything is told.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Final

import msgspec

from events.ids import FamilyId, MemberId, Place, Seq

RUN_LENGTH_MAX: Final = 256
"""A reader who starts inside of a run hashes its beginning first: 255 hashes are about 0.2 ms."""


class Run(msgspec.Struct, frozen=True):
    """Neighbours in a feed that are neighbours in the log."""

    first_place: Place
    first_seq: Seq
    length: int
    released: str | None
    told_at: datetime | None
    """None: each entry was told when its event was received."""
    chain_before: bytes
    chain: bytes

    @property
    def last_place(self) -> int:
        """The place of its last entry."""
        return self.first_place + self.length - 1


def origin(family: FamilyId, member: MemberId) -> bytes:
    """The chain of an empty feed: SHA-256 of the family id and the member id."""
    return sha256(family.bytes + member.bytes).digest()


def link(chain: bytes, place: int, commitment: bytes) -> bytes:
    """The chain after one more entry: SHA-256 of the chain so far, the place (8 bytes, big-endian) and the commitment."""
    return sha256(chain + place.to_bytes(8, "big") + commitment).digest()


def tell(
    last: Run | None, *, start: bytes, first_seq: int, commitments: Sequence[bytes], told_at: datetime | None = None
) -> list[Run]:
    """Append neighbours of the log, `first_seq` on, to a feed that ends with `last`, or that is empty and starts with `start`.

    Gives the runs that changed, in order: the last one, where it grew, and new ones. `told_at` is for what is told later
    than it was received; such a run does not grow into what is told in its own time.
    """
    changed: list[Run] = []
    place = last.last_place if last else 0
    chain = last.chain if last else start
    done = 0
    while done < len(commitments):
        grows = (
            last is not None
            and last.first_seq + last.length == first_seq + done
            and last.length < RUN_LENGTH_MAX
            and last.released is None
            and last.told_at == told_at
        )
        room = RUN_LENGTH_MAX - (last.length if last is not None and grows else 0)
        taken = commitments[done : done + room]
        before = chain
        for commitment in taken:
            place += 1
            chain = sha256(chain + place.to_bytes(8, "big") + commitment).digest()
        if last is not None and grows:
            last = Run(last.first_place, last.first_seq, last.length + len(taken), None, told_at, last.chain_before, chain)
        else:
            last = Run(Place(place - len(taken) + 1), Seq(first_seq + done), len(taken), None, told_at, before, chain)
        changed.append(last)
        done += len(taken)
    return changed


def neighbours(seqs: Sequence[Seq]) -> list[Sequence[Seq]]:
    """Cut ascending seqs into stretches without a gap."""
    cuts = [0, *(index for index, (left, right) in enumerate(pairwise(seqs), 1) if right != left + 1), len(seqs)]
    return [seqs[start:end] for start, end in pairwise(cuts) if start < end]
