"""GET /v1/catalogue: every milestone that a child may show, for devices to name them. The same for everybody.

Owns the answer's shape and its validator. Knows no family: a family's own milestones are told in its feed.
"""

from functools import cache
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get

from events.catalogue import CATALOGUE, Milestone
from service.http import response
from service.http.asgi import Scope, headers
from service.http.compression import coding_of, shortened
from service.http.endpoint import CallerKind, Endpoint
from service.http.rate_limit import Kind
from service.http.request import RouteRequest

LANGUAGE: Final = r"^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*\Z"
"""BCP 47, in its plain form."""
LANGUAGE_HELD: Final = "en"

# Weak: one validator for both encodings and every content coding, which tell the same (RFC 9110, 8.8.1).
ETAG: Final = f'W/"{CATALOGUE.version}"'
HEADERS: Final = {
    # An hour: a release that names more milestones is noticed on the same day.
    "Cache-Control": "public, max-age=3600",
    "ETag": ETAG,
    "Vary": "Accept, Accept-Encoding",
}


class CatalogueQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The language that the reader would like. Another one than ours is answered in ours, which `lang` says."""

    lang: Annotated[str, msgspec.Meta(pattern=LANGUAGE, max_length=35)] = LANGUAGE_HELD


class CatalogueListed(msgspec.Struct, frozen=True, kw_only=True):
    """The whole catalogue. `version` changes with any word of it."""

    version: str
    lang: str
    milestones: tuple[Milestone, ...]


CATALOGUE_QUERY: Final[dict[str, dict[str, Any]]] = {
    "lang": {"type": "string", "pattern": LANGUAGE.replace(r"\Z", "$"), "maxLength": 35, "default": LANGUAGE_HELD}
}


@cache
def _bytes(media_type: str, coding: str | None) -> bytes:
    """One of the six forms of the answer, made once."""
    if coding is not None:
        return shortened(_bytes(media_type, None), coding)
    milestones = tuple(CATALOGUE.by_key.values())
    return response.encode(CatalogueListed(version=CATALOGUE.version, lang=LANGUAGE_HELD, milestones=milestones), media_type)


def _is_held(scope: Scope) -> bool:
    """Whether the caller has this version already."""
    asked = b",".join(headers(scope, b"if-none-match"))
    return asked.strip() == b"*" or CATALOGUE.version.encode() in _tags(asked)


def _tags(asked: bytes) -> list[bytes]:
    return [tag.strip().removeprefix(b"W/").strip(b'"') for tag in asked.split(b",")]


@get(
    "/v1/catalogue",
    opt=Endpoint(
        summary="The milestones. Cacheable; a language that we do not have is answered in English",
        who=CallerKind.ANYONE,
        kind=Kind.READ,
        answers=CatalogueListed,
        query=CATALOGUE_QUERY,
        headers={"If-None-Match": {"type": "string"}},
        validates=True,
    ).opt(),
)
async def catalogue(request: RouteRequest) -> Response[Any]:
    """Give the catalogue, or 304 to who has it."""
    request.asked_for(CatalogueQuery)
    scope: Scope = request.scope  # type: ignore[assignment]
    if _is_held(scope):
        return Response(None, status_code=304, headers=HEADERS)
    media_type = response.media_type_of(scope)
    coding = coding_of(scope)
    body = _bytes(media_type, coding)
    encoded = {} if coding is None else {"Content-Encoding": coding}
    return Response(body, media_type=media_type, headers=HEADERS | encoded)


ROUTES: Final = (catalogue,)
