"""Tests that no place of a film's container carries a word, a time or a track over into the cleaned film."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import pytest

from service.clips.cleaning.refusals import CannotClean
from tests.service.clips.boxes import boxes_of
from tests.service.clips.crowded import crowded
from tests.service.clips.elements import elements_of
from tests.service.clips.films import cleaned, cleaned_bytes, decoded
from tests.service.clips.media import PLANTED, film
from tests.service.clips.planting import added, box, changed, patched

ENTRY = "moov/trak/mdia/minf/stbl/stsd/"
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + b"<x:xmpmeta>PLANTED xmp</x:xmpmeta>"
PLACE = box("udta", box("\xa9xyz", b"\0\x15\x15\xc7+12.3456-098.7654/PLANTED"))
KEYS = box(
    "meta",
    box("hdlr", bytes(8), b"mdta", bytes(12)),
    box("keys", b"\0\0\0\0\0\0\0\1", box("mdta", b"com.apple.quicktime.PLANTED")),
    box("ilst", box("\0\0\0\1", box("data", b"\0\0\0\1\0\0\0\0PLANTED place"))),
)
PROFILE = box("colr", b"prof", (128).to_bytes(4), b"PLANTED profile".ljust(124, b"\0"))
ALIAS = box("alis", bytes(4), b"PLANTED")
METADATA_UNIT = b"\x2a\x0f\x04\xb5PLANTED words"
SEI_UNIT = b"\x06\x05\x10" + bytes(range(1, 17)) + b"PLANTED\x80"


def _with_message_among_parameter_sets(avcc: bytes) -> bytes:
    """Returns a decoder configuration that has one more sequence parameter set, a message, and words at its end."""
    head, count, sets = avcc[:5], avcc[5] & 0x1F, avcc[6:]
    end = 2 + int.from_bytes(sets[:2])
    more = len(SEI_UNIT).to_bytes(2) + SEI_UNIT
    return head + bytes([0xE0 | (count + 1)]) + sets[:end] + more + sets[end:] + b"PLANTED"


PLANTS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "user data of the film": ("libx264", lambda film: added(film, "moov", PLACE)),
    "user data of a track": ("libx264", lambda film: added(film, "moov/trak:1", PLACE)),
    "keys of the film": ("libx264", lambda film: added(film, "moov", KEYS)),
    "keys of a track": ("libx264", lambda film: added(film, "moov/trak", KEYS)),
    "keys of the file": ("libx264", lambda film: added(film, "", KEYS)),
    "XMP behind the film": ("libx264", lambda film: added(film, "", box("uuid", XMP))),
    "XMP in the film": ("libx264", lambda film: added(film, "moov", box("uuid", XMP))),
    "XMP of the pictures": ("libx264", lambda film: added(film, ENTRY + "avc1", box("uuid", XMP))),
    "words in free space": ("libx264", lambda film: added(film, "", box("free", b"PLANTED"), box("skip", b"PLANTED"))),
    "words in free space of a track": ("libx264", lambda film: added(film, "moov/trak", box("free", b"PLANTED"))),
    "words in free space of the pictures": ("libx264", lambda film: added(film, ENTRY + "avc1", box("free", b"PLANTED"))),
    "an unknown box of the pictures": ("libx264", lambda film: added(film, ENTRY + "avc1", box("CNDB", b"PLANTED"))),
    "an unknown box of the sound": (
        "libx264", lambda film: added(film, "moov/trak:1/mdia/minf/stbl/stsd/mp4a", box("CNDB", b"PLANTED")),
    ),
    "a colour profile": ("libx264", lambda film: added(film, ENTRY + "avc1", PROFILE)),
    "the name of the encoder": ("libx264", lambda film: changed(film, ENTRY + "avc1", patched(42, b"\x0ePLANTED camera"))),
    "a language": ("libx264", lambda film: changed(film, "moov/trak/mdia/mdhd", patched(20, b"\x2e\x85"))),
    "a message among parameter sets": (
        "libx264", lambda film: changed(film, ENTRY + "avc1/avcC", _with_message_among_parameter_sets),
    ),
    "words of VP9's configuration": (
        "libvpx-vp9", lambda film: changed(film, ENTRY + "vp09/vpcC", lambda vpcc: vpcc + b"PLANTED"),
    ),
    "metadata of AV1's configuration": ("libsvtav1", lambda film: added(film, ENTRY + "av01/av1C", METADATA_UNIT)),
    "a reference to another file": (
        "libx264",
        lambda film: changed(film, "moov/trak:1/mdia/minf/dinf/dref", lambda _: bytes(7) + b"\1" + ALIAS),
    ),
}  # fmt: skip


@cache
def _plain(pictures: str) -> bytes:
    """Returns a film of one second, whose encoder and handlers have no planted name."""
    with TemporaryDirectory() as folder:
        content = film(Path(folder) / "film.mp4", pictures, seconds=1, size=(160, 120), metadata={}).read_bytes()
    return content.replace(b"PLANTED", b"handler")


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_word_is_in_no_cleaned_film(tmp_path: Path, plant: str) -> None:
    pictures, planted = PLANTS[plant]
    source = planted(_plain(pictures))
    assert PLANTED in source or plant == "a language"
    _, written = cleaned_bytes(source, tmp_path)
    assert PLANTED not in written
    boxes_of(written)


@pytest.mark.parametrize("name", ["film.mp4", "film.mov", "film.mkv"])
def test_other_tracks_chapters_and_attachments_are_not_copied(tmp_path: Path, name: str) -> None:
    source = crowded(tmp_path / name)
    assert source.read_bytes().count(PLANTED) > 50
    _, target = cleaned(source)
    content = target.read_bytes()
    assert PLANTED not in content
    assert [one for one in boxes_of(content) if one.endswith("trak")] == ["moov/trak"] * 2
    with av.open(str(target)) as read:
        assert [track.type for track in read.streams] == ["video", "audio"]
        assert read.chapters() == []
        assert not read.metadata.keys() - {"major_brand", "minor_version", "compatible_brands"}
    assert decoded(target, "video") == decoded(source, "video")


def test_data_beside_a_packet_is_not_copied(tmp_path: Path) -> None:
    """VP8 keeps a second picture, of transparency, beside each packet, in an element for whatever anybody likes."""
    source = film(tmp_path / "film.webm", "libvpx", None, seconds=1, form="yuva420p", options={"auto-alt-ref": "0"})
    with av.open(str(source)) as read:
        assert next(read.demux(video=0)).has_sidedata("matroska_block_additional")
    _, target = cleaned(source)
    elements_of(target.read_bytes())
    with av.open(str(target)) as read:
        assert [side.data_type for packet in read.demux() for side in packet.iter_sidedata()] == []


def _hidden_up_to(frame: int, content: bytes) -> bytes:
    """Returns a film of 25 frames a second whose edit lists begin at a frame, as after a cut on a phone."""
    for track, scale in enumerate((12_800, 48_000)):
        path = f"moov/trak:{track}/edts/elst"

        def later(edits: bytes, scale: int = scale) -> bytes:
            start = int.from_bytes(edits[12:16]) + scale * frame // 25
            length = int.from_bytes(edits[8:12]) - 1_000 * frame // 25
            return edits[:8] + length.to_bytes(4) + start.to_bytes(4) + edits[16:]

        content = changed(content, path, later)
    return content


def test_pictures_before_the_beginning_of_an_edit_list_are_not_copied(tmp_path: Path) -> None:
    """The 13th frame is between two key frames: what is shown up to the next one cannot be had without what is hidden."""
    source = film(tmp_path / "film.mp4", seconds=2, options={"g": "10"})
    measured, _ = cleaned_bytes(_hidden_up_to(13, source.read_bytes()), tmp_path)
    assert decoded(tmp_path / "planted.clean", "video") == decoded(source, "video")[20:]
    assert abs(measured.length_ms - 1_480) <= 40
    with av.open(str(tmp_path / "planted.clean")) as read:
        first = next(read.decode(video=0))
        assert abs(first.time - 0.28) < 0.02, "the pictures are not in step with the sound"
    with av.open(str(tmp_path / "planted.clean"), options={"ignore_editlist": "1"}) as read:
        assert sum(1 for _ in read.decode(video=0)) == 30, "hidden pictures are in the file"


def test_a_film_whose_pictures_all_need_hidden_ones_is_refused(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mp4", seconds=2, options={"g": "100"})
    with pytest.raises(CannotClean) as refused:
        cleaned_bytes(_hidden_up_to(13, source.read_bytes()), tmp_path)
    assert refused.value.code == "clip.hidden_pictures"
