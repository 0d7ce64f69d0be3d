"""Makes a second film of a cleaned one, for browsers that do not play its pictures: H.264, of 8 bits, with at most 720 lines.

The pictures are upright, with square pixels: the new film needs no display matrix. AAC is copied. Brightness and colours of HDR
are brought to those of an ordinary screen. The encoder's own messages are taken out. The encoder is libx264 (GPL).
"""

from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Final

import av
import msgspec

from service.clips.cleaning.colours import scaler
from service.clips.cleaning.copied_track import CopiedTrack
from service.clips.cleaning.film import OUT_OPTIONS, measure, size_of
from service.clips.cleaning.film_files import Turn, is_on_its_side, matrix_of, reading, turn_of
from service.clips.cleaning.mp4_boxes import empty_unlisted
from service.clips.cleaning.refusals import CannotClean
from service.clips.cleaning.sound import copying
from service.clips.cleaning.stream_units import without_messages

LINES_MAX: Final = 720
KEY_FRAME_EVERY_S: Final = 2
RATE_MAX: Final = 60
QUALITY: Final = {"preset": "veryfast", "crf": "23", "maxrate": "4M", "bufsize": "8M", "profile": "high", "threads": "1"}
BT709: Final = 1
FILTERS_BY_TURN: Final[dict[Turn, tuple[tuple[str, str], ...]]] = {
    "none": (),
    "half": (("hflip", ""), ("vflip", "")),
    "mirror": (("hflip", ""),),
    "flip": (("vflip", ""),),
    "clock": (("transpose", "clock"),),
    "counterclock": (("transpose", "cclock"),),
    "transpose": (("transpose", "cclock_flip"),),
    "transverse": (("transpose", "clock_flip"),),
}


class Rendition(msgspec.Struct, frozen=True, kw_only=True):
    """A second film of a clip, as it was measured."""

    width: int
    height: int
    length_ms: int


def make_rendition(source: IO[bytes], target: Path) -> Rendition:
    """Writes the second film of a cleaned one.

    Raises:
        CannotClean: the cleaned film cannot be decoded to its end.
    """
    try:
        with reading(source) as read, av.open(str(target), "w", format="mp4", options=OUT_OPTIONS["mp4"]) as written:
            _encode(read, written)
        empty_unlisted(target)
        measured = measure(target, "mp4", None)
        return Rendition(width=measured.width, height=measured.height, length_ms=measured.length_ms)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise CannotClean("clip.broken") from error


def _encode(read: Any, written: Any) -> None:
    picture, sounds = read.streams.video[0], read.streams.audio
    sound: CopiedTrack | None = None
    pictures: _Pictures | None = None
    waiting: list[Any] = []  # sound before the first picture: the size of the new film is not known yet
    for packet in read.demux([picture, *sounds[:1]]):
        is_sound = packet.stream.index != picture.index
        if is_sound:
            waiting.append(packet)
        for frame in () if is_sound else packet.decode():
            if pictures is None:
                pictures = _Pictures(picture, frame, written)
                sound = _copied(sounds[0], written) if sounds else None
            written.mux(pictures.packets_of(frame))
        if sound is not None:
            for heard in waiting:
                written.mux(sound.packets_of(heard) if heard.size > 0 else sound.rest())
            waiting.clear()
    if pictures is None:
        raise CannotClean("clip.broken")
    written.mux(pictures.rest())


def _copied(sound: Any, written: Any) -> CopiedTrack:
    copied = copying(sound, "mp4")
    if copied is None:
        raise CannotClean("clip.unknown_codec")
    return CopiedTrack(sound, written, *copied)


class _Pictures:
    """The pictures of the new film."""

    def __init__(self, source: Any, first: Any, written: Any) -> None:
        # Asked of the first picture alone: each one that is asked stays in memory until the garbage is collected.
        self._matrix = matrix_of(first)
        seen = size_of(first, source.sample_aspect_ratio)
        scale = min(1.0, LINES_MAX / min(seen))
        self._size = tuple(max(2, 2 * round(one * scale / 2)) for one in seen)
        self._rate = source.average_rate or Fraction(30)
        self.target = written.add_stream("libx264", rate=min(self._rate, RATE_MAX), options=dict(QUALITY))
        self.target.width, self.target.height = self._size
        self.target.pix_fmt = "yuv420p"
        context = self.target.codec_context
        context.time_base = source.time_base
        context.gop_size = max(1, round(min(self._rate, RATE_MAX) * KEY_FRAME_EVERY_S))
        context.thread_count = 1
        for name in ("color_primaries", "color_trc", "colorspace"):
            setattr(context, name, BT709)
        context.open()
        context.extradata = without_messages(bytes(context.extradata or b""))
        self._graph: Any = None
        self._graph_for: Any = None
        self._time_base = source.time_base
        self._last_at: int | None = None

    def packets_of(self, frame: Any) -> list[Any]:
        """Returns the new packets that are ready after one more picture."""
        if frame.pts is None or self._is_surplus(frame.pts):
            return []
        self._last_at = frame.pts
        form = (frame.width, frame.height, frame.format.name, frame.color_trc)
        if form != self._graph_for:
            self._graph, self._graph_for = self._converter(frame), form
        self._graph.vpush(frame)
        converted = self._graph.vpull()
        converted.pict_type = 0  # the encoder decides which pictures are key frames
        return [self._cleaned(packet) for packet in self.target.encode(converted)]

    def rest(self) -> list[Any]:
        """Returns the new packets of a film whose end was read."""
        return [self._cleaned(packet) for packet in self.target.encode(None)]

    def _is_surplus(self, at: int) -> bool:
        """Checks whether a picture comes too soon after the last one: of 120 a second every other is left out."""
        if self._last_at is None:
            return False
        is_fast, since_s = self._rate > RATE_MAX, (at - self._last_at) * self._time_base
        return at <= self._last_at or (is_fast and since_s < Fraction(3, 4 * RATE_MAX))

    def _cleaned(self, packet: Any) -> Any:
        new = av.Packet(without_messages(bytes(packet)))
        new.pts, new.dts, new.duration, new.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
        new.is_keyframe, new.stream = packet.is_keyframe, self.target
        return new

    def _converter(self, frame: Any) -> Any:
        """Returns a graph that scales and turns pictures like this one, and brings its colours to BT.709."""
        width, height = reversed(self._size) if is_on_its_side(self._matrix) else self._size
        return scaler(frame, width, height, FILTERS_BY_TURN[turn_of(self._matrix)])
