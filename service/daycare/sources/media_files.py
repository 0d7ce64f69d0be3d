"""Names the pictures and films of an entry, without downloading them.

Owns the choice of names: an id or a file name. A name is never a URL or a folder, because these might give access to the file.
"""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from service.daycare.record import Media
from service.daycare.sources.fields import clean

FILE_NAME: Final = re.compile(r"[^/\\\0]{1,200}")
MEDIA_TYPE: Final = re.compile(r"(?:image|video|audio|application)/[a-z0-9.+-]{1,80}")
TYPE_BY_ENDING: Final = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "heic": "image/heic",
    "gif": "image/gif",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
}


def media_named(name: str | int | None, *, url: str | None = None, content_type: str | None = None) -> tuple[Media, ...]:
    """Returns a picture or a film with its id as the name. Without an id, the name is the file name at the end of its URL.

    Returns an empty tuple if neither is a usable name. The URL is never kept, because its query may give access to the file.
    """
    address = path_of(url)
    at_its_end = address.rpartition("/")[2] if address is not None else ""
    chosen = clean(str(name) if name is not None else None, at="media") or clean(at_its_end, at="media") or ""
    ending = at_its_end.rpartition(".")[2] or chosen.rpartition(".")[2]
    # A name with a slash is a URL or a folder, and might give access to the file, too.
    if FILE_NAME.fullmatch(chosen) is None:
        return ()
    return (Media(name=chosen, content_type=content_type or TYPE_BY_ENDING.get(ending.lower())),)


def media_type(value: Any) -> str | None:
    """Returns a media type (`image/jpeg`) without its parameters; None if `value` is no media type."""
    plain = value.partition(";")[0].strip().lower() if isinstance(value, str) else ""
    return plain if MEDIA_TYPE.fullmatch(plain) is not None else None


def path_of(url: str | None) -> str | None:
    """Returns the path of a URL, without query and fragment; None if `url` is missing or invalid."""
    if url is None:
        return None
    try:
        return urlsplit(url).path
    except ValueError:
        return None
