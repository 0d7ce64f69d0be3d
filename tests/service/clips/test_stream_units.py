"""Tests which units of coded pictures are kept."""

import pytest

from service.clips.cleaning.refusals import CannotClean
from service.clips.cleaning.stream_units import filter_of, without_messages

AVCC = bytes.fromhex("0164001effe10002676401000268ee") + b"\xfd\xf8\xf8\x00"
HVCC = b"\x01" + bytes(20) + b"\x03"


def unit(*content: int, words: bytes = b"") -> bytes:
    """Returns a unit with its length before it, in four bytes."""
    return (len(content) + len(words)).to_bytes(4) + bytes(content) + words


def test_of_h264_slices_and_parameter_sets_are_kept() -> None:
    configuration, kept = filter_of("h264", AVCC)
    assert configuration == AVCC
    slices = unit(0x65, 1, 2) + unit(0x67, 3) + unit(0x68, 4) + unit(0x09, 5)
    messages = unit(0x06, 5, words=b"PLANTED"), unit(0x0C, 255), unit(0x14, words=b"PLANTED"), unit(0x1E, words=b"PLANTED")
    assert kept(b"".join([messages[0], slices, *messages[1:]])) == slices
    assert kept(slices) == slices


def test_of_hevc_the_units_of_other_layers_and_of_dolby_vision_are_not_kept() -> None:
    sets = b"".join(bytes([0x80 | kind, 0, 1, 0, 3, kind << 1, 1, 9]) for kind in (32, 33, 34))
    words = b"\xa7\0\1\0\x0a\x4e\x01PLANTED!"
    other_eye = b"\xa1\0\1\0\x0a\x42\x09PLANTED!"
    configuration, kept = filter_of("hevc", HVCC + b"\x05" + sets + words + other_eye)
    assert configuration == HVCC + b"\x04" + sets + b"\xa1\0\0"
    picture = unit(0x26, 1, 7) + unit(0x02, 1, 8)
    others = unit(0x02, 0x09, words=b"PLANTED"), unit(0x4E, 1, words=b"PLANTED"), unit(0x7C, 1, words=b"PLANTED")
    assert kept(others[0] + picture + b"".join(others[1:])) == picture


def test_of_av1_metadata_and_padding_are_not_kept() -> None:
    _, kept = filter_of("av1", bytes.fromhex("81040c00"))
    frame = b"\x32\x03abc"
    assert kept(b"\x2a\x08\x04PLANTED" + frame + b"\x7a\x07PLANTED") == frame
    assert kept(frame + b"\x28PLANTED to the end") == frame


@pytest.mark.parametrize("codec", ["vp8", "vp9"])
def test_the_configuration_of_vp8_and_vp9_is_not_kept(codec: str) -> None:
    configuration, kept = filter_of(codec, b"PLANTED")
    assert (configuration, kept(b"picture")) == (b"", b"picture")


@pytest.mark.parametrize(
    ("codec", "configuration"),
    [
        ("h264", b""), ("h264", b"\0\0\0\1\x67"), ("h264", AVCC[:9]),
        ("hevc", b""), ("hevc", HVCC), ("hevc", HVCC + b"\x01\xa0\0\1\0\x09ab"),
    ],
)  # fmt: skip
def test_a_configuration_that_ends_too_early_is_refused(codec: str, configuration: bytes) -> None:
    with pytest.raises(CannotClean):
        filter_of(codec, configuration)


def test_a_packet_whose_units_end_too_late_is_refused() -> None:
    for codec, configuration, packet in (
        ("h264", AVCC, b"\0\0\0\x09\x65"), ("h264", AVCC, bytes(8)), ("h264", AVCC, b"\0\0"),
        ("av1", b"\x81\4\x0c\0", b"\x32\x09a"), ("av1", b"\x81\4\x0c\0", b"\x32" + b"\xff" * 9),
    ):  # fmt: skip
        _, kept = filter_of(codec, configuration)
        with pytest.raises(CannotClean):
            kept(packet)


def test_messages_of_an_encoder_are_not_kept() -> None:
    assert without_messages(b"\0\0\0\1\x67a\0\0\1\x06PLANTED\x80\0\0\1\x65b") == b"\0\0\0\1\x67a\0\0\0\1\x65b"
    assert without_messages(b"") == b""
