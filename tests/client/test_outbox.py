"""Tests the outbox: how a device stores its drafts, groups them into batches, and applies receipts to them."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.device import Device
from client.errors import AlreadyPaired, DraftIdReused, DraftTooLarge, NaiveTime, NotPaired
from client.outbox import DRAFT_BYTES_MAX, DRAFTS_MAX, PUSH_BYTES_MAX, count_that_fits, push_body
from client.responses import Problem, PushResponse, Receipt
from client.store import Store
from events.ids import ChildId
from events.observations import NoteWritten
from events.wire import Malformed, read_push
from tests.client.conftest import ADA, fixed_world, paired_file

NOW = datetime(2026, 11, 21, 18, 3, 11, tzinfo=UTC)


def note(text: str) -> dict[str, str]:
    return {"type": "NoteWritten", "child": str(ADA.child), "text": text}


def test_a_draft_of_a_dict_and_of_a_struct_are_read_by_the_service_alike(device: Device) -> None:
    assert ADA.child is not None
    device.record(note("Slept."))
    device.record(NoteWritten(child=ChildId(ADA.child), text="Slept."))
    pushed = read_push(push_body(device.outbox.next_batch(), sent_at=NOW))
    bodies = [draft.event for draft in pushed.drafts if not isinstance(draft, Malformed)]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


def test_ids_are_version_7_and_carry_the_devices_own_time(device: Device) -> None:
    ids = {device.record(note("a")) for _ in range(50)}
    assert len(ids) == 50
    for draft_id in ids:
        assert (draft_id.version, draft_id.variant) == (7, "specified in RFC 4122")
        assert int(NOW.timestamp() * 1000) == draft_id.int >> 80


def test_a_reopened_device_holds_every_draft_in_the_order_of_authoring(tmp_path: Path) -> None:
    path = paired_file(tmp_path / "ada.device")
    device = Device.open(path, world=fixed_world())
    ids = [device.record(note(str(number))) for number in range(20)]
    device.store.close()
    again = Device.open(path)
    assert ids == [authored.id for authored in again.drafts()]
    again.store.close()


def test_the_same_recording_twice_is_one_draft_and_other_content_is_refused_by_name(device: Device) -> None:
    """Law 2: a draft that is recorded twice is stored once. Other content with its id is refused."""
    draft_id = device.record(note("Slept."))
    assert draft_id == device.record(note("Slept."), draft_id=draft_id)
    with pytest.raises(DraftIdReused):
        device.record(note("Did not sleep."), draft_id=draft_id)
    assert [authored.draft["event"]["text"] for authored in device.drafts()] == ["Slept."]


def test_a_draft_over_64_kib_is_not_recorded(device: Device) -> None:
    """Law 17: a draft over 64 KiB is refused before it is stored."""
    with pytest.raises(DraftTooLarge):
        device.record(note("x" * DRAFT_BYTES_MAX))
    assert list(device.drafts()) == []


def test_a_time_without_an_offset_is_not_recorded(device: Device) -> None:
    with pytest.raises(NaiveTime):
        device.record(note("when?"), occurred_at=NOW.replace(tzinfo=None))
    assert list(device.drafts()) == []


@given(sizes=st.lists(st.integers(1, DRAFT_BYTES_MAX), max_size=400))
def test_a_batch_keeps_both_bounds_and_is_never_empty_while_something_waits(sizes: list[int]) -> None:
    """Law 17: a batch ends at 256 drafts or at 1 MiB, whichever comes first."""
    count = count_that_fits(sizes)
    assert (count == 0) == (sizes == [])
    assert count <= DRAFTS_MAX
    assert sum(sizes[:count]) + count + 60 <= PUSH_BYTES_MAX
    if count < min(len(sizes), DRAFTS_MAX):
        assert sum(sizes[: count + 1]) + count + 128 >= PUSH_BYTES_MAX


def test_the_largest_batches_make_a_body_of_at_most_1_mib(device: Device) -> None:
    """Law 17: the body of a push with large drafts has at most 1 MiB."""
    for number in range(20):
        device.record(note(f"{number:02}" + "x" * (DRAFT_BYTES_MAX - 300)))
    batch = device.outbox.next_batch()
    assert 1 < len(batch) < 20
    assert len(push_body(batch, sent_at=NOW)) <= PUSH_BYTES_MAX


def test_a_settled_draft_stays_and_a_refused_one_is_visible_with_its_reason(device: Device) -> None:
    first, second = device.record(note("a")), device.record(note("b"))
    refusal = Problem(code="event.unknown_child", at="drafts[1].event.child")
    settle(device, log="L1", receipts=[recorded(first, 1), Receipt(id=second, outcome="refused", problem=refusal)])
    assert [first, second] == [authored.id for authored in device.drafts()]
    assert device.outbox.next_batch() == ()
    (refused,) = device.refused()
    assert refused.receipt is not None
    assert (second, refusal) == (refused.id, refused.receipt.problem)
    device.outbox.requeue(second)
    assert [second] == [authored.id for authored in device.outbox.next_batch()]


def test_a_changed_log_makes_every_draft_wait_again_but_those_it_has_just_answered(device: Device) -> None:
    """When a response names another log, all drafts wait again, except those for which this response has receipts."""
    first, second, third = (device.record(note(text)) for text in "abc")
    settle(device, log="L1", receipts=[recorded(first, 1), Receipt(id=second, outcome="refused", problem=Problem())])
    settle(device, log="L2", receipts=[recorded(third, 1)])
    assert [first, second] == [authored.id for authored in device.outbox.next_batch()]
    assert (device.mirror.log, device.mirror.place) == ("L2", 0)


def test_a_file_is_one_device_for_good(tmp_path: Path) -> None:
    store = Store(paired_file(tmp_path / "ada.device"))
    with pytest.raises(AlreadyPaired):
        store.set_identity(ADA)
    store.close()


def test_a_file_without_a_device_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotPaired):
        Device.open(tmp_path / "empty.device")


def test_the_file_is_readable_to_its_owner_alone_and_commits_reach_the_disk(tmp_path: Path) -> None:
    """Law 1: SQLite flushes each commit to the disk (`synchronous` 2 is FULL), and only the owner can read the file.

    No kill of a process could show the flush, because the page cache survives the process.
    """
    path = paired_file(tmp_path / "ada.device")
    store = Store(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (
        store.connection.execute("PRAGMA journal_mode").fetchone()[0],
        store.connection.execute("PRAGMA synchronous").fetchone()[0],
    ) == ("wal", 2)
    store.close()


def recorded(draft_id: UUID, place: int) -> Receipt:
    return Receipt(id=draft_id, outcome="recorded", place=place)


def settle(device: Device, *, log: str, receipts: list[Receipt]) -> None:
    device.sync_session.save_receipts(PushResponse(log=log, receipts=tuple(receipts)))
