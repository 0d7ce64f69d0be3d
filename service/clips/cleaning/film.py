"""Cleans a film: its first picture track and its first sound track go into a new container, and nothing else does.

Encodes no picture anew. Takes a file object and never a name: the library that reads films knows protocols and formats that open
other files and addresses, so only some formats are allowed, and no protocol.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import av
import msgspec
from av.stream import Disposition

from service.clips.cleaning.aac import without_text
from service.clips.cleaning.captured import Captured, captured_of_film
from service.clips.cleaning.decoding_times import DecodingTimes
from service.clips.cleaning.mp4_boxes import empty_user_data
from service.clips.cleaning.refusals import CannotClean
from service.clips.cleaning.stream_units import filter_of

DEMUXERS: Final = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
IN_OPTIONS: Final = {"format_whitelist": DEMUXERS, "protocol_whitelist": "", "max_streams": "64"}
OUT_OPTIONS: Final = {
    "mp4": {"movflags": "+faststart", "fflags": "+bitexact", "empty_hdlr_name": "1"},
    "webm": {"fflags": "+bitexact", "cues_to_front": "1"},
}
PICTURES: Final = {"mp4": {"h264", "hevc", "av1", "vp9"}, "webm": {"vp8", "vp9", "av1"}}
SOUNDS: Final = {"mp4": {"aac", "mp3", "opus"}, "webm": {"opus", "vorbis"}}

SKIPPED_SAMPLES: Final = "skip_samples"

WIDTH_MAX: Final = 8_192
HEIGHT_MAX: Final = 4_320
LENGTH_S_MAX: Final = 4 * 3_600
FRAMES_A_SECOND_MAX: Final = 120


class CleanFilm(msgspec.Struct, frozen=True, kw_only=True):
    """A cleaned film, as it was measured in its new file."""

    media_type: str
    codec: str
    width: int
    """In pixels, as a person sees the film: after its rotation."""
    height: int
    length_ms: int
    captured: Captured | None


class _Track:
    """One track of the source, and the track of the new file that it becomes."""

    def __init__(self, source: Any, target: Any) -> None:
        self.source, self.target = source, target
        self._times = DecodingTimes()
        self._is_aac = source.codec_context.codec.canonical_name == "aac"
        configuration, self._kept = filter_of(codec_of(source), bytes(source.codec_context.extradata or b""))
        if configuration:
            target.codec_context.extradata = configuration

    def packets_of(self, read: Any) -> list[Any]:
        """Returns the new packets that are ready after one more packet of the source."""
        return [new for one in self._times.timed(read) if (new := self._cleaned(one)) is not None]

    def rest(self) -> list[Any]:
        """Returns the new packets of a track whose end was read."""
        return [new for one in self._times.rest() if (new := self._cleaned(one)) is not None]

    def _cleaned(self, read: Any) -> Any | None:
        """Returns a new packet with the kept bytes; None if no byte is kept."""
        data = self._kept(bytes(read))
        data = without_text(data) if self._is_aac else data
        if not data:
            return None
        packet = av.Packet(data)
        packet.pts, packet.dts, packet.duration, packet.time_base = read.pts, read.dts, read.duration, read.time_base
        packet.is_keyframe = read.is_keyframe
        if read.has_sidedata(SKIPPED_SAMPLES):  # numbers alone: how much of the sound's beginning or end is not played
            packet.set_sidedata(read.get_sidedata(SKIPPED_SAMPLES))
        packet.stream = self.target
        return packet


def clean_film(source: IO[bytes], target: Path) -> CleanFilm:
    """Writes the cleaned film to a new file, with its index before its pictures.

    Raises:
        CannotClean: the file is no film, is broken, or is larger than a clip may be.
    """
    try:
        with av.open(source, options=IN_OPTIONS, metadata_errors="ignore") as read:
            picture, sound = _tracks_of(read)
            captured = captured_of_film(read.metadata)
            form = _form_of(picture, sound)
            with av.open(str(target), "w", format=form, options=OUT_OPTIONS[form]) as written:
                _copy(read, [one for one in (picture, sound) if one is not None], written)
        if form == "mp4":
            empty_user_data(target)
        return _measure(target, f"video/{form}", captured)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise CannotClean("clip.broken") from error


def codec_of(track: Any) -> str:
    """Returns the name of a track's codec, whatever library decodes it."""
    return str(track.codec_context.codec.canonical_name)


def _tracks_of(read: Any) -> tuple[Any, Any | None]:
    """Returns the first picture track that is no cover, and the first sound track."""
    pictures = [one for one in read.streams.video if not one.disposition & Disposition.attached_pic]
    if not pictures:
        raise CannotClean("clip.no_picture")
    picture = pictures[0]
    if picture.codec_context is None or codec_of(picture) not in PICTURES["mp4"] | PICTURES["webm"]:
        raise CannotClean("clip.unknown_codec")
    _require_size(picture.codec_context.width, picture.codec_context.height)
    if read.duration is not None and read.duration > LENGTH_S_MAX * av.time_base:
        raise CannotClean("clip.too_large")
    sounds = [one for one in read.streams.audio if one.codec_context is not None]
    return picture, sounds[0] if sounds else None


def _require_size(width: int, height: int) -> None:
    if min(width, height) < 1:
        raise CannotClean("clip.no_picture")
    if max(width, height) > WIDTH_MAX or min(width, height) > HEIGHT_MAX:
        raise CannotClean("clip.too_large")


def _form_of(picture: Any, sound: Any | None) -> str:
    """Returns the container for a picture track and a sound track: WebM where both may be in it, else MP4."""
    for form in ("webm", "mp4"):
        if codec_of(picture) in PICTURES[form] and (sound is None or codec_of(sound) in SOUNDS[form]):
            return form
    raise CannotClean("clip.unknown_codec")


def _copy(read: Any, sources: list[Any], written: Any) -> None:
    """Copies the packets of some tracks, in the order of the file."""
    tracks = {one.index: _Track(one, written.add_stream_from_template(one, opaque=True)) for one in sources}
    for track in tracks.values():
        track.target.metadata.clear()
        if codec_of(track.source) == "hevc":
            track.target.codec_context.codec_tag = "hvc1"  # Safari plays no hev1
    for packet in read.demux(sources):
        track = tracks[packet.stream_index]
        for one in track.packets_of(packet) if packet.size > 0 else track.rest():
            written.mux_one(one)


def _measure(target: Path, media_type: str, captured: Captured | None) -> CleanFilm:
    """Measures the new file: its size on a screen, its length and its frames."""
    with av.open(str(target)) as read:
        picture = read.streams.video[0]
        first = next(_frames(read), None)
        if first is None:
            raise CannotClean("clip.broken")
        length_s = float((read.duration or 0) / av.time_base)
        frames = picture.frames or sum(1 for _ in read.demux(picture))
        if length_s > LENGTH_S_MAX or frames > FRAMES_A_SECOND_MAX * (length_s + 1):
            raise CannotClean("clip.too_large")
        is_turned = first.rotation % 180 == 90
        width, height = (first.height, first.width) if is_turned else (first.width, first.height)
        return CleanFilm(
            media_type=media_type, codec=codec_of(picture), width=width, height=height, length_ms=round(length_s * 1_000),
            captured=captured,
        )  # fmt: skip


def _frames(read: Any) -> Iterator[Any]:
    """Yields the decoded pictures of a film."""
    read.streams.video[0].thread_count = 1
    yield from read.decode(video=0)
