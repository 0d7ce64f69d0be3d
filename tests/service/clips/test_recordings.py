"""Tests films as browsers and phones record them: in pieces, with no length, or with several packets of one time."""

from fractions import Fraction
from io import RawIOBase
from pathlib import Path
from typing import Any

import av
import pytest

from tests.service.clips.films import cleaned, decoded
from tests.service.clips.media import film


class Pipe(RawIOBase):
    """A file whose writer cannot go back."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        return self._file.write(content)

    def close(self) -> None:
        self._file.close()
        super().close()


def recorded(source: Path, target: Path, form: str, options: dict[str, str]) -> Path:
    """Writes the packets of a film as a recorder does that cannot go back."""
    pipe = Pipe(target)
    with av.open(str(source)) as read, av.open(pipe, "w", format=form, options=options) as written:
        tracks = [written.add_stream_from_template(one, opaque=True) for one in read.streams]
        packet: Any
        for packet in read.demux():
            if packet.size:
                packet.stream = tracks[packet.stream_index]
                written.mux(packet)
    pipe.close()
    return target


FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
RECORDERS = {
    "MP4 in pieces": ("film.mp4", "libx264", "aac", "mp4", FRAGMENTED),
    "HEVC in pieces": ("film.mp4", "libx265", "aac", "mp4", FRAGMENTED),
    "Opus in a piece for each picture": (
        "film.mp4", "libx264", "libopus", "mp4", {"movflags": "frag_every_frame+empty_moov+delay_moov"},
    ),
    "WebM without a length": ("film.webm", "libvpx", "libopus", "webm", {"live": "1"}),
    "H.264 in Matroska without a length": ("film.mkv", "libx264", "libopus", "matroska", {"live": "1"}),
}  # fmt: skip


@pytest.mark.parametrize("recorder", RECORDERS)
def test_a_recording_is_cleaned_and_has_a_length(tmp_path: Path, recorder: str) -> None:
    name, pictures, sound, form, options = RECORDERS[recorder]
    plain = film(tmp_path / name, pictures, sound, seconds=2, size=(160, 120), options={"g": "10"})
    source = recorded(plain, tmp_path / f"recorded.{form}", form, options)
    measured, target = cleaned(source)
    assert abs(measured.length_ms - 2_000) <= 90
    assert decoded(target, "video") == decoded(plain, "video")
    with av.open(str(target)) as read:
        heard = sum(frame.samples for frame in read.decode(audio=0)) / read.streams.audio[0].rate
    assert heard == pytest.approx(2, abs=0.1)


def test_packets_of_one_time_are_put_one_after_the_other(tmp_path: Path) -> None:
    """Phones write them where their clock is coarse."""
    plain = film(tmp_path / "plain.mp4", sound=None, seconds=1, size=(160, 120), options={"bf": "0"})
    with av.open(str(plain)) as read, av.open(str(tmp_path / "film.mkv"), "w") as written:
        track = written.add_stream_from_template(read.streams.video[0], opaque=True)
        packet: Any
        for nth, packet in enumerate(one for one in read.demux() if one.size):
            packet.pts = packet.dts = nth // 2 * 2
            packet.time_base, packet.stream = Fraction(1, 25), track
            written.mux(packet)
    _, target = cleaned(tmp_path / "film.mkv")
    assert decoded(target, "video") == decoded(plain, "video")
