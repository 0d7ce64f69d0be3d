"""Tests that the heartbeats of an open stream keep their phase while an event is held from its reader (I-22).

A shifted heartbeat would show that something happened. Runs in real time, with a shorter interval. The phase is the earliest time
of several beats, because a busy machine can delay a beat but never bring it forward.
"""

import time
from collections.abc import Iterator

import pytest

import service.feed.streams
from service.feed.stream import Stream
from tests.worlds.leaks import EVERYBODY_READS, only
from tests.worlds.pairs import Pairs

BEAT = b":\n\n"
INTERVAL_S = 0.4
BEFORE, AFTER = 3, 5
"""The number of heartbeats before and after the held steps."""


@pytest.fixture(autouse=True)
def shortened(pairs: Pairs, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Shortens the heartbeat interval, and takes new services: a service with streams of the longer interval would beat late."""
    monkeypatch.setattr(service.feed.streams, "HEARTBEAT_S", INTERVAL_S)
    pairs.begin_anew()
    yield
    pairs.begin_anew()


def beats_of(pairs: Pairs, *, hides: bool) -> tuple[float, bytes]:
    """Returns the seconds by which the phase of the heartbeats moved, and all bytes of the stream except the heartbeats."""
    history = only("h0", "h1", "h9", "h10", "h11")
    with pairs.of(history) as (_, beside):
        beside.choose()
        stream = beside.live
        begun = len(stream.received)
        phases: list[float] = []
        while len(phases) < BEFORE + AFTER:
            stream.wait_past(len(stream.received))
            phases.append(time.monotonic() - INTERVAL_S * len(phases))
            if len(phases) == BEFORE:
                # After half of the interval: a heartbeat that begins anew now is as far from its phase as possible.
                time.sleep(INTERVAL_S / 2)
                for one in history.hidden if hides else ():
                    beside.hide(one, beside.begun)
        said = stream.received[begun:].replace(b"3\r\n" + BEAT + b"\r\n", b"")
    return min(phases[BEFORE:]) - min(phases[:BEFORE]), said


@pytest.mark.parametrize("hides", [False, True], ids=["nothing-is-held", "something-is-held"])
def test_heartbeats_keep_their_phase(pairs: Pairs, hides: bool) -> None:
    """I-22: a held event sends no byte to the stream, and moves no heartbeat."""
    moved, said = beats_of(pairs, hides=hides)
    assert said == b""
    assert abs(moved) < INTERVAL_S / 4


def test_a_heartbeat_that_begins_anew_is_caught(pairs: Pairs, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-33: the test above notices a stream whose heartbeat interval begins anew with each notification."""
    notice_entries = Stream.notice_entries

    def anew(self: Stream) -> None:
        self.beat_at = time.monotonic() + INTERVAL_S
        notice_entries(self)

    EVERYBODY_READS(monkeypatch)
    monkeypatch.setattr(Stream, "notice_entries", anew)
    moved, said = beats_of(pairs, hides=True)
    assert said == b"", "no byte tells"
    assert abs(moved) >= INTERVAL_S / 4
