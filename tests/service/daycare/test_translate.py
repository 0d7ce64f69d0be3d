"""Tests the translation of records: the result does not depend on the order, on repetitions, or on versions in between."""

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
from service.daycare.translate import PROSE_MAX, RecordState, prose_of, translate
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
    """One version of a record's content."""

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
    """Draws the versions of some records in order, and the same versions shuffled and with repetitions."""
    clean = [
        Version(record, number, draw(TEXTS), draw(MILESTONES), draw(st.integers(0, 3)), draw(st.integers(0, 6)) == 0)
        for record in range(draw(st.integers(1, 3)))
        for number in range(draw(st.integers(1, 4)))
    ]
    messy = draw(st.permutations(clean + draw(st.lists(st.sampled_from(clean), max_size=6))))
    return clean, list(messy)


class Log:
    """A simple log: events by id, and the ledger's state of each record."""

    def __init__(self) -> None:
        self.states: dict[str, RecordState] = {}
        self.drafts: dict[EventId, Draft[Any]] = {}

    def take(self, version: Version) -> str:
        return self.take_record(version.as_record())

    def take_record(self, record: Record) -> str:
        before = self.states.get(record.id)
        findings, event_ids = findings_of(record, before), EventIds(SECRET, AUTHOR, "here", record.id)
        translation = translate(record, before, findings=findings, event_ids=event_ids, child=CHILD, salt=bytes(16))
        for draft in translation.drafts:
            assert self.drafts.setdefault(draft.id, draft) == draft, "an id stands for one content"
        if translation.state is not None:
            self.states[record.id] = msgspec.json.decode(msgspec.json.encode(translation.state), type=RecordState)
        return translation.outcome

    def visible(self) -> list[tuple[Any, ...]]:
        """Returns the visible events, after all amendments and withdrawals."""
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


def visible_after(versions: Sequence[Version]) -> list[tuple[Any, ...]]:
    log = Log()
    for version in versions:
        log.take(version)
    return log.visible()


@settings(max_examples=300, deadline=None)
@given(histories())
def test_any_order_and_any_repetition_come_to_what_one_clean_pass_comes_to(history: tuple[list[Version], list[Version]]) -> None:
    """Laws 2 and 12: shuffled and repeated versions give the visible events that the versions in order, once each, give."""
    clean, messy = history
    assert visible_after(messy) == visible_after(clean)


@settings(max_examples=100, deadline=None)
@given(histories())
def test_a_second_pass_adds_nothing(history: tuple[list[Version], list[Version]]) -> None:
    """Law 2: if all versions of a history are sent a second time, no event is added."""
    _, messy = history
    log = Log()
    for version in messy:
        log.take(version)
    before = dict(log.drafts)
    outcomes = {log.take(version) for version in messy}
    assert log.drafts == before
    assert outcomes <= {"already_recorded", "outdated"}


def bodies_for(text: str | None, *, milestone: str | None = None) -> list[Any]:
    log = Log()
    log.take(Version(0, 0, text, milestone, 0, False))
    return [draft.event for draft in log.drafts.values()]


def test_words_that_are_too_long_for_a_note_refer_to_what_was_found_in_them() -> None:
    """Law 8: long words become an event that refers to the milestone found in them, so both are held together."""
    found, words = bodies_for(LONG)
    assert (found.milestone, found.note, found.found_in_prose) == ("movement.first-steps", None, True)
    assert (words.text, words.about) == (LONG, next(iter(_ids(LONG))))


def _ids(text: str) -> list[EventId]:
    log = Log()
    log.take(Version(0, 0, text, None, 0, False))
    return list(log.drafts)


def test_the_first_of_several_milestones_has_the_words_and_names_the_others() -> None:
    first, second = bodies_for("She took her first steps today! And she said her first word: ball.")
    assert (first.milestone, first.tells_of) == ("movement.first-steps", ("talking.first-word",))
    assert (second.milestone, second.note, second.found_in_prose) == ("talking.first-word", None, True)


def test_what_a_daycare_names_itself_is_not_found() -> None:
    (named,) = bodies_for("She took her first steps today!", milestone="movement.crawls")
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
def test_only_what_a_person_wrote_is_read_and_only_up_to_its_bound(
    text: str | None, prose: str | None, read: str | None
) -> None:
    record = msgspec.structs.replace(Version(0, 0, text, None, 0, False).as_record(), prose=prose)
    found = prose_of(record, None, child=CHILD)
    assert (found.text if found is not None else None) == read


def test_the_note_of_a_milestone_is_the_whole_text() -> None:
    text = f"Activity: Walking\n{STEPPED}"
    record = msgspec.structs.replace(Version(0, 0, text, None, 0, False).as_record(), prose=STEPPED)
    event_ids = EventIds(SECRET, AUTHOR, "here", record.id)
    translation = translate(record, None, findings=findings_of(record), event_ids=event_ids, child=CHILD, salt=b"")
    (sighting,) = (draft.event for draft in translation.drafts)
    assert (sighting.milestone, sighting.note, sighting.found_in_prose) == ("movement.first-steps", text, True)


def test_a_stored_record_without_the_field_prose_is_read_whole() -> None:
    record = Version(0, 0, STEPPED, None, 0, False).as_record()
    kept = {name: value for name, value in msgspec.json.decode(msgspec.json.encode(record)).items() if name != "prose"}
    assert msgspec.json.decode(msgspec.json.encode(kept), type=Record) == record


def test_the_ledger_keeps_no_words() -> None:
    """Law 15: the ledger contains no words, so an erasure need not change the ledger."""
    log = Log()
    log.take(Version(0, 0, "She took her first steps today!", None, 0, False))
    assert b"steps today" not in msgspec.json.encode(log.states["r-0"])


def test_without_a_date_of_change_an_old_content_that_comes_late_is_no_change_back() -> None:
    log = Log()
    old, new = Version(0, 0, "Ate peas", None, 0, False), Version(0, 1, "Ate rice", None, 0, False)
    assert [log.take(one) for one in (old, new, old)] == ["recorded", "amended", "already_recorded"]
    assert log.take(Version(0, 2, "Ate peas", None, 0, False)) == "amended"
    undated = msgspec.structs.replace(Version(0, 3, "Ate rice", None, 0, False).as_record(), is_dated=False)
    names = EventIds(SECRET, AUTHOR, "here", undated.id)
    translation = translate(undated, log.states["r-0"], findings=NOTHING, event_ids=names, child=CHILD, salt=b"")
    assert translation.outcome == "already_recorded"


def test_words_that_are_read_another_way_are_another_content() -> None:
    """Law 12: a title that moves into the description is read for milestones from then on, in any order of the versions."""
    moved = Version(0, 1, "First steps", None, 0, False)

    def visible(order: Sequence[bool]) -> list[tuple[Any, ...]]:
        log = Log()
        for is_moved in order:
            version = moved if is_moved else moved._replace(number=0)
            record = version.as_record()
            log.take_record(record if is_moved else msgspec.structs.replace(record, prose=""))
        return log.visible()

    assert visible([False, True]) == visible([True, False]) == visible([False, True, False])
    assert "first-steps" in repr(visible([False, True]))
