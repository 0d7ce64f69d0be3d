"""Tests that a cleaned picture has its pixels, upright, and nothing else of the file."""

import struct
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from service.clips.cleaning.captured import Captured
from service.clips.cleaning.picture import CleanPicture, clean_picture
from service.clips.cleaning.poster import write_posters
from service.clips.cleaning.refusals import CannotClean
from tests.service.clips.media import PLANTED, motion_photo, picture, pixel

FORMS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF")


def cleaned(content: bytes, folder: Path) -> tuple[CleanPicture, bytes, Image.Image]:
    measured, pixels = clean_picture(BytesIO(content), folder / "clip")
    return measured, (folder / "clip").read_bytes(), pixels


@pytest.mark.parametrize("form", FORMS)
def test_a_cleaned_picture_is_upright_and_has_no_planted_word(tmp_path: Path, form: str) -> None:
    content = picture(form)
    assert PLANTED in content
    measured, written, pixels = cleaned(content, tmp_path)
    assert (measured.width, measured.height) == (480, 640)
    assert measured.media_type == ("image/png" if form == "PNG" else "image/jpeg")
    marks = (PLANTED, b"PLAN", b"Exif", b"http://ns.adobe.com", b"ICC_PROFILE", b"iCCP")
    assert [word for word in marks if word in written] == []
    # The stripe at the top of the sensor is on the right once the picture is turned.
    assert pixel(pixels, 470, 320)[2] > 200
    assert pixel(pixels, 10, 320)[0] > 200
    for path in write_posters(pixels, tmp_path).values():
        assert PLANTED not in path.read_bytes()
        assert b"Exif" not in path.read_bytes()


def test_the_time_of_the_camera_is_a_suggestion(tmp_path: Path) -> None:
    measured, _, _ = cleaned(picture("JPEG"), tmp_path)
    assert measured.captured == Captured("2026-02-03T04:05:06+01:00", True)


def test_the_film_behind_a_motion_photo_is_gone(tmp_path: Path) -> None:
    _, written, _ = cleaned(motion_photo(), tmp_path)
    assert b"ftyp" not in written
    assert PLANTED not in written


def test_a_second_picture_behind_a_photograph_is_gone(tmp_path: Path) -> None:
    """Phones write a map of brightness, of depth, or the other eye's picture there (CIPA DC-007)."""
    written, frames = BytesIO(), [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
    frames[1].info["comment"] = b"PLANTED comment"
    frames[0].save(written, "MPO", save_all=True, append_images=frames[1:], exif=b"Exif\0\0" + _thumbnail())
    assert written.getvalue().count(b"\xff\xd8\xff") >= 3
    measured, content, pixels = cleaned(written.getvalue(), tmp_path)
    assert (measured.media_type, content.count(b"\xff\xd8\xff"), b"MPF" in content) == ("image/jpeg", 1, False)
    assert pixel(pixels, 32, 24)[0] > 200


def _thumbnail() -> bytes:
    """Returns EXIF whose second directory is a thumbnail (CIPA DC-008, 4.5.5)."""
    written = BytesIO()
    Image.new("RGB", (16, 12), "green").save(written, "JPEG", comment=b"PLANTED thumbnail")
    small = written.getvalue()
    first = struct.pack("<HI", 0, 14)
    entries = struct.pack("<HHII", 0x0201, 4, 1, 14 + 2 + 24 + 4) + struct.pack("<HHII", 0x0202, 4, 1, len(small))
    return b"II*\0" + struct.pack("<I", 8) + first + struct.pack("<H", 2) + entries + bytes(4) + small


def test_only_the_first_frame_of_a_moving_picture_is_kept(tmp_path: Path) -> None:
    moving, frames = BytesIO(), [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(moving, "PNG", save_all=True, append_images=frames[1:], duration=100)
    _, written, _ = cleaned(moving.getvalue(), tmp_path)
    with Image.open(BytesIO(written)) as read:
        assert getattr(read, "n_frames", 1) == 1


def test_transparent_pictures_stay_png_and_their_stills_are_white_behind(tmp_path: Path) -> None:
    written = BytesIO()
    Image.new("RGBA", (100, 50), (255, 0, 0, 0)).save(written, "WEBP", lossless=True)
    measured, _, pixels = cleaned(written.getvalue(), tmp_path)
    assert measured.media_type == "image/png"
    with Image.open(write_posters(pixels, tmp_path)[320]) as still:
        assert min(pixel(still, 50, 25)) > 250


def test_other_colours_are_converted_to_srgb(tmp_path: Path) -> None:
    """A profile of another white point moves the numbers: in sRGB they are what the profile means."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for mode, colour in (("CMYK", (0, 255, 255, 0)), ("L", 128), ("P", 3), ("I;16", 40_000)):
        written, image = BytesIO(), Image.new(mode, (40, 40), colour)
        image.save(written, "JPEG" if mode == "CMYK" else "PNG", icc_profile=lab if mode == "L" else None)
        _, _, pixels = cleaned(written.getvalue(), tmp_path)
        assert pixels.mode in ("RGB", "RGBA")


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_that_is_cut_anywhere_is_cleaned_or_refused(tmp_path: Path, form: str) -> None:
    content = picture(form)
    assert [_refusal_of(content[: len(content) * cut // 20], tmp_path) for cut in range(1, 5)] == ["clip.broken"] * 4
    assert {_refusal_of(content[: len(content) * cut // 20], tmp_path) for cut in range(21)} == {"clip.broken", None}


def _refusal_of(content: bytes, folder: Path) -> str | None:
    try:
        cleaned(content, folder)
    except CannotClean as refused:
        return refused.code
    return None


@pytest.mark.parametrize("size", [(16_385, 10), (10, 16_385), (8_001, 8_001)])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    written = BytesIO()
    Image.new("1", size).save(written, "PNG")
    with pytest.raises(CannotClean) as refused:
        clean_picture(BytesIO(written.getvalue()), tmp_path / "clip")
    assert refused.value.code == "clip.too_large"
