"""Tests the mirror: how a device stores pages and entries of its feed."""

from collections.abc import Iterable
from hashlib import sha256

import msgspec
import pytest

from client.device import Device
from client.errors import FeedDiverged, LogChanged, ServiceMisspoke
from client.live import Reader
from client.responses import Page, RawEntry, read_opening, read_page, read_streamed

FEED = [
    (
        b'{"place":%d,"told_at":"2026-11-21T18:03:11+01:00","released":null,"colour_of_tomorrow":7,'
        b'"event":{"id":"0193", "event":{"type":"NoteWritten","text":"line\xe2\x80\xa8two"}}}'
    )
    % place
    for place in range(1, 8)
]


def chain_at(place: int, past: str = "ours") -> str:
    return sha256(f"{past} {place}".encode()).hexdigest()


def answer(first: int, last: int, *, past: str = "ours", log: str = "L1", more: bool = False) -> bytes:
    """Returns a page of the feed as the service sends it."""
    return b'{"log":"%b","chain_before":"%b","entries":[%b],"place":%d,"more":%b,"chain":"%b"}' % (
        log.encode(), chain_at(first - 1, past).encode(), b",".join(FEED[first - 1 : last]), last,
        b"true" if more else b"false", chain_at(last, past).encode(),
    )  # fmt: skip


def page(first: int, last: int, *, past: str = "ours", log: str = "L1") -> Page:
    return read_page(answer(first, last, past=past, log=log), after=first - 1)


def streamed(first: int, last: int) -> Iterable[Page]:
    """Yields pages of one entry, read from a stream in which each entry has its chain. The first page is the stream's opening."""
    known = read_opening(msgspec.json.encode({"log": "L1", "place": first - 1, "chain": chain_at(first - 1)}))
    yield known
    for place in range(first, last + 1):
        encoded = FEED[place - 1].replace(b'"event":{"id"', b'"chain":"%b","event":{"id"' % chain_at(place)[:16].encode())
        known = read_streamed(encoded, behind=known)
        yield known


def test_entries_are_held_in_the_bytes_that_came_unknown_fields_and_all(device: Device) -> None:
    """Law 7: an entry is stored in the bytes that came, with its unknown fields, so that all devices store the same bytes."""
    device.mirror.append(page(1, 3))
    assert b"\n".join(FEED[:3]) == device.transcript()
    assert [entry.place for entry in device.entries()] == [1, 2, 3]
    assert [entry.place for entry in device.entries(after=2)] == [3]


def test_an_entry_of_a_stream_is_held_in_the_bytes_of_a_page(device: Device) -> None:
    """Law 7: an entry from a stream is stored without its chain, in the same bytes as an entry from a page."""
    for one in streamed(1, 4):
        device.mirror.append(one)
    device.mirror.append(page(5, 6))
    for one in streamed(7, 7):
        device.mirror.append(one)
    assert b"\n".join(FEED) == device.transcript()


def test_any_cut_of_the_feed_gives_the_same_mirror(device: Device) -> None:
    """However the feed is divided into pages, the mirror is the same, even if the pages overlap."""
    for first, last in [(1, 1), (1, 3), (2, 4), (5, 7), (1, 7), (8, 7)]:
        device.mirror.append(page(first, last))
    assert b"\n".join(FEED) == device.transcript()


def test_a_hole_is_not_held(device: Device) -> None:
    """Law 7: a page that begins after the next place is refused, and the mirror does not change."""
    device.mirror.append(page(1, 2))
    with pytest.raises(FeedDiverged):
        device.mirror.append(page(4, 4))
    assert device.mirror.place == 2


@pytest.mark.parametrize(("first", "last"), [(4, 5), (4, 3), (2, 3)])
def test_other_earlier_entries_are_noticed_by_the_chain(device: Device, first: int, last: int) -> None:
    """A page is refused if the entries before it differ from those of the mirror. Only the page's chain shows this difference."""
    device.mirror.append(page(1, 3))
    with pytest.raises(FeedDiverged) as raised:
        device.mirror.append(page(first, last, past="theirs"))
    assert (raised.value.place, device.mirror.place, device.mirror.chain) == (3, 3, chain_at(3))


def test_a_stream_of_another_feed_is_noticed_before_its_first_entry(device: Device) -> None:
    """A stream of a feed with other earlier entries is refused at its opening.

    The mirror notices the difference even if it knows only the first digits of its own chain, because a stream sends no more.
    """
    for one in streamed(1, 3):
        device.mirror.append(one)
    opening = msgspec.json.encode({"log": "L1", "place": 3, "chain": chain_at(3, "theirs")})
    with pytest.raises(FeedDiverged):
        device.mirror.append(read_opening(opening))
    device.mirror.append(page(4, 4))
    assert device.mirror.place == 4


def test_another_entry_at_a_held_place_is_noticed(device: Device) -> None:
    """A page that overlaps the stored entries is refused if an entry differs from the stored one."""
    device.mirror.append(page(1, 3))
    other = msgspec.structs.replace(page(1, 5), entries=(RawEntry(place=1, json=b'{"place":1,"event":{}}'), *page(2, 5).entries))
    with pytest.raises(FeedDiverged) as raised:
        device.mirror.append(other)
    assert raised.value.place == 1
    assert b"\n".join(FEED[:3]) == device.transcript()


def test_another_incarnation_of_the_log_is_not_mixed_in(device: Device) -> None:
    """A page with another `log` id is refused, even if it begins at the next place."""
    device.mirror.append(page(1, 2))
    with pytest.raises(LogChanged):
        device.mirror.append(page(3, 3, log="L2"))
    assert (device.mirror.log, device.mirror.place) == ("L1", 2)


def test_a_restarted_mirror_has_no_chain(device: Device) -> None:
    device.mirror.append(page(1, 2))
    with device.store.transaction():
        device.mirror.restart(None)
    assert device.mirror.chain is None
    device.mirror.append(page(1, 3, past="theirs", log="L2"))
    assert (device.mirror.log, device.mirror.place) == ("L2", 3)


def test_a_reader_gets_each_entry_once_whoever_filed_it_and_starts_over_with_the_mirror(device: Device) -> None:
    device.mirror.append(page(1, 2))
    reader = Reader(device.mirror, after=1)
    device.mirror.append(page(2, 4))
    assert drain(reader) == [2, 3, 4]
    assert drain(reader) == []
    with device.store.transaction():
        device.mirror.restart("L2")
    device.mirror.append(page(1, 5, log="L2"))
    assert drain(reader) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "body",
    [
        answer(1, 0, more=True),
        answer(1, 3).replace(b'"place":2', b'"place":"two"'),
        answer(1, 3).replace(b'"place":2', b'"place":3'),
        answer(1, 3).replace(b'"place":3,"more"', b'"place":4,"more"'),
        answer(2, 3),
        answer(1, 3).replace(b'"chain_before"', b'"chain"'),
        answer(1, 3).replace(chain_at(3).encode(), b""),
        answer(1, 3).replace(b'"entries":[', b'"entries":[null,'),
        answer(1, 3)[:-40],
        b"[]",
        b"<html>Welcome to the hotel</html>",
        b"\xff",
        b"",
    ],
)
def test_an_answer_that_breaks_the_protocol_is_named_and_not_kept(body: bytes) -> None:
    """Law 17: an invalid page raises an error, and no part of the page is stored."""
    with pytest.raises(ServiceMisspoke):
        read_page(body, after=0)


@pytest.mark.parametrize(
    "body",
    [FEED[0], FEED[1], FEED[0].replace(b'"event"', b'"chain":"c1","event"'), FEED[0][:-1], b"null", b"{}"],
)
def test_an_entry_of_a_stream_that_breaks_the_protocol_is_named(body: bytes) -> None:
    """Law 17: a stream's entry without a chain, or with another place than the next one, raises an error."""
    opening = read_opening(msgspec.json.encode({"log": "L1", "place": 0, "chain": chain_at(0)}))
    with pytest.raises(ServiceMisspoke):
        read_streamed(body, behind=opening)


def drain(reader: Reader) -> list[int]:
    places = []
    while (entry := reader.next_entry()) is not None:
        places.append(entry.place)
    return places
