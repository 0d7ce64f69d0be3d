"""Loads all code that cleaning may need: once the process is confined to its folder, it cannot read a module any more."""

import importlib
import pkgutil
from typing import Final

import av
import pillow_heif
from PIL import AvifImagePlugin, Image

# A program and a downloader.
NOT_LOADED: Final = frozenset({"av.__main__", "av.datasets"})
PILLOW: Final = ("ExifTags", "ImageCms", "ImageFile", "ImageFilter", "ImagePalette", "ImageSequence", "JpegPresets", "TiffTags")
ENCODINGS: Final = ("ascii", "latin-1", "utf-8", "utf-16", "utf-16-be", "utf-16-le", "cp1252")


def load_everything() -> None:
    """Loads all modules of the media libraries, and the encodings of texts in files. Has the libraries start no more threads."""
    for found in pkgutil.walk_packages(av.__path__, "av."):
        if found.name not in NOT_LOADED:
            importlib.import_module(found.name)
    Image.init()
    for name in PILLOW:
        importlib.import_module(f"PIL.{name}")
    for encoding in ENCODINGS:
        "".encode(encoding)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    pillow_heif.options.DECODE_THREADS = 1
