"""Makes films with everything that a container can hold beside one picture track and one sound track, each with planted words."""

from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import av
from av.stream import Disposition
from PIL import Image

from tests.service.clips.media import RATE, frames, message, tone, with_message

SIZE: Final = (160, 120)
MILLISECOND: Final = Fraction(1, 1_000)
CHAPTERS: Final[list[Any]] = [
    {"id": 1, "start": 0, "end": 1_000, "time_base": MILLISECOND, "metadata": {"title": "PLANTED chapter"}}
]  # fmt: skip


def crowded(path: Path) -> Path:
    """Writes a film of one second: two picture tracks, two sound tracks, subtitles, chapters, a time code or an attachment, and
    in MP4 a cover and measurements of a camera."""
    is_mp4 = path.suffix in (".mp4", ".mov")
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"} if path.suffix == ".mov" else {}) as written:
        written.metadata.update({"title": "PLANTED title", "artist": "PLANTED artist", "timecode": "01:02:03:04"})
        written.set_chapters(CHAPTERS)
        pictures = [_pictures(written), _pictures(written)]
        sounds = [written.add_stream("aac", rate=48_000) for _ in range(2)]
        texts = [_add_text(written, "mov_text" if is_mp4 else "subrip")]
        if path.suffix == ".mp4":
            texts += [_add_cover(written), _add_measurements(written)]
        if not is_mp4:
            written.add_attachment("../../PLANTED.ttf", "application/x-font", b"PLANTED attachment")
        for track in (*pictures, *sounds):
            track.metadata.update({"title": "PLANTED track", "handler_name": "PLANTED handler", "language": "swe"})
        for track, packet in texts:
            packet.stream = track
            written.mux_one(packet)
        for track in pictures:
            for frame in (*frames(RATE, SIZE, 0), None):
                for packet in track.encode(frame):
                    written.mux_one(with_message(packet, "libx264"))
        for track in sounds:
            for heard in (*tone(1), None):
                written.mux(track.encode(heard))
    return path


def _pictures(written: Any) -> Any:
    track = written.add_stream("libx264", rate=RATE, width=SIZE[0], height=SIZE[1])
    track.pix_fmt = "yuv420p"
    track.codec_context.open()
    track.codec_context.extradata = (track.codec_context.extradata or b"") + message("libx264")
    return track


def _packet(content: bytes) -> Any:
    packet = av.Packet(content)
    packet.pts = packet.dts = 0
    packet.duration, packet.time_base, packet.is_keyframe = 900, MILLISECOND, True
    return packet


def _add_text(written: Any, codec: str) -> tuple[Any, Any]:
    track = written.add_mux_stream(codec)
    track.time_base = MILLISECOND
    words = b"PLANTED subtitle"
    return track, _packet(len(words).to_bytes(2) + words if codec == "mov_text" else words)


def _add_cover(written: Any) -> tuple[Any, Any]:
    track = written.add_mux_stream("mjpeg", width=64, height=64)
    track.disposition = Disposition.attached_pic
    track.time_base = MILLISECOND
    cover = BytesIO()
    Image.new("RGB", (64, 64), "red").save(cover, "JPEG", comment=b"PLANTED cover")
    return track, _packet(cover.getvalue())


def _add_measurements(written: Any) -> tuple[Any, Any]:
    track = written.add_data_stream("bin_data")
    track.codec_tag = "gpmd"
    track.time_base = MILLISECOND
    return track, _packet(b"GPS5 PLANTED place")
