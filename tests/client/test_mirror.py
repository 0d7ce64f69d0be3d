"""What a device promises of the feed that it holds."""

import pytest

from client.answers import RawEntry, read_entry, read_page
from client.device import Device
from client.errors import FeedDiverged, LogChanged, ServiceMisspoke
from client.live import Reader

FEED = [
    (
        b'{"place": %d, "told_at": "2026-11-21T18:03:11+01:00", "released": null, "chain": "c%d", "colour_of_tomorrow": 7,'
        b' "event": {"id": "0193", "event": {"type": "NoteWritten", "text": "line\xe2\x80\xa8two"}}}'
    )
    % (place, place)
    for place in range(1, 8)
]


def entries(first: int, last: int) -> tuple[RawEntry, ...]:
    return tuple(read_entry(encoded) for encoded in FEED[first - 1 : last])


def test_entries_are_held_in_the_bytes_that_came_unknown_fields_and_all(device: Device) -> None:
    """Law 7: devices of one member are compared by bytes."""
    device.mirror.append(entries(1, 3), log="L1")
    assert b"\n".join(FEED[:3]) == device.transcript()
    assert [entry.place for entry in device.entries()] == [1, 2, 3]
    assert [entry.place for entry in device.entries(after=2)] == [3]


def test_any_cut_of_the_feed_gives_the_same_mirror(device: Device) -> None:
    """I-06: resume is whole, also where what was held is delivered again."""
    for first, last in [(1, 1), (1, 3), (2, 4), (5, 7), (1, 7)]:
        device.mirror.append(entries(first, last), log="L1")
    assert b"\n".join(FEED) == device.transcript()


def test_a_hole_is_not_held(device: Device) -> None:
    """Law 7: places are contiguous."""
    device.mirror.append(entries(1, 2), log="L1")
    with pytest.raises(FeedDiverged):
        device.mirror.append(entries(3, 3) + entries(5, 5), log="L1")
    assert device.mirror.place == 2


def test_another_entry_at_a_held_place_is_noticed(device: Device) -> None:
    """I-11: never a silent divergence."""
    device.mirror.append(entries(1, 2), log="L1")
    with pytest.raises(FeedDiverged):
        device.mirror.append([RawEntry(place=2, chain="another", json=b"{}")], log="L1")
    assert b"\n".join(FEED[:2]) == device.transcript()


def test_another_incarnation_of_the_log_is_not_mixed_in(device: Device) -> None:
    """I-11: an entry of a restored log never continues the old one, even at the right place."""
    device.mirror.append(entries(1, 2), log="L1")
    with pytest.raises(LogChanged):
        device.mirror.append(entries(3, 3), log="L2")
    assert (device.mirror.log, device.mirror.place) == ("L1", 2)


def test_a_reader_gets_each_entry_once_whoever_filed_it_and_starts_over_with_the_mirror(device: Device) -> None:
    device.mirror.append(entries(1, 2), log="L1")
    reader = Reader(device.mirror, after=1)
    device.mirror.append(entries(2, 4), log="L1")
    assert drain(reader) == [2, 3, 4]
    assert drain(reader) == []
    with device.store.transaction():
        device.mirror.begin_anew("L2")
    device.mirror.append(entries(1, 5), log="L2")
    assert drain(reader) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "answer",
    [
        b'{"log": "L1", "entries": [], "more": true}',
        b'{"log": "L1", "entries": [{"place": "one"}], "more": false}',
        b"<html>Welcome to the hotel</html>",
        b"\xff",
        b"",
    ],
)
def test_an_answer_that_breaks_the_protocol_is_named_and_not_kept(answer: bytes) -> None:
    """Law 17: also for what a service, or a hotel's login page in its place, may say."""
    with pytest.raises(ServiceMisspoke):
        read_page(answer)


def drain(reader: Reader) -> list[int]:
    places = []
    while (entry := reader.take()) is not None:
        places.append(entry.place)
    return places
