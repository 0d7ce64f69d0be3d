"""Serves GET /v1/catalogue: all milestones with their names. The response is the same for every caller.

Owns the type and the ETag of the response. Knows no family: a family's own milestones are in its members' feeds.
"""

from functools import cache
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get

from events.catalogue import CATALOGUE, Milestone
from service.http.asgi import HEADERS_BY_NAME, Scope
from service.http.body import encode, media_type_of
from service.http.compression import coding_of, shortened
from service.http.endpoint import CallerKind, Endpoint
from service.http.rate_limit import Kind
from service.http.request import RouteRequest

LANGUAGE: Final = r"^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*\Z"
"""The form of a language tag by BCP 47, without the rarer forms."""
LANGUAGE_AVAILABLE: Final = "en"

# Weak, because one ETag covers both encodings and every content coding of the same content (RFC 9110, 8.8.1).
ETAG: Final = f'W/"{CATALOGUE.version}"'
HEADERS: Final = {
    # One hour, so that devices see the milestones of a new release on the same day.
    "Cache-Control": "public, max-age=3600",
    "ETag": ETAG,
    "Vary": "Accept, Accept-Encoding",
}


class CatalogueQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The preferred language. If the catalogue does not exist in this language, the response is in English."""

    lang: Annotated[str, msgspec.Meta(pattern=LANGUAGE, max_length=35)] = LANGUAGE_AVAILABLE


class CatalogueListed(msgspec.Struct, frozen=True, kw_only=True):
    """The whole catalogue. `version` changes with every change of the catalogue."""

    version: str
    lang: str
    milestones: tuple[Milestone, ...]


CATALOGUE_QUERY: Final[dict[str, dict[str, Any]]] = {
    "lang": {"type": "string", "pattern": LANGUAGE.replace(r"\Z", "$"), "maxLength": 35, "default": LANGUAGE_AVAILABLE}
}


@cache
def _body(media_type: str, coding: str | None) -> bytes:
    """Returns the response body in one of six forms: two media types, each in three content codings.

    Makes each form only once.
    """
    if coding is not None:
        return shortened(_body(media_type, None), coding)
    milestones = tuple(CATALOGUE.by_key.values())
    return encode(CatalogueListed(version=CATALOGUE.version, lang=LANGUAGE_AVAILABLE, milestones=milestones), media_type)


def _matches_etag(scope: Scope) -> bool:
    """Returns whether the header If-None-Match names the present version. If so, the caller has this version already."""
    if_none_match = b",".join(scope[HEADERS_BY_NAME].get(b"if-none-match", ()))
    return if_none_match.strip() == b"*" or CATALOGUE.version.encode() in _tags(if_none_match)


def _tags(if_none_match: bytes) -> list[bytes]:
    return [tag.strip().removeprefix(b"W/").strip(b'"') for tag in if_none_match.split(b",")]


@get(
    "/v1/catalogue",
    opt=Endpoint(
        summary="The milestones. Cacheable; a language that we do not have is answered in English",
        caller=CallerKind.ANYONE,
        kind=Kind.READ,
        response=CatalogueListed,
        query=CATALOGUE_QUERY,
        headers={"If-None-Match": {"type": "string"}},
        has_etag=True,
    ).opt(),
)
async def catalogue(request: RouteRequest) -> Response[Any]:
    """Returns the catalogue, or 304 if the caller already has this version."""
    request.read_query(CatalogueQuery)
    scope = request.asgi
    if _matches_etag(scope):
        return Response(None, status_code=304, headers=HEADERS)
    media_type = media_type_of(scope)
    coding = coding_of(scope)
    body = _body(media_type, coding)
    encoded = {} if coding is None else {"Content-Encoding": coding}
    return Response(body, media_type=media_type, headers=HEADERS | encoded)


ROUTES: Final = (catalogue,)
