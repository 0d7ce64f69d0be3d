"""What records become: the same, in whatever order they come, however often, and however they were edited on the way."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.amend import Amended, Withdrawn
from events.event import Draft, Precision
from events.ids import ChildId, EventId, MemberId
from events.observations import MilestoneObserved, NoteWritten
from service.daycare.event_ids import EventIds
from service.daycare.prose.reader import NOTHING
from service.daycare.record import Record
from service.daycare.translate import PROSE_MAX, Said, become, prose_of
from tests.service.daycare.sources.outcomes import findings_of

AUTHOR = MemberId(UUID(int=1))
CHILD = ChildId(UUID(int=2))
SECRET = bytes(32)
MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
LONG = "She slept well. " * 150 + "Then she took her first steps today!"

TEXTS = st.sampled_from(
    [
        None, "Slept well", "Ate peas", "She took her first steps today!", "She took her first steps today! Hooray.",
        "She took her first steps today! And she said her first word: ball.", LONG, "x" * 2_001,
    ]
)  # fmt: skip
MILESTONES = st.sampled_from([None, None, "movement.crawls", "hands.claps"])


class Version(NamedTuple):
    """One content of one record."""

    record: int
    number: int
    text: str | None
    milestone: str | None
    minute: int
    is_gone: bool

    def as_record(self) -> Record:
        return Record(
            id=f"r-{self.record}", reference="kid-17", occurred_at=MORNING + timedelta(minutes=self.minute),
            precision=Precision.MINUTE, recorded_at=MORNING, revised_at=MORNING + timedelta(hours=self.number + 1),
            milestone=None if self.is_gone else self.milestone, text=None if self.is_gone else self.text, is_gone=self.is_gone,
        )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Version], list[Version]]:
    """Versions in order, each once; and the same, shuffled, with repetitions."""
    clean = [
        Version(record, number, draw(TEXTS), draw(MILESTONES), draw(st.integers(0, 3)), draw(st.integers(0, 6)) == 0)
        for record in range(draw(st.integers(1, 3)))
        for number in range(draw(st.integers(1, 4)))
    ]
    messy = draw(st.permutations(clean + draw(st.lists(st.sampled_from(clean), max_size=6))))
    return clean, list(messy)


class Log:
    """What a log would hold: events once by id, and what was said of them since."""

    def __init__(self) -> None:
        self.said: dict[str, Said] = {}
        self.drafts: dict[EventId, Draft[Any]] = {}

    def take(self, version: Version) -> str:
        return self.take_record(version.as_record())

    def take_record(self, record: Record) -> str:
        before = self.said.get(record.id)
        told = findings_of(record, before)
        became = become(record, before, told=told, names=EventIds(SECRET, AUTHOR, "here", record.id), child=CHILD, salt=bytes(16))
        for draft in became.drafts:
            assert self.drafts.setdefault(draft.id, draft) == draft, "an id stands for one content"
        if became.said is not None:
            self.said[record.id] = msgspec.json.decode(msgspec.json.encode(became.said), type=Said)
        return became.outcome

    def stands(self) -> list[tuple[Any, ...]]:
        """What is there to be read, second thoughts applied."""
        live: dict[EventId, dict[str, Any]] = {}
        for draft in self.drafts.values():
            if isinstance(draft.event, MilestoneObserved | NoteWritten):
                live[draft.id] = {"occurred_at": draft.occurred_at, **msgspec.structs.asdict(draft.event)}
        for draft in sorted(self.drafts.values(), key=lambda draft: draft.recorded_at):
            if isinstance(draft.event, Amended) and draft.event.target in live:
                changes = draft.event.changes
                live[draft.event.target] |= {name: getattr(changes, name) for name in changes.named() if name != "precision"}
        gone = {draft.event.target for draft in self.drafts.values() if isinstance(draft.event, Withdrawn)}
        shown = [{**one, "about": bool(one.get("about"))} for name, one in live.items() if name not in gone]
        return sorted((tuple(sorted(one.items(), key=lambda item: item[0])) for one in shown), key=repr)


def stands_after(versions: Sequence[Version]) -> list[tuple[Any, ...]]:
    log = Log()
    for version in versions:
        log.take(version)
    return log.stands()


@settings(max_examples=300, deadline=None)
@given(histories())
def test_any_order_and_any_repetition_come_to_what_one_clean_pass_comes_to(history: tuple[list[Version], list[Version]]) -> None:
    """Laws 2 and 12: up to the order of arrival, and to what was withdrawn on the way."""
    clean, messy = history
    assert stands_after(messy) == stands_after(clean)


@settings(max_examples=100, deadline=None)
@given(histories())
def test_a_second_pass_adds_nothing(history: tuple[list[Version], list[Version]]) -> None:
    """Law 2."""
    _, messy = history
    log = Log()
    for version in messy:
        log.take(version)
    before = dict(log.drafts)
    outcomes = {log.take(version) for version in messy}
    assert log.drafts == before
    assert outcomes <= {"already_recorded", "outdated"}


def told(text: str | None, *, milestone: str | None = None) -> list[Any]:
    log = Log()
    log.take(Version(0, 0, text, milestone, 0, False))
    return [draft.event for draft in log.drafts.values()]


def test_words_that_are_too_long_for_a_note_refer_to_what_was_found_in_them() -> None:
    """Law 8: whoever is kept from the milestone is kept from the words."""
    found, words = told(LONG)
    assert (found.milestone, found.note, found.found_in_prose) == ("movement.first-steps", None, True)
    assert (words.text, words.about) == (LONG, next(iter(_ids(LONG))))


def _ids(text: str) -> list[EventId]:
    log = Log()
    log.take(Version(0, 0, text, None, 0, False))
    return list(log.drafts)


def test_of_several_milestones_the_first_has_the_words_and_says_what_else_they_tell() -> None:
    first, second = told("She took her first steps today! And she said her first word: ball.")
    assert (first.milestone, first.tells_of) == ("movement.first-steps", ("talking.first-word",))
    assert (second.milestone, second.note, second.found_in_prose) == ("talking.first-word", None, True)


def test_what_a_daycare_names_itself_is_not_found() -> None:
    (named,) = told("She took her first steps today!", milestone="movement.crawls")
    assert (named.milestone, named.found_in_prose, named.tells_of) == ("movement.crawls", False, ())


STEPPED = "She took her first steps today!"
PROSES = [
    (STEPPED, None, STEPPED),
    (f"Activity: Walking\n{STEPPED}", STEPPED, STEPPED),
    ("First steps", "", None),
    (None, "", None),
    ("x" * (PROSE_MAX + 1), None, None),
    ("x" * (PROSE_MAX + 1), "", None),
    (f"{'x' * PROSE_MAX}\n{STEPPED}", STEPPED, STEPPED),
    ("x" * (PROSE_MAX + 9), "x" * PROSE_MAX, "x" * PROSE_MAX),
    ("x" * (PROSE_MAX + 9), "x" * (PROSE_MAX + 1), None),
]


@pytest.mark.parametrize(("text", "prose", "read"), PROSES, ids=range(len(PROSES)))
def test_what_somebody_wrote_is_read_to_its_bound_and_no_word_beside_it(
    text: str | None, prose: str | None, read: str | None
) -> None:
    record = msgspec.structs.replace(Version(0, 0, text, None, 0, False).as_record(), prose=prose)
    found = prose_of(record, None, child=CHILD)
    assert (found.text if found is not None else None) == read


def test_what_is_told_of_a_milestone_is_all_of_the_words() -> None:
    text = f"Activity: Walking\n{STEPPED}"
    record = msgspec.structs.replace(Version(0, 0, text, None, 0, False).as_record(), prose=STEPPED)
    told = findings_of(record)
    became = become(record, None, told=told, names=EventIds(SECRET, AUTHOR, "here", record.id), child=CHILD, salt=b"")
    (sighting,) = (draft.event for draft in became.drafts)
    assert (sighting.milestone, sighting.note, sighting.found_in_prose) == ("movement.first-steps", text, True)


def test_a_record_that_was_kept_before_prose_was_told_apart_is_read_whole() -> None:
    record = Version(0, 0, STEPPED, None, 0, False).as_record()
    kept = {name: said for name, said in msgspec.json.decode(msgspec.json.encode(record)).items() if name != "prose"}
    assert msgspec.json.decode(msgspec.json.encode(kept), type=Record) == record


def test_the_ledger_keeps_no_words() -> None:
    """Law 15: nothing would be left to erase but salted digests."""
    log = Log()
    log.take(Version(0, 0, "She took her first steps today!", None, 0, False))
    assert b"steps today" not in msgspec.json.encode(log.said["r-0"])


def test_without_a_date_of_change_an_old_content_that_comes_late_is_no_change_back() -> None:
    log = Log()
    old, new = Version(0, 0, "Ate peas", None, 0, False), Version(0, 1, "Ate rice", None, 0, False)
    assert [log.take(one) for one in (old, new, old)] == ["recorded", "amended", "already_recorded"]
    assert log.take(Version(0, 2, "Ate peas", None, 0, False)) == "amended"
    undated = msgspec.structs.replace(Version(0, 3, "Ate rice", None, 0, False).as_record(), is_dated=False)
    names = EventIds(SECRET, AUTHOR, "here", undated.id)
    became = become(undated, log.said["r-0"], told=NOTHING, names=names, child=CHILD, salt=b"")
    assert became.outcome == "already_recorded"


def test_words_that_are_read_another_way_are_another_content() -> None:
    """Law 12: a title that is moved into the description says the same to a parent's eye, and tells of something now."""
    moved = Version(0, 1, "First steps", None, 0, False)

    def stands(order: Sequence[bool]) -> list[tuple[Any, ...]]:
        log = Log()
        for is_moved in order:
            version = moved if is_moved else moved._replace(number=0)
            record = version.as_record()
            log.take_record(record if is_moved else msgspec.structs.replace(record, prose=""))
        return log.stands()

    assert stands([False, True]) == stands([True, False]) == stands([False, True, False])
    assert "first-steps" in repr(stands([False, True]))
