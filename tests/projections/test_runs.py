"""Tests the runs in which a feed is stored: they have the same entries and chain as a feed with a row for each entry."""

from hashlib import sha256
from itertools import accumulate, pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from events.event import Audience, Event
from events.ids import FamilyId, MemberId, Place, Seq
from events.observations import NoteWritten
from projections import feed
from projections.feed import LISTED_MAX, RUN_LENGTH_MAX, FeedEnd, Run
from tests.families import Family
from tests.histories import NOON, Told, commitment, happened, seqs_of

FAMILY, MEMBER = FamilyId(UUID(int=1)), MemberId(UUID(int=2))
START = feed.origin(FAMILY, MEMBER)

# A stretch of events: (number of seqs left out before it, number of events, whether they are delivered late)
stretches = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 300), st.booleans()), min_size=1, max_size=6)


def naive_chain(seqs: list[int], *, start: bytes = START) -> list[bytes]:
    """Returns the chain after each entry, computed by the chain's definition."""
    entries = ((place.to_bytes(8, "big") + commitment(seq)) for place, seq in enumerate(seqs, 1))
    return list(accumulate(entries, lambda chain, entry: sha256(chain + entry).digest(), initial=start))[1:]


def as_rows(changed: list[Run], into: dict[int, Run]) -> None:
    for run in changed:
        into[run.first_place] = run


def told_in(stretches: list[tuple[int, int, bool]], *, size: int) -> tuple[dict[int, Run], list[int]]:
    """Delivers stretches of events to an empty feed, at most `size` events at a time. Returns the feed's runs and seqs."""
    rows: dict[int, Run] = {}
    last: Run | None = None
    seqs: list[int] = []
    seq = 1
    for gap, count, is_late in stretches:
        seq += gap
        for start in range(0, count, size):
            several = list(range(seq + start, seq + min(start + size, count)))
            changed = feed.tell(
                last, start=START, first_seq=several[0], commitments=[commitment(one) for one in several],
                told_at=NOON if is_late else None,
            )  # fmt: skip
            as_rows(changed, rows)
            last = changed[-1]
            seqs += several
        seq += count
    return rows, seqs


@given(stretches, st.integers(1, 400))
def test_runs_read_as_the_entries_one_by_one(stretches: list[tuple[int, int, bool]], size: int) -> None:
    """Law 7: the runs have contiguous places and the seqs of the entries, and their chain equals that of the single entries."""
    rows, seqs = told_in(stretches, size=size)
    chain = [START, *naive_chain(seqs)]
    place = 1
    for first_place in sorted(rows):
        run = rows[first_place]
        assert (run.first_place, run.first_seq) == (place, seqs[place - 1])
        assert seqs[place - 1 : place - 1 + run.length] == list(range(run.first_seq, run.first_seq + run.length))
        assert 1 <= run.length <= RUN_LENGTH_MAX
        assert (run.chain_before, run.chain) == (chain[place - 1], chain[place - 1 + run.length])
        place += run.length
    assert place == len(seqs) + 1


@given(stretches, st.integers(1, 400), st.integers(1, 400))
def test_runs_do_not_depend_on_how_many_were_written_at_a_time(
    stretches: list[tuple[int, int, bool]], one: int, other: int
) -> None:
    """Law 11: the runs are the same, however many events are written at a time. So a replay gives the runs of the append."""
    assert told_in(stretches, size=one) == told_in(stretches, size=other)


def test_a_run_grows_to_its_bound_and_a_new_one_goes_on() -> None:
    """Law 17: no run has more than 256 entries. So a reader who begins inside of a run hashes at most 255 of them."""
    rows, _ = told_in([(0, 2 * RUN_LENGTH_MAX + 1, False)], size=100)
    assert [run.length for run in rows.values()] == [RUN_LENGTH_MAX, RUN_LENGTH_MAX, 1]


def test_what_was_told_in_order_is_one_run_and_what_was_not_ends_it() -> None:
    rows, _ = told_in([(0, 10, False), (0, 10, False), (1, 5, False), (0, 5, True), (0, 5, False)], size=3)
    assert [(run.first_place, run.first_seq, run.length, run.told_at) for run in rows.values()] == [
        (1, 1, 20, None), (21, 22, 5, None), (26, 27, 5, NOON), (31, 32, 5, None),
    ]  # fmt: skip


def test_a_release_is_a_run_of_its_own() -> None:
    """Law 9: an event that follows a release in the log begins a new run, and does not extend the run of the release."""
    released = Run(Place(1), Seq(1), 3, "opened", None, START, commitment(0))
    (after,) = feed.tell(released, start=START, first_seq=4, commitments=[commitment(4)])
    assert (after.first_place, after.length, after.released, after.chain_before) == (4, 1, None, released.chain)


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(list(Audience))), max_size=40), st.integers(0, 40))
def test_interleaved_audiences_give_each_member_their_own_contiguous_places(notes: list[tuple[int, Audience]], late: int) -> None:
    """Law 7: each member's places are contiguous, for any authors and audiences, and even if a member joins in between."""
    family = Family()
    told = Told(family)
    for founding in family.founded():
        told.add(happened(family.ada, founding))
    for member in (family.sitter, family.granny, family.daycare):
        told.join(member)
    runs: dict[MemberId, dict[Place, Run]] = {}

    def keep() -> None:
        for member, changed in told.feed_writer.take_changed().items():
            runs.setdefault(member, {}).update((run.first_place, run) for run in changed)

    for number, (author, audience) in enumerate(notes):
        if number == late:
            told.join(family.ben)
        if number % 3 == 0:
            keep()
        writer = family.members[author] if author != 1 else family.ada
        told.add(a_note(family, writer, audience))
    keep()
    for member, seqs in told.feeds.items():
        in_order = [runs[member][place] for place in sorted(runs[member])]
        assert [seq for run in in_order for seq in range(run.first_seq, run.first_seq + run.length)] == seqs
        chain = naive_chain(list(seqs), start=feed.origin(family.family, member))
        assert in_order[-1].chain == chain[-1]
        assert told.feed_writer.place_of(member) == len(seqs)


def a_note(family: Family, author: MemberId, audience: Audience) -> Event[NoteWritten]:
    return happened(author, NoteWritten(child=family.child, text="a good day"), audience=audience)


@given(st.lists(st.integers(1, 60), unique=True).map(sorted))
def test_neighbours_are_cut_at_every_gap(seqs: list[Seq]) -> None:
    stretches = feed.neighbours(seqs)
    assert [seq for stretch in stretches for seq in stretch] == seqs
    assert all(list(stretch) == list(range(stretch[0], stretch[-1] + 1)) for stretch in stretches)
    assert all(left[-1] + 1 < right[0] for left, right in pairwise(stretches))


@given(st.lists(st.integers(1, 400), unique=True, min_size=1).map(sorted), st.integers(1, 400), st.integers(1, 400))
def test_listed_runs_read_as_the_entries_one_by_one(seqs: list[Seq], size: int, other: int) -> None:
    """Law 7: runs that list their entries have all seqs and the right chain, and each run except the last is full.

    The runs are the same, however many events are written at a time.
    """

    def listed(size: int) -> dict[int, Run]:
        rows: dict[int, Run] = {}
        last = None
        for start in range(0, len(seqs), size):
            several = seqs[start : start + size]
            changed = feed.list_told(last, start=START, seqs=several, commitments=[commitment(one) for one in several])
            as_rows(changed, rows)
            last = changed[-1]
        return rows

    rows, chain = listed(size), [START, *naive_chain(list(seqs))]
    assert rows == listed(other)
    assert [seq for run in rows.values() for seq in seqs_of(run)] == seqs
    for first_place, run in rows.items():
        last = min(first_place + LISTED_MAX - 1, len(seqs))
        assert (run.length, run.first_seq) == (last - first_place + 1, seqs[first_place - 1])
        assert (run.chain_before, run.chain) == (chain[first_place - 1], chain[last])


@given(st.lists(st.sampled_from(["told", "late", "hint", "listed"]), max_size=40))
def test_a_feed_goes_over_to_lists_at_any_place(steps: list[str]) -> None:
    """Law 7: places and chain continue without a gap when a feed begins to list its entries, at any place."""
    tail, chain, seqs = FeedEnd(FAMILY, MEMBER, None), START, []
    for number, step in enumerate(steps, 1):
        seq, place = Seq(2 * number), tail.place + 1
        match step:
            case "told":
                tail.seqs.append(seq)
                tail.commitments.append(commitment(seq))
            case "late":
                tail.append_late([seq], [commitment(seq)], NOON, released="opened")
            case "hint":
                tail.hint(b"{}", NOON)
            case _:
                tail.list_entries()
                continue
        said = sha256(b"{}").digest() if step == "hint" else commitment(seq)
        chain = sha256(chain + place.to_bytes(8, "big") + said).digest()
        seqs.append(0 if step == "hint" else seq)
    tail.settle()
    assert [seq for run in tail.changed.values() for seq in seqs_of(run) or [0]] == seqs
    assert (tail.place, tail.last.chain if tail.last else START) == (len(seqs), chain)
