"""Reads Content-Type, Accept and Accept-Encoding as RFC 9110 writes them: media types, parameters, quoted strings, weights.

Owns the grammar (sections 5.6, 8.3.1 and 12.4.2). Knows no route: each says which media types it takes.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from service.http.asgi import Scope, headers
from service.http.problems import MediaTypeUnsupported

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_TYPE: Final = re.compile(rf"[ \t]*({_TOKEN}/{_TOKEN})")
_PARAMETER: Final = re.compile(rf"[ \t]*;[ \t]*(?:({_TOKEN})=({_TOKEN}|{_QUOTED}))?")
_ELEMENT: Final = re.compile(rf"(?:[^,\"]|{_QUOTED})+")
_WEIGHT: Final = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})
"""Names of UTF-8, and of the part of it that is ASCII."""


class MediaType(msgspec.Struct, frozen=True):
    """A media type with its parameters. Names are in lower case; values are as they were written, without quotes."""

    name: str
    """Type and subtype, with the slash."""
    parameters: Mapping[str, str]

    @property
    def is_json(self) -> bool:
        """Whether what it names is JSON: by its subtype, or by the suffix of its subtype (RFC 6839)."""
        return self.name.endswith(("/json", "+json"))

    @property
    def is_utf8(self) -> bool:
        """Whether it names no other character encoding. JSON has none to choose (RFC 8259), so it may be left out."""
        return self.parameters.get("charset", "utf-8").lower() in _UTF8


def media_type_in(text: str) -> MediaType | None:
    """The media type that a text spells; None where it spells none, or names a parameter twice with two values.

    Parameters that nobody knows are passed over by who reads it (RFC 2045, section 5).
    """
    named = _TYPE.match(text)
    if named is None:
        return None
    parameters: dict[str, str] = {}
    at = named.end()
    while (found := _PARAMETER.match(text, at)) is not None:
        if found[1] is not None:
            name, value = found[1].lower(), unquoted(found[2])
            if parameters.setdefault(name, value) != value:
                return None
        at = found.end()
    return None if text[at:].strip(" \t") else MediaType(named[1].lower(), parameters)


def unquoted(value: str) -> str:
    """A value without its quotes and backslashes, where it is a quoted string (RFC 9110, section 5.6.4); else as it stands."""
    if re.fullmatch(_QUOTED, value, re.DOTALL) is None:
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)


def of_request(scope: Scope, *, takes: Sequence[str]) -> MediaType:
    """The media type of a request's body. `takes` is what to advise.

    Raises:
        MediaTypeUnsupported: it names none, or several, or none that can be read; or the body is coded.
    """
    named = headers(scope, b"content-type")
    found = media_type_in(named[0].decode("latin-1")) if len(named) == 1 else None
    if found is None:
        raise MediaTypeUnsupported(takes)
    if any(value.strip().lower() != b"identity" for value in headers(scope, b"content-encoding")):
        raise MediaTypeUnsupported(takes, at="Content-Encoding")
    return found


def weights(scope: Scope, header: bytes) -> dict[str, float]:
    """How much a caller wants each media type or coding, 0 to 1, by its name in lower case. One that cannot be read weighs 0."""
    weight_by_name: dict[str, float] = {}
    listed = b",".join(headers(scope, header)).decode("latin-1")
    for element in _ELEMENT.findall(listed):
        name, *parameters = (part.strip(" \t") for part in element.split(";"))
        if name:
            weight_by_name[name.lower()] = _weight(parameters)
    return weight_by_name


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            return float(value) if _WEIGHT.fullmatch(value) else 0.0
    return 1.0
