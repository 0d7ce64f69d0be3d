"""Stores the places 1, 2, 3, ... of one member's feed as runs of neighbours in the log, with a hash chain over them.

A run states: the places from `first_place` on are the events from `first_seq` on. Events that are delivered in the order of the
log make one run longer; an event that is not delivered to this member ends the run, and so does a release. The feed of a member
who keeps surprises is stored in runs that list their entries, so that neither the stored rows nor the time to read them reveal
where something is held. A hint is an entry without an event. Does not know why anything is delivered.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Final

import msgspec

from events.ids import FamilyId, MemberId, Place, Seq

RUN_LENGTH_MAX: Final = 256
"""Entries of a run. A reader who starts inside a run first hashes its earlier entries: 255 hashes take about 0.2 ms."""

LISTED_MAX: Final = 32
"""Entries of a run that lists them. Such a run is written again for each entry that is delivered alone."""


class Run(msgspec.Struct, frozen=True, gc=False):
    """Entries next to each other in a feed, and either next to each other in the log as well, or listed."""

    first_place: Place
    first_seq: Seq
    """0 for a hint."""
    length: int
    released: str | None
    told_at: datetime | None
    """The time of delivery. None: each entry was delivered when its event was received."""
    chain_before: bytes
    chain: bytes
    hint: bytes | None = None
    """The content of a hint, as JSON."""
    seqs: tuple[Seq, ...] | None = None
    """The seqs of its entries, where they are listed: for a member who keeps surprises, what was delivered without delay."""

    @property
    def last_place(self) -> int:
        """The place of its last entry."""
        return self.first_place + self.length - 1


def origin(family: FamilyId, member: MemberId) -> bytes:
    """Returns the chain of an empty feed: SHA-256 of the family id and the member id."""
    return sha256(family.bytes + member.bytes).digest()


def link(chain: bytes, place: int, commitment: bytes) -> bytes:
    """Returns the chain after one more entry: SHA-256 of the chain so far, the place (8 bytes, big-endian) and the commitment."""
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
    """Appends neighbours of the log, from `first_seq` on, to a feed that ends with `last`, or is empty and starts with `start`.

    Returns the changed runs, in order: the last one, where it grew, and new ones of at most `longest` entries. `told_at` is for
    events that are delivered later than they were received, `released` for events that were held. Such a run is not
    continued with events that are delivered without delay.
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
    """Appends events that are delivered without delay to the feed of a member who keeps surprises. Their seqs may have gaps."""
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
    """Returns the run of an appended hint. Its commitment is its SHA-256, without a salt: it contains nothing to be guessed."""
    place = last.last_place + 1 if last else 1
    before = last.chain if last else start
    return Run(Place(place), Seq(0), 1, None, told_at, before, link(before, place, sha256(said).digest()), said)


def neighbours(seqs: Sequence[Seq]) -> list[Sequence[Seq]]:
    """Returns ascending seqs, cut into stretches without a gap."""
    cuts = [0, *(index for index, (left, right) in enumerate(pairwise(seqs), 1) if right != left + 1), len(seqs)]
    return [seqs[start:end] for start, end in pairwise(cuts) if start < end]
