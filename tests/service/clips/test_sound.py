"""Tests that sound of cameras becomes sound that browsers play, in step with the pictures, and that copied sound has no words."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.audio.resampler import AudioResampler

from service.clips.cleaning.aac import configuration_without_text, without_text
from service.clips.cleaning.refusals import CannotClean
from service.clips.cleaning.xiph_sound import EMPTY_COMMENTS, opus_header, opus_without_padding, vorbis_headers
from tests.service.clips.boxes import boxes_of
from tests.service.clips.elements import elements_of
from tests.service.clips.films import cleaned, decoded
from tests.service.clips.media import PLANTED, film

CAMERAS = {
    "PCM": ("film.mov", "libx264", "pcm_s16le", 48_000, "stereo", "aac", 48_000),
    "PCM, mono": ("film.mov", "libx264", "pcm_s16be", 16_000, "mono", "aac", 16_000),
    "PCM of 96 kHz": ("film.mov", "libx264", "pcm_s24le", 96_000, "stereo", "aac", 48_000),
    "AMR": ("film.3gp", "libx264", "libopencore_amrnb", 8_000, "mono", "aac", 8_000),
    "AC-3": ("film.mp4", "libx264", "ac3", 48_000, "5.1", "aac", 48_000),
    "MP2": ("film.mkv", "libx264", "mp2", 44_100, "stereo", "aac", 44_100),
    "MP3": ("film.mp4", "libx264", "libmp3lame", 44_100, "stereo", "aac", 44_100),
    "ALAC": ("film.mov", "libx264", "alac", 44_100, "stereo", "aac", 44_100),
    "FLAC beside VP8": ("film.mkv", "libvpx", "flac", 44_100, "stereo", "opus", 48_000),
}

SLACK = 2
"""Hundredths of a second: encoders blur an edge over a frame."""


def _levels(path: Path) -> list[float]:
    """Returns how loud each hundredth of a second is that is heard, from the film's beginning."""
    resampler, at = AudioResampler(format="flt", layout="mono", rate=8_000), 0
    found: dict[int, float] = {}
    with av.open(str(path)) as read:
        for frame in (*read.decode(audio=0), None):
            heard: Any
            for heard in resampler.resample(frame):
                samples = memoryview(bytes(heard.planes[0])).cast("f")[: heard.samples]
                at = round(heard.pts * heard.time_base * 8_000)
                for nth, level in enumerate(samples):
                    hundredth = (at + nth) // 80
                    found[hundredth] = max(found.get(hundredth, 0.0), abs(level))
    return [found.get(one, 0.0) for one in range(max(found) + 1)]


def _edges(levels: list[float]) -> tuple[int, int]:
    """Returns the first and the last hundredth that is loud."""
    loud = [nth for nth, level in enumerate(levels) if level > max(levels) / 3]
    return loud[0], loud[-1]


@pytest.mark.parametrize("kind", CAMERAS)
def test_sound_of_cameras_is_encoded_anew_and_the_pictures_are_not(tmp_path: Path, kind: str) -> None:
    name, pictures, sound, hz, layout, new_sound, new_hz = CAMERAS[kind]
    source = film(tmp_path / name, pictures, sound, seconds=1, size=(160, 120), hz=hz, layout=layout)
    measured, target = cleaned(source)
    assert abs(measured.length_ms - 1_000) <= 60
    assert decoded(target, "video") == decoded(source, "video")
    with av.open(str(target)) as read:
        heard: Any = read.streams.audio[0]
        assert (heard.codec_context.codec.canonical_name, heard.rate) == (new_sound, new_hz)
        assert heard.layout.name == ("mono" if layout == "mono" else "stereo")
    assert max(abs(one - other) for one, other in zip(_edges(_levels(target)), _edges(_levels(source)), strict=True)) <= SLACK
    content = target.read_bytes()
    assert [word for word in (PLANTED, b"Lavc", b"LAME") if word in content] == []
    elements_of(content) if measured.media_type == "video/webm" else boxes_of(content)


def test_h264_with_opus_in_matroska_becomes_mp4_in_step(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mkv", "libx264", "libopus", seconds=2)
    measured, target = cleaned(source)
    assert (measured.media_type, measured.codec) == ("video/mp4", "h264")
    assert abs(measured.length_ms - 2_000) <= 10
    assert "moov/trak/mdia/minf/stbl/stsd/Opus/dOps" in boxes_of(target.read_bytes())
    assert decoded(target, "video") == decoded(source, "video")
    here, there = _levels(target), _levels(source)
    assert max(abs(one - other) for one, other in zip(_edges(here), _edges(there), strict=True)) <= 1
    assert abs(len(here) - len(there)) <= 1
    with av.open(str(target)) as read:
        assert next(read.decode(audio=0)).time == pytest.approx(0, abs=0.03)


def test_sound_that_begins_late_stays_late_when_it_is_encoded_anew(tmp_path: Path) -> None:
    source = tmp_path / "film.mkv"
    with av.open(str(source), "w") as written, av.open(str(film(tmp_path / "plain.mov", sound="pcm_s16le", seconds=2))) as read:
        tracks = [written.add_stream_from_template(track, opaque=True) for track in read.streams]
        packet: Any
        for packet in read.demux():
            if packet.size and (packet.stream_index == 0 or packet.pts * packet.time_base >= Fraction(1, 2)):
                packet.stream = tracks[packet.stream_index]
                written.mux(packet)
    _, target = cleaned(source)
    assert abs(_edges(_levels(target))[0] - 50) <= 3


def test_film_with_sound_that_cannot_be_decoded_is_refused(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mkv", sound="tta", seconds=1)
    with pytest.raises(CannotClean) as refused:
        cleaned(source)
    assert refused.value.code == "clip.unknown_codec"


def test_vorbis_is_copied(tmp_path: Path) -> None:
    source = film(tmp_path / "film.webm", "libvpx", "vorbis", seconds=1)
    _, target = cleaned(source)
    assert decoded(target, "audio") == decoded(source, "audio")
    elements_of(target.read_bytes())


def test_comments_of_vorbis_are_emptied() -> None:
    first, setup = b"\x01vorbis" + bytes(23), b"\x05vorbis" + bytes(40)
    words = b"\x03vorbis" + (7).to_bytes(4, "little") + b"PLANTED" + (1).to_bytes(4, "little")
    words += (300).to_bytes(4, "little") + b"ARTIST=PLANTED".ljust(300) + b"\x01"
    laced = bytes([2, len(first), 255, len(words) - 255]) + first + words + setup
    assert vorbis_headers(laced) == bytes([2, len(first), len(EMPTY_COMMENTS)]) + first + EMPTY_COMMENTS + setup
    for end in range(len(laced) - len(setup)):
        with pytest.raises(CannotClean):
            vorbis_headers(laced[:end])


def test_padding_of_opus_becomes_zeros_and_its_header_ends_where_it_ends() -> None:
    assert opus_without_padding(b"\xfb\x41\x07framePLANTED") == b"\xfb\x41\x07frame" + bytes(7)
    assert opus_without_padding(b"\xfb\x41\xff\x01frame" + b"P" * 255) == b"\xfb\x41\xff\x01frame" + bytes(255)
    assert opus_without_padding(b"\xf8PLANTED sound") == b"\xf8PLANTED sound"
    with pytest.raises(CannotClean):
        opus_without_padding(b"\xfb\x41\x09frame")
    header = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0"
    assert opus_header(header + b"PLANTED") == header
    assert opus_header(header[:-1] + b"\x01PLANTED") is None


def test_configuration_of_aac_ends_where_it_ends() -> None:
    assert configuration_without_text(bytes.fromhex("1190") + PLANTED) == bytes.fromhex("1190")
    assert configuration_without_text(bytes.fromhex("119056e500") + PLANTED) == bytes.fromhex("119056e500")
    assert configuration_without_text(bytes.fromhex("2b11880056e500")[:4]) is not None
    assert configuration_without_text(bytes.fromhex("1180") + PLANTED) is None, "channels of a program element, with a comment"
    assert configuration_without_text(b"\x11") is None


def test_elements_of_text_before_the_sound_of_aac_are_gone() -> None:
    """A data element, then a program element with a comment, then a fill element, each with words, then one channel."""
    words = PLANTED.hex()
    data = int(f"{4:03b}" + "0000" + "1" + f"{7:08b}", 2), 16
    bits = f"{data[0]:016b}" + f"{int(words, 16):056b}"
    program = f"{5:03b}" + "0000" + "01" + "0011" + "0001" + "0000" * 2 + "00" + "000" + "0000" + "000" + "00000"
    bits += program
    bits += "0" * (-len(bits) % 8) + f"{7:08b}" + f"{int(words, 16):056b}"
    bits += f"{6:03b}" + f"{8:04b}" + "0000" + f"{int(words, 16):056b}" + "0000"
    sound = "000" + "0000" + "1010101010101"
    bits += sound
    packet = int(bits + "0" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8)
    kept = without_text(packet)
    assert f"{int.from_bytes(kept):0{len(kept) * 8}b}".startswith(sound)
    assert len(kept) <= 4
