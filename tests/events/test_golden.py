"""Tests that the current event types can read every row that any release wrote."""

from typing import Any

import msgspec
import pytest

from events.amend import Amended
from events.observations import How, MilestoneObserved, ParentFirstSaw
from events.upcast import current_bytes, event_of_bytes
from events.wire import BODY_BY_NAME, bytes_of_event
from tests.events.golden_rows import GOLDEN, Golden, add, checksum_of

CURRENT = [golden for golden in GOLDEN if golden.version == BODY_BY_NAME[golden.kind].version]
OLD = [golden for golden in GOLDEN if golden not in CURRENT]


def name_of(golden: Golden) -> str:
    return golden.name


def golden(name: str) -> Golden:
    return next(one for one in GOLDEN if one.name == name)


def with_changed(body: bytes, **changes: Any) -> bytes:
    """Returns a row in which fields of the event are changed or added."""
    row = msgspec.json.decode(body)
    return msgspec.json.encode(row | {"event": row["event"] | changes})


def test_every_type_and_version_has_a_golden_row() -> None:
    """Each version of each event type has a golden row, and there is no other golden row (law 4)."""
    wanted = {(kind, version) for kind, body in BODY_BY_NAME.items() for version in range(1, body.version + 1)}
    assert {(one.kind, one.version) for one in GOLDEN} == wanted


def test_no_golden_row_was_edited() -> None:
    """Law 4: the bytes of each golden row have the checksum in its file's name. If a row cannot be read, mend the reader."""
    assert [one.name for one in GOLDEN if one.checksum != checksum_of(one.body)] == []


def test_a_version_has_one_golden_row() -> None:
    """Law 4: no type and version has a second golden row, and `add` refuses to write one."""
    assert len({one.name for one in GOLDEN}) == len(GOLDEN)
    with pytest.raises(FileExistsError, match="never edited"):
        add(golden("Withdrawn.v1.json").body)


@pytest.mark.parametrize("row", CURRENT, ids=name_of)
def test_a_row_of_today_is_written_again_to_the_byte(row: Golden) -> None:
    """Law 4: a row in the current version is read and written in the same bytes, because commitments are hashes of them."""
    event = event_of_bytes(row.body, kind=row.kind, version=row.version)
    assert type(event.event) is BODY_BY_NAME[row.kind]
    assert bytes_of_event(event) == row.body
    assert current_bytes(row.body, kind=row.kind, version=row.version) == row.body


@pytest.mark.parametrize("row", CURRENT, ids=name_of)
def test_a_golden_row_sets_every_field(row: Golden) -> None:
    """Each golden row in the current version sets every optional field to another value than the default (law 4)."""
    event = event_of_bytes(row.body, kind=row.kind, version=row.version)
    body = event.event.changes if isinstance(event.event, Amended) else event.event
    left_out = [
        field.name
        for field in msgspec.structs.fields(type(body))
        if not field.required and getattr(body, field.name) in (field.default, msgspec.UNSET)
    ]
    assert left_out == []


@pytest.mark.parametrize("row", OLD, ids=name_of)
def test_an_old_row_is_read_as_the_type_of_today(row: Golden) -> None:
    """Law 4: an old row is read as the current version of its type. The fields outside of `event` stay unchanged."""
    now = current_bytes(row.body, kind=row.kind, version=row.version)
    assert bytes_of_event(event_of_bytes(row.body, kind=row.kind, version=row.version)) == now
    assert golden(f"{row.kind}.v{BODY_BY_NAME[row.kind].version}.json").body != row.body
    before, after = msgspec.json.decode(row.body), msgspec.json.decode(now)
    assert {name: before[name] for name in before if name != "event"} == {name: after[name] for name in after if name != "event"}


@pytest.mark.parametrize(
    ("seen", "how"), [("in_person", How.IN_PERSON), ("video", How.LIVE_VIDEO)], ids=["in person", "over a video call"]
)
def test_what_a_parent_saw_in_version_1_keeps_its_means(seen: str, how: How) -> None:
    """Law 4: `seen` of version 1 is read as `how` of version 2, and `video` as a live call, because there were no clips yet."""
    row = golden("ParentFirstSaw.v1.json")
    event = event_of_bytes(with_changed(row.body, seen=seen), kind="ParentFirstSaw", version=1)
    written = msgspec.json.decode(row.body)["event"]
    assert isinstance(event.event, ParentFirstSaw)
    assert event.event.how is how
    assert str(event.event.child) == written["child"]
    assert (event.event.milestone, event.event.feelings) == (written["milestone"], written["feelings"])
    assert str(event.event.observation) == written["observation"]


@pytest.mark.parametrize("row", CURRENT, ids=name_of)
def test_a_row_newer_than_this_release_is_not_guessed_at(row: Golden) -> None:
    """Law 4: a row of a newer version than this release knows raises an error that says so."""
    with pytest.raises(LookupError, match="newer than this release"):
        event_of_bytes(row.body, kind=row.kind, version=row.version + 1)


def test_a_type_that_this_release_does_not_know_is_not_guessed_at() -> None:
    """A row of an unknown type raises an error (law 4)."""
    with pytest.raises(LookupError):
        event_of_bytes(golden("Withdrawn.v1.json").body, kind="Taken", version=1)


@pytest.mark.parametrize("row", GOLDEN, ids=name_of)
def test_the_archive_passes_over_fields_that_it_does_not_know(row: Golden) -> None:
    """Law 4: a row with unknown fields is read without them, because another release may have written the row.

    A draft with unknown fields is refused instead.
    """
    more = msgspec.json.decode(with_changed(row.body, mood="sunny", weather={"sky": ["blue"]})) | {"written_by": "2.0"}
    expected = event_of_bytes(row.body, kind=row.kind, version=row.version)
    assert event_of_bytes(msgspec.json.encode(more), kind=row.kind, version=row.version) == expected


def test_the_archive_passes_over_fields_that_it_does_not_know_in_changes() -> None:
    """Unknown fields in the `changes` of an amendment are ignored (law 4)."""
    row = golden("Amended.v1.json")
    changes = msgspec.json.decode(row.body)["event"]["changes"] | {"mood": "sunny"}
    event = event_of_bytes(with_changed(row.body, changes=changes), kind="Amended", version=1)
    assert event == event_of_bytes(row.body, kind="Amended", version=1)


def test_a_row_from_before_an_optional_field_has_its_default() -> None:
    """Law 4: a row that was written before an optional field existed is read with the field's default."""
    row = golden("MilestoneObserved.v1.json")
    fields = msgspec.json.decode(row.body)
    del fields["event"]["again"], fields["event"]["note"], fields["claimed_at"]
    event = event_of_bytes(msgspec.json.encode(fields), kind="MilestoneObserved", version=1)
    assert isinstance(event.event, MilestoneObserved)
    assert (event.event.again, event.event.note, event.claimed_at) == (False, None, None)
