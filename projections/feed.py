"""Places 1, 2, 3, ... of one member's feed, stored as runs of neighbours in the log, and the chain over them.

A run says: the places from `first_place` on are the events from `first_seq` on. What is told in order makes one run grow;
an event that this member is not told of ends it, and so does a release. The feed of a member who keeps surprises is stored in
runs that list their entries, so that neither what is stored nor how long it takes to read tells where something is held. A
hint is an entry without an event. Knows not why anything is told.
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

LISTED_MAX: Final = 32
"""Entries of a run that lists them: it is written anew for each one that is told by itself."""


class Run(msgspec.Struct, frozen=True, gc=False):
    """Neighbours in a feed: neighbours in the log as well, or listed."""

    first_place: Place
    first_seq: Seq
    """0: a hint."""
    length: int
    released: str | None
    told_at: datetime | None
    """None: each entry was told when its event was received."""
    chain_before: bytes
    chain: bytes
    hint: bytes | None = None
    """What a hint says, as JSON."""
    seqs: tuple[Seq, ...] | None = None
    """Those of its entries, where they are listed: the feed of who keeps surprises, as far as it was told in its time."""

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
    last: Run | None,
    *,
    start: bytes,
    first_seq: int,
    commitments: Sequence[bytes],
    told_at: datetime | None = None,
    released: str | None = None,
    longest: int = RUN_LENGTH_MAX,
) -> list[Run]:
    """Append neighbours of the log, `first_seq` on, to a feed that ends with `last`, or that is empty and starts with `start`.

    Gives the runs that changed, in order: the last one, where it grew, and new ones of at most `longest` entries. `told_at`
    is for what is told later than it was received, `released` for what was held before; such a run does not grow into what is
    told in its own time.
    """
    changed: list[Run] = []
    place = last.last_place if last else 0
    chain = last.chain if last else start
    done = 0
    while done < len(commitments):
        grows = (
            last is not None
            and last.first_seq + last.length == first_seq + done
            and last.length < longest
            and last.released == released
            and last.told_at == told_at
            and last.hint is None
            and last.seqs is None
        )
        room = longest - (last.length if last is not None and grows else 0)
        taken = commitments[done : done + room]
        before = chain
        for commitment in taken:
            place += 1
            chain = sha256(chain + place.to_bytes(8, "big") + commitment).digest()
        if last is not None and grows:
            last = Run(last.first_place, last.first_seq, last.length + len(taken), released, told_at, last.chain_before, chain)
        else:
            last = Run(Place(place - len(taken) + 1), Seq(first_seq + done), len(taken), released, told_at, before, chain)
        changed.append(last)
        done += len(taken)
    return changed


def list_told(last: Run | None, *, start: bytes, seqs: Sequence[Seq], commitments: Sequence[bytes]) -> list[Run]:
    """Append what is told in its time to the feed of a member who keeps surprises: `tell`, but for gaps in the log."""
    changed: list[Run] = []
    place = last.last_place if last else 0
    chain = last.chain if last else start
    done = 0
    while done < len(seqs):
        listed = last.seqs if last is not None and last.length < LISTED_MAX else None
        end = done + LISTED_MAX - len(listed or ())
        before, first_place = chain, Place(place + 1)
        for commitment in commitments[done:end]:
            place += 1
            chain = sha256(chain + place.to_bytes(8, "big") + commitment).digest()
        told = tuple(seqs[done:end])
        if last is not None and listed is not None:
            told, first_place, before = listed + told, last.first_place, last.chain_before
        last = Run(first_place, told[0], len(told), None, None, before, chain, None, told)
        changed.append(last)
        done = end
    return changed


def hint(last: Run | None, *, start: bytes, said: bytes, told_at: datetime) -> Run:
    """Append a hint. Its SHA-256 stands for it in the chain: it has no salt, because it says nothing that could be guessed at."""
    place = last.last_place + 1 if last else 1
    before = last.chain if last else start
    return Run(Place(place), Seq(0), 1, None, told_at, before, link(before, place, sha256(said).digest()), said)


def neighbours(seqs: Sequence[Seq]) -> list[Sequence[Seq]]:
    """Cut ascending seqs into stretches without a gap."""
    cuts = [0, *(index for index, (left, right) in enumerate(pairwise(seqs), 1) if right != left + 1), len(seqs)]
    return [seqs[start:end] for start, end in pairwise(cuts) if start < end]
