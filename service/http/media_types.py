"""Parses Content-Type, Accept and Accept-Encoding by RFC 9110: media types, parameters, quoted strings, weights.

Owns the grammar (sections 5.6, 8.3.1 and 12.4.2). Knows no route: each route passes the media types that it accepts.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from service.http.asgi import HEADERS_BY_NAME, Scope
from service.http.problems import MediaTypeUnsupported

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_TYPE: Final = re.compile(rf"[ \t]*({_TOKEN}/{_TOKEN})")
_PARAMETER: Final = re.compile(rf"[ \t]*;[ \t]*(?:({_TOKEN})=({_TOKEN}|{_QUOTED}))?")
_ELEMENT: Final = re.compile(rf"(?:[^,\"]|{_QUOTED})+")
_WEIGHT: Final = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})
"""The names of UTF-8, and of ASCII, which is a subset of UTF-8."""


class MediaType(msgspec.Struct, frozen=True):
    """A media type with its parameters. Names are in lower case; values are unchanged, but without quotes."""

    name: str
    """Type and subtype, with the slash."""
    parameters: Mapping[str, str]

    @property
    def is_json(self) -> bool:
        """Whether this is JSON, by the subtype or by the suffix of the subtype (RFC 6839)."""
        return self.name.endswith(("/json", "+json"))

    @property
    def is_utf8(self) -> bool:
        """Whether the charset is UTF-8 or not given. JSON is always UTF-8 (RFC 8259), so the charset is optional."""
        return self.parameters.get("charset", "utf-8").lower() in _UTF8


def media_type_in(text: str) -> MediaType | None:
    """Returns the media type that a text contains; None if the text is invalid or gives one parameter two values.

    Unknown parameters are kept: readers ignore them (RFC 2045, section 5).
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
    """Returns a quoted string without quotes and backslashes (RFC 9110, section 5.6.4), and any other value unchanged."""
    if re.fullmatch(_QUOTED, value, re.DOTALL) is None:
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)


def of_request(scope: Scope, *, accepted: Sequence[str]) -> MediaType:
    """Returns the media type of a request's body. A refusal lists the `accepted` media types.

    Raises:
        MediaTypeUnsupported: the headers name no media type, several, an invalid media type, or a content encoding.
    """
    named = scope[HEADERS_BY_NAME].get(b"content-type", ())
    found = media_type_in(named[0].decode("latin-1")) if len(named) == 1 else None
    if found is None:
        raise MediaTypeUnsupported(accepted)
    if any(value.strip().lower() != b"identity" for value in scope[HEADERS_BY_NAME].get(b"content-encoding", ())):
        raise MediaTypeUnsupported(accepted, at="Content-Encoding")
    return found


def weights(scope: Scope, header: bytes) -> dict[str, float]:
    """Returns the weight of each media type or coding in a header, 0 to 1, by its lower-case name. An invalid weight is 0."""
    weight_by_name: dict[str, float] = {}
    listed = b",".join(scope[HEADERS_BY_NAME].get(header, ())).decode("latin-1")
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
