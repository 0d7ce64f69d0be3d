"""Makes films and pictures with planted names and places, by the libraries themselves: none shows a person."""

import math
import struct
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import av
from PIL import Image, ImageCms, PngImagePlugin

PLANTED: Final = b"PLANTED"
METADATA: Final = {
    "title": "PLANTED title",
    "comment": "PLANTED comment",
    "artist": "PLANTED artist",
    "location": "+12.3456-098.7654/PLANTED",
    "com.apple.quicktime.make": "PLANTED make",
    "com.apple.quicktime.location.ISO6709": "+12.3456-098.7654/PLANTED",
    "creation_time": "2026-02-03T04:05:06Z",
}
RATE: Final = 25


def film(
    path: Path, pictures: str = "libx264", sound: str | None = "aac", *, seconds: int = 2, size: tuple[int, int] = (320, 240),
    metadata: dict[str, str] = METADATA, first_black: int = 0, options: dict[str, str] | None = None, messages: bool = False,
    hz: int = 48_000, layout: str = "stereo", form: str = "yuv420p",
) -> Path:  # fmt: skip
    """Writes a film with a moving square and a tone, and with planted metadata. The container follows from the suffix.

    `messages`: also planted words between the pictures and in the parameter sets, as cameras write.
    """
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"} if path.suffix in (".mp4", ".mov") else {}) as written:
        written.metadata.update(metadata)
        picture: Any = written.add_stream(pictures, rate=RATE, width=size[0], height=size[1], options=options or {})
        picture.pix_fmt = form
        picture.metadata.update({"title": "PLANTED track", "handler_name": "PLANTED handler"})
        heard: Any = written.add_stream(sound, rate=hz, layout=layout, options={"strict": "-2"}) if sound is not None else None
        if messages and pictures != "libsvtav1":
            picture.codec_context.open()
            picture.codec_context.extradata = (picture.codec_context.extradata or b"") + message(pictures)
        for frame in (*frames(RATE * seconds, size, first_black), None):
            for packet in picture.encode(frame):
                written.mux(with_message(packet, pictures) if messages else packet)
        if heard is not None:
            for one in (*tone(seconds), None):
                written.mux(heard.encode(one))
    return path


def message(pictures: str) -> bytes:
    """Returns a unit with user data (ITU-T H.264 and H.265, D.1.6; AV1, 5.8.2), as the encoder's stream begins its units.

    Of HEVC also one with the measurements of Dolby Vision.
    """
    text = bytes(range(16)) + b"PLANTED message"
    if pictures == "libsvtav1":
        return bytes([0x2A, 2 + len(text), 4, 0xB5]) + text
    sei = bytes([5, len(text)]) + text + b"\x80"
    if pictures == "libx265":
        return b"\0\0\0\1\x4e\x01" + sei + b"\0\0\0\1\x7c\x01PLANTED measurements\x80"
    return b"\0\0\0\1\x06" + sei


def with_message(packet: Any, pictures: str) -> Any:
    """Returns a packet with a message beside its picture."""
    parts = message(pictures), bytes(packet)
    new = av.Packet(b"".join(reversed(parts) if pictures == "libsvtav1" else parts))
    new.pts, new.dts, new.duration, new.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    new.is_keyframe, new.stream = packet.is_keyframe, packet.stream
    return new


def frames(count: int, size: tuple[int, int], first_black: int) -> Iterator[Any]:
    for nth in range(count):
        image = Image.new("RGB", size, "black" if nth < first_black else (nth * 5 % 256, 90, 60))
        if nth >= first_black:
            image.paste((20, 220, 255), (nth * 4 % (size[0] - 40), 40, nth * 4 % (size[0] - 40) + 40, 80))
        yield frame_of(image, nth)


def frame_of(image: Image.Image, nth: int) -> Any:
    """Returns an image as a picture of a film."""
    make: Any = av.VideoFrame
    frame: Any = make.from_image(image)
    frame.pts, frame.time_base = nth, Fraction(1, RATE)
    return frame


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    """Returns the colour of a pixel."""
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return found


def tone(seconds: int) -> Iterator[Any]:
    """Yields stereo sound of 440 Hz, 960 samples at a time."""
    for nth in range(48_000 * seconds // 960):
        levels = [int(8_000 * math.sin(2 * math.pi * 440 * (nth * 960 + at) / 48_000)) for at in range(960)]
        frame = av.AudioFrame(format="s16", layout="stereo", samples=960)
        frame.planes[0].update(struct.pack(f"<{1_920}h", *(level for level in levels for _ in range(2))))
        frame.sample_rate, frame.pts, frame.time_base = 48_000, nth * 960, Fraction(1, 48_000)
        yield frame


def picture(form: str, *, size: tuple[int, int] = (640, 480), orientation: int = 6) -> bytes:
    """Returns a picture with a blue stripe at its top, turned by its orientation, with planted metadata in each place."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (0, 0, size[0], 100))
    more: dict[str, Any] = {"exif": _exif(orientation), "icc_profile": _profile()}
    match form:
        case "JPEG":
            more |= {"comment": b"PLANTED comment", "xmp": b"<x:xmpmeta>PLANTED xmp</x:xmpmeta>", "quality": 95}
        case "PNG":
            texts = PngImagePlugin.PngInfo()
            texts.add_text("Author", "PLANTED author")
            texts.add_itxt("Comment", "PLANTED comment", zip=False)
            more["pnginfo"] = texts
        case "WEBP" | "AVIF":
            more["xmp"] = b"<x:xmpmeta>PLANTED xmp</x:xmpmeta>"
    written = BytesIO()
    image.save(written, form, **more)
    return written.getvalue()


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "PLANTED make"
    exif[0x013B] = "PLANTED artist"
    exif[0x0112] = orientation
    fields = exif.get_ifd(0x8769)
    fields[0x9003], fields[0x9011], fields[0xA431] = "2026:02:03 04:05:06", "+01:00", "PLANTED serial"
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (12.0, 20.0, 44.0), "W", (98.0, 45.0, 55.0)
    return exif.tobytes()


def _profile() -> bytes:
    """Returns a colour profile whose description names a device."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"sRGB", b"PLAN")


def motion_photo(form: str = "JPEG") -> bytes:
    """Returns a picture with a film behind its end, as some phones write."""
    return picture(form) + b"\0\0\0\x18ftypmp42PLANTED film" + bytes(64)
