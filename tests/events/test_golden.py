"""Every row that was ever written is read for ever, by the types of today."""

from typing import Any

import msgspec
import pytest

from events.amend import Amended
from events.observations import How, MilestoneObserved, ParentFirstSaw
from events.wire import BODY_BY_NAME, bytes_of_event, current_bytes, event_of_bytes
from tests.events.golden_rows import GOLDEN, SUMS, Golden, sum_of

CURRENT = [golden for golden in GOLDEN if golden.version == BODY_BY_NAME[golden.kind].version]
OLD = [golden for golden in GOLDEN if golden not in CURRENT]


def name_of(golden: Golden) -> str:
    return golden.name


def golden(name: str) -> Golden:
    return next(one for one in GOLDEN if one.name == name)


def with_changed(body: bytes, **changes: Any) -> bytes:
    """A row whose event says something else, or something more."""
    row = msgspec.json.decode(body)
    return msgspec.json.encode(row | {"event": row["event"] | changes})


def test_every_type_and_version_has_a_golden_row() -> None:
    """Law 4: a new type or version comes with the row that proves it."""
    wanted = {(kind, version) for kind, body in BODY_BY_NAME.items() for version in range(1, body.version + 1)}
    assert {(one.kind, one.version) for one in GOLDEN} == wanted


def test_no_golden_row_was_edited() -> None:
    """Law 4: the list of sums only ever grows. A row that no longer reads shows a mistake in the reader, not in the row."""
    assert SUMS.read_text().splitlines() == [sum_of(one) for one in GOLDEN]


@pytest.mark.parametrize("row", CURRENT, ids=name_of)
def test_a_row_of_today_is_written_again_to_the_byte(row: Golden) -> None:
    """Law 4: commitments cover these bytes."""
    event = event_of_bytes(row.body, kind=row.kind, version=row.version)
    assert type(event.event) is BODY_BY_NAME[row.kind]
    assert bytes_of_event(event) == row.body
    assert current_bytes(row.body, kind=row.kind, version=row.version) == row.body


@pytest.mark.parametrize("row", CURRENT, ids=name_of)
def test_a_golden_row_sets_every_field(row: Golden) -> None:
    """Law 4: a field that no row holds would be read by nobody's proof."""
    event = event_of_bytes(row.body, kind=row.kind, version=row.version)
    said = event.event.changes if isinstance(event.event, Amended) else event.event
    left_out = [
        field.name
        for field in msgspec.structs.fields(type(said))
        if not field.required and getattr(said, field.name) in (field.default, msgspec.UNSET)
    ]
    assert left_out == []


@pytest.mark.parametrize("row", OLD, ids=name_of)
def test_an_old_row_is_read_as_the_type_of_today(row: Golden) -> None:
    """Law 4: and told to devices in today's form, everything that it said kept."""
    now = current_bytes(row.body, kind=row.kind, version=row.version)
    assert bytes_of_event(event_of_bytes(row.body, kind=row.kind, version=row.version)) == now
    assert golden(f"{row.kind}.v{BODY_BY_NAME[row.kind].version}.json").body != row.body
    before, after = msgspec.json.decode(row.body), msgspec.json.decode(now)
    assert {name: before[name] for name in before if name != "event"} == {name: after[name] for name in after if name != "event"}


@pytest.mark.parametrize(
    ("seen", "how"), [("in_person", How.IN_PERSON), ("video", How.LIVE_VIDEO)], ids=["in person", "over a video call"]
)
def test_what_a_parent_saw_in_version_1_keeps_its_means(seen: str, how: How) -> None:
    """Law 4: `seen` became `how`; a video of version 1 was a live call, because clips could not be attached then."""
    row = golden("ParentFirstSaw.v1.json")
    event = event_of_bytes(with_changed(row.body, seen=seen), kind="ParentFirstSaw", version=1)
    said = msgspec.json.decode(row.body)["event"]
    assert isinstance(event.event, ParentFirstSaw)
    assert event.event.how is how
    assert str(event.event.child) == said["child"]
    assert (event.event.milestone, event.event.feelings) == (said["milestone"], said["feelings"])
    assert str(event.event.observation) == said["observation"]


@pytest.mark.parametrize("row", CURRENT, ids=name_of)
def test_a_row_newer_than_this_release_is_not_guessed_at(row: Golden) -> None:
    """Law 4: an older release beside a newer one stops, and says which."""
    with pytest.raises(LookupError, match="newer than this release"):
        event_of_bytes(row.body, kind=row.kind, version=row.version + 1)


def test_a_type_that_this_release_does_not_know_is_not_guessed_at() -> None:
    """Law 4."""
    with pytest.raises(LookupError):
        event_of_bytes(golden("Withdrawn.v1.json").body, kind="Taken", version=1)


@pytest.mark.parametrize("row", GOLDEN, ids=name_of)
def test_the_archive_passes_over_fields_that_it_does_not_know(row: Golden) -> None:
    """Law 4: a release of ours that knew more wrote them. At the door the same field is refused."""
    more = msgspec.json.decode(with_changed(row.body, mood="sunny", weather={"sky": ["blue"]})) | {"written_by": "2.0"}
    expected = event_of_bytes(row.body, kind=row.kind, version=row.version)
    assert event_of_bytes(msgspec.json.encode(more), kind=row.kind, version=row.version) == expected


def test_the_archive_passes_over_fields_that_it_does_not_know_in_changes() -> None:
    """Law 4: objects within an event are read as tolerantly as the event itself."""
    row = golden("Amended.v1.json")
    changes = msgspec.json.decode(row.body)["event"]["changes"] | {"mood": "sunny"}
    event = event_of_bytes(with_changed(row.body, changes=changes), kind="Amended", version=1)
    assert event == event_of_bytes(row.body, kind="Amended", version=1)


def test_a_row_from_before_an_optional_field_has_its_default() -> None:
    """Law 4: a field that was added without a new version is optional."""
    row = golden("MilestoneObserved.v1.json")
    said = msgspec.json.decode(row.body)
    del said["event"]["again"], said["event"]["note"], said["claimed_at"]
    event = event_of_bytes(msgspec.json.encode(said), kind="MilestoneObserved", version=1)
    assert isinstance(event.event, MilestoneObserved)
    assert (event.event.again, event.event.note, event.claimed_at) == (False, None, None)
