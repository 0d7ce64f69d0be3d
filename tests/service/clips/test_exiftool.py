"""Tests with exiftool, which knows more places than we do, that nothing that is served states who, what, when or where."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from service.clips.cleaning.child import Cleaned
from service.clips.cleaning.child_process import run_child, run_rendition
from tests.node_packages import installed
from tests.programs import path_of
from tests.service.clips.crowded import crowded
from tests.service.clips.media import film, motion_photo, picture

pytestmark = pytest.mark.needs("perl")

# The fields that exiftool adds itself: the file's name and times on this disk, its version, and its results from other fields.
NOT_OF_THE_FILE = ("SourceFile", "ExifTool:", "File:System:", "Composite:")
# Group -> the fields that a served file may have: numbers of its pictures and its container, and nothing of its history.
ALLOWED = {
    "File": """FileType FileTypeExtension MIMEType ImageWidth ImageHeight EncodingProcess BitsPerSample ColorComponents
        YCbCrSubSampling""",
    "JFIF": "JFIFVersion ResolutionUnit XResolution YResolution",
    "PNG": "ImageWidth ImageHeight BitDepth ColorType Compression Filter Interlace",
    "Matroska": """EBMLVersion EBMLReadVersion EBMLMaxIDLength EBMLMaxSizeLength DocType DocTypeVersion DocTypeReadVersion
        TimecodeScale MuxingApp WritingApp Duration SeekID SeekPosition CueTime CueTrack CueClusterPosition Matroska_0x0070
        CodecID ImageHeight ImageWidth TrackDefault TrackLacing TrackLanguage TrackNumber TrackType TrackUID AudioBitsPerSample
        AudioChannels AudioSampleRate CodecPrivate TagTrackUID Matroska_0x15b0 Matroska_0x16aa Matroska_0x16bb""",
    "QuickTime": """MajorBrand MinorVersion CompatibleBrands MediaDataSize MediaDataOffset MovieHeaderVersion TimeScale Duration
        PreferredRate PreferredVolume MatrixStructure PreviewTime PreviewDuration PosterTime SelectionTime SelectionDuration
        CurrentTime NextTrackID CreateDate ModifyDate TrackHeaderVersion TrackCreateDate TrackModifyDate TrackID TrackDuration
        TrackLayer TrackVolume ImageWidth ImageHeight MediaHeaderVersion MediaCreateDate MediaModifyDate MediaTimeScale
        MediaDuration MediaLanguageCode HandlerType GraphicsMode OpColor CompressorID SourceImageWidth SourceImageHeight
        XResolution YResolution BitDepth VideoFrameRate Balance AudioFormat AudioChannels AudioBitsPerSample AudioSampleRate
        BufferSize MaxBitrate AverageBitrate PixelAspectRatio ColorProfiles ColorPrimaries TransferCharacteristics
        MatrixCoefficients VideoFullRangeFlag""",
}
"""Matroska's fields without a name are RelativePosition, Colour, CodecDelay and SeekPreRoll."""
TABLES = """MediaData Free Unknown_edts Unknown_esds Unknown_hvcC Unknown_av1C AVCConfiguration SyncSampleTable
    CompositionTimeToSample TimeToSampleTable SampleToChunk SampleSizes ChunkOffset SampleGroupDescription SampleToGroup"""
"""Boxes of numbers, which exiftool does not read: what is in them is the box walker's business."""
NO_TIME = "0000:00:00 00:00:00"


def fields_of(files: list[Path]) -> list[dict[str, Any]]:
    """Returns what exiftool finds in each file, also embedded and unknown, by group and name."""
    program = installed() / "exiftool-vendored.pl" / "bin" / "exiftool"
    ended = subprocess.run(
        [path_of("perl"), str(program), "-ee", "-u", "-G0:1", "-j", *map(str, files)], capture_output=True, text=True, check=True
    )
    found: list[dict[str, Any]] = json.loads(ended.stdout)
    return found


def strangers(fields: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields that are on no list, and times that are not zero."""
    return {key: value for key, value in fields.items() if not key.startswith(NOT_OF_THE_FILE) and not _is_allowed(key, value)}


def _is_allowed(key: str, value: object) -> bool:
    group, name = key.split(":", 1)[0], key.rsplit(":", 1)[1]
    if name in TABLES.split():
        return str(value).startswith("(Binary data ")
    if name == "Unknown_free":
        return value == ""
    return name in ALLOWED.get(group, "").split() and ("Date" not in name or value == NO_TIME)


SOURCES = {
    "film of a phone": ("crowded.mp4", "video/mp4"), "film of a camera": ("crowded.mov", "video/quicktime"),
    "film in Matroska": ("crowded.mkv", "video/x-matroska"), "HEVC": ("film.mov", "video/quicktime"),
    "WebM": ("film.webm", "video/webm"), "AV1": ("film.mp4", "video/mp4"), "JPEG": ("a.jpg", "image/jpeg"),
    "PNG": ("a.png", "image/png"), "WEBP": ("a.webp", "image/webp"), "HEIF": ("a.heic", "image/heic"),
    "AVIF": ("a.avif", "image/avif"), "motion photo": ("motion.jpg", "image/jpeg"),
}  # fmt: skip


def source_of(kind: str, folder: Path) -> Path:
    path = folder / SOURCES[kind][0]
    match kind:
        case "HEVC":
            return film(path, "libx265", seconds=1, messages=True)
        case "WebM":
            return film(path, "libvpx-vp9", "libopus", seconds=1)
        case "AV1":
            return film(path, "libsvtav1", seconds=1, messages=True)
        case "motion photo":
            path.write_bytes(motion_photo())
        case "JPEG" | "PNG" | "WEBP" | "HEIF" | "AVIF":
            path.write_bytes(picture(kind))
        case _:
            return crowded(path)
    return path


async def test_exiftool_finds_nothing_in_what_is_served(tmp_path: Path) -> None:
    sources, served = [], []
    for kind, (_, filetype) in SOURCES.items():
        folder = tmp_path / kind
        (folder / "clean").mkdir(parents=True)
        sources.append(source_of(kind, folder))
        outcome = await run_child(sources[-1], filetype, folder / "clean")
        assert isinstance(outcome, Cleaned), (kind, outcome)
        served += sorted((folder / "clean").iterdir())
        if outcome.codec == "hevc":
            (folder / "second").mkdir()
            await run_rendition(folder / "clean" / "clip", folder / "second", length_ms=outcome.length_ms or 0)
            served.append(folder / "second" / "rendition")
    assert len(served) == 3 * len(SOURCES) + 1
    blind = [fields["SourceFile"] for fields in fields_of(sources) if "PLANTED" not in str(fields)]
    assert blind == [], "exiftool sees no planted word in the source, so it proves nothing of the served file"
    found = {fields["SourceFile"]: strangers(fields) for fields in fields_of(served)}
    assert {path: fields for path, fields in found.items() if fields} == {}
