"""Defines the reasons to refuse an uploaded file. Each is a code that the uploader gets, with a sentence."""

from typing import Final

REASONS: Final = {
    "clip.unknown_type": "The file is none of the kinds of film and picture that can be cleaned.",
    "clip.wrong_type": "The file is not what its `filetype` states.",
    "clip.broken": "The file ends too early, or cannot be read to its end.",
    "clip.too_large": "The picture or film has more pixels, frames a second or minutes than a clip may have.",
    "clip.no_picture": "The file contains no picture track that can be shown.",
    "clip.unknown_codec": "The film is coded in a way that no browser plays and that is not converted.",
    "clip.hidden_pictures": "The film was cut, and what was cut off is still in it. Save it as a new film, and upload that.",
    "clip.not_cleaned": "The file could not be cleaned within the limits of memory and time.",
}
"""Code -> the sentence for a person."""


class CannotClean(Exception):
    """A file cannot be cleaned, so it is not served to anybody."""

    def __init__(self, code: str) -> None:
        super().__init__(REASONS[code])
        self.code = code
