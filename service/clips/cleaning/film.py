"""Cleans a film: its first picture track and its first sound track go into a new container, and nothing else does.

Encodes no picture anew; sound only where no browser plays it (`sound`).
"""

from pathlib import Path
from typing import IO, Any, Final, Literal

import av
import msgspec
from av.stream import Disposition

from service.clips.cleaning.captured import Captured, captured_of_film
from service.clips.cleaning.copied_track import CopiedTrack
from service.clips.cleaning.film_files import codec_of, is_on_its_side, matrix_of, reading, reading_file
from service.clips.cleaning.mp4_boxes import empty_unlisted
from service.clips.cleaning.refusals import CannotClean
from service.clips.cleaning.sound import COPIED, EncodedSound, Form, copying, is_known
from service.clips.cleaning.stream_units import filter_of

OUT_OPTIONS: Final = {
    "mp4": {"movflags": "+faststart", "fflags": "+bitexact", "empty_hdlr_name": "1"},
    "webm": {"fflags": "+bitexact", "cues_to_front": "1"},
}
Codec = Literal["av1", "h264", "hevc", "vp8", "vp9"]
PICTURE_CODECS: Final[dict[str, Codec]] = {"av1": "av1", "h264": "h264", "hevc": "hevc", "vp8": "vp8", "vp9": "vp9"}
PICTURES: Final = {"mp4": {"h264", "hevc", "av1", "vp9"}, "webm": {"vp8", "vp9", "av1"}}

WIDTH_MAX: Final = 8_192
HEIGHT_MAX: Final = 4_320
LENGTH_S_MAX: Final = 4 * 3_600
FRAMES_A_SECOND_MAX: Final = 120


class CleanFilm(msgspec.Struct, frozen=True, kw_only=True):
    """A cleaned film, as it was measured in its new file."""

    media_type: Literal["video/mp4", "video/webm"]
    codec: Codec
    width: int
    """In pixels, as a person sees the film: after its rotation, with square pixels."""
    height: int
    length_ms: int
    captured: Captured | None


Track = CopiedTrack | EncodedSound


def clean_film(source: IO[bytes], target: Path) -> CleanFilm:
    """Writes the cleaned film to a new file, with its index before its pictures.

    Raises:
        CannotClean: the file is no film, is broken, or is larger than a clip may be.
    """
    try:
        with reading(source) as read:
            picture, sound = _tracks_of(read)
            captured = captured_of_film(read.metadata)
            form = _form_of(picture, sound)
            with av.open(str(target), "w", format=form, options=OUT_OPTIONS[form]) as written:
                tracks = [_picture_track(picture, written)]
                if sound is not None:
                    tracks.append(_sound_track(sound, written, form))
                _copy(read, tracks, written)
        if form == "mp4":
            empty_unlisted(target)
        return measure(target, form, captured)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise CannotClean("clip.broken") from error


def _tracks_of(read: Any) -> tuple[Any, Any | None]:
    """Returns the first picture track that is no cover, and the first sound track."""
    pictures = [one for one in read.streams.video if not one.disposition & Disposition.attached_pic]
    if not pictures:
        raise CannotClean("clip.no_picture")
    picture = pictures[0]
    if picture.codec_context is None or codec_of(picture) not in PICTURE_CODECS:
        raise CannotClean("clip.unknown_codec")
    _require_size(picture.codec_context.width, picture.codec_context.height)
    if read.duration is not None and read.duration > LENGTH_S_MAX * av.time_base:
        raise CannotClean("clip.too_large")
    sounds = [one for one in read.streams.audio if one.codec_context is not None]
    if sounds and not is_known(sounds[0]):
        raise CannotClean("clip.unknown_codec")
    return picture, sounds[0] if sounds else None


def _require_size(width: int, height: int) -> None:
    if min(width, height) < 1:
        raise CannotClean("clip.no_picture")
    if max(width, height) > WIDTH_MAX or min(width, height) > HEIGHT_MAX:
        raise CannotClean("clip.too_large")


def _form_of(picture: Any, sound: Any | None) -> Form:
    """Returns the container: WebM where the sound may be in it without a change, or the pictures in no other, else MP4."""
    codec = codec_of(picture)
    is_webm_sound = sound is None or codec_of(sound) in COPIED["webm"]
    return "webm" if codec in PICTURES["webm"] and (is_webm_sound or codec not in PICTURES["mp4"]) else "mp4"


def _picture_track(picture: Any, written: Any) -> Track:
    configuration, kept = filter_of(codec_of(picture), bytes(picture.codec_context.extradata or b""))
    return CopiedTrack(picture, written, configuration, kept)


def _sound_track(sound: Any, written: Any, form: Form) -> Track:
    copied = copying(sound, form)
    return EncodedSound(sound, written, form) if copied is None else CopiedTrack(sound, written, *copied)


def _copy(read: Any, tracks: list[Track], written: Any) -> None:
    """Copies the packets of some tracks, in the order of the file."""
    track_by_index = {one.source.index: one for one in tracks}
    for packet in read.demux([one.source for one in tracks]):
        track = track_by_index[packet.stream.index]  # the packet's own index is 0 at the end of each track
        for one in track.packets_of(packet) if packet.size > 0 else track.rest():
            written.mux_one(one)
    for track in tracks:
        if isinstance(track, CopiedTrack) and track.is_empty and track.has_hidden:
            raise CannotClean("clip.hidden_pictures")


def measure(target: Path, form: Form, captured: Captured | None) -> CleanFilm:
    """Measures a cleaned film: its size on a screen, its length and its frames.

    Raises:
        CannotClean: no picture can be decoded, or the film is larger than a clip may be.
    """
    with reading_file(target) as read:
        picture = read.streams.video[0]
        first = next(read.decode(video=0), None)
        if first is None:
            raise CannotClean("clip.broken")
        _require_size(first.width, first.height)
        length_s = float((read.duration or 0) / av.time_base)
        frames = picture.frames or sum(1 for _ in read.demux(picture))
        if length_s > LENGTH_S_MAX or frames > FRAMES_A_SECOND_MAX * (length_s + 1):
            raise CannotClean("clip.too_large")
        width, height = size_of(first, picture.sample_aspect_ratio)
        _require_size(width, height)
        return CleanFilm(
            media_type="video/webm" if form == "webm" else "video/mp4", codec=PICTURE_CODECS[codec_of(picture)], width=width,
            height=height, length_ms=round(length_s * 1_000), captured=captured,
        )  # fmt: skip


def size_of(frame: Any, pixel_aspect: Any) -> tuple[int, int]:
    """Returns the width and height of a picture as a person sees it."""
    width, height = frame.width, frame.height
    if pixel_aspect and pixel_aspect > 1:
        width = round(width * pixel_aspect)
    elif pixel_aspect:
        height = round(height / pixel_aspect)
    return (height, width) if is_on_its_side(matrix_of(frame)) else (width, height)
