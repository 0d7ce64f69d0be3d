"""Generates the OpenAPI 3.1 document from the declarations of the routes. Owns the generation; decides nothing.

The schemas come from the types that decode requests and encode responses, so the document cannot differ from the code.
"""

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import msgspec
from litestar import Response, get

from events.errors import BodyMalformed, BodyTooDeep, DuplicateKey, FieldInvalid, Refused, TextHasNul
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import (
    AddressTooLong,
    BodyNoRoom,
    BodyTooLarge,
    BodyTooSlow,
    Crashed,
    HostInvalid,
    MediaTypeUnsupported,
    MethodNotAllowed,
    NotFound,
    ProblemDocument,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from service.http.rate_limit import Kind
from service.http.request import RouteRequest

SCHEMA = Endpoint(
    summary="This document",
    caller=CallerKind.ANYONE,
    kind=Kind.FREE,
    response=dict[str, Any],
    media_types=("application/vnd.oai.openapi+json",),
)
MEDIA_TYPES: Final = ("application/json", "application/msgpack")
PROBLEM: Final = "application/problem+json"
COMPONENTS: Final = "#/components/schemas/"

BY_EVERY_ROUTE: Final[tuple[type[Refused], ...]] = (AddressTooLong, HostInvalid, FieldInvalid, Crashed, Unavailable)
"""The refusals that every route can send. FieldInvalid is one, because a route without query parameters refuses every name."""
BY_EVERY_BODY: Final[tuple[type[Refused], ...]] = (
    BodyMalformed, FieldInvalid, DuplicateKey, TextHasNul, BodyTooDeep, BodyTooSlow, BodyTooLarge, BodyNoRoom,
    MediaTypeUnsupported,
)  # fmt: skip


def draw(routes: Iterable[tuple[str, str, Endpoint]]) -> dict[str, Any]:
    """Returns the document for these (method, template, declaration) triples."""
    routes = sorted(routes, key=lambda route: (route[1], route[0]))
    shapes: list[Any] = [ProblemDocument]
    for _, _, endpoint in routes:
        shapes.extend(shape for shape in (endpoint.request, endpoint.response, *endpoint.other_schemas) if shape is not None)
    schemas, components = msgspec.json.schema_components(shapes, ref_template=COMPONENTS + "{name}")
    schema_by_shape = {id(shape): schema for shape, schema in zip(shapes, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for method, template, endpoint in routes:
        paths.setdefault(template, {})[method.lower()] = _operation(method, template, endpoint, schema_by_shape)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stillnew",
            "version": _version(),
            "description": "A family's milestones as one log, told to each parent as the first time they saw it. "
            "Every refusal is a problem document (RFC 9457).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": _renamed(components),
            "securitySchemes": {"device": {"type": "http", "scheme": "bearer", "description": "A device's token"}},
        },
    }


def _operation(method: str, template: str, endpoint: Endpoint, schema_by_shape: dict[int, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(method, template),
        "summary": endpoint.summary,
        "description": f"Answers {endpoint.caller.value}.",
        "parameters": _parameters(template, endpoint),
        "responses": _responses(template, endpoint, schema_by_shape),
    }
    match endpoint.caller:
        case CallerKind.MEMBER | CallerKind.DEVICE:
            operation["security"] = [{"device": []}]
        case CallerKind.ANYONE_OR_DEVICE:
            operation["security"] = [{}, {"device": []}]
        case CallerKind.ANYONE | CallerKind.SIGNED:
            operation["security"] = []
    if endpoint.request is not None:
        schema = _renamed(schema_by_shape[id(endpoint.request)])
        content = {name: {"schema": schema} for name in endpoint.request_media_types or MEDIA_TYPES}
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.streamed is not None:
        operation["requestBody"] = {"required": False, "content": {endpoint.streamed: {"schema": {"type": "string"}}}}
    return operation


def _operation_id(method: str, template: str) -> str:
    return "_".join([method.lower(), *re.findall(r"[a-z0-9]+", template.removeprefix("/v1"))])


def _parameters(template: str, endpoint: Endpoint) -> list[dict[str, Any]]:
    uuid = {"type": "string", "format": "uuid", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": uuid} for name in re.findall(r"\{([a-z_]+)\}", template)
    ]
    for place, schemas in (("query", endpoint.query), ("header", endpoint.headers)):
        found += [{"name": name, "in": place, "required": False, "schema": dict(schema)} for name, schema in schemas.items()]
    return found


def _responses(template: str, endpoint: Endpoint, schema_by_shape: dict[int, Any]) -> dict[str, Any]:
    answered: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.response is not None:
        schema = _renamed(schema_by_shape[id(endpoint.response)])
        answered["content"] = {name: {"schema": schema} for name in endpoint.media_types or MEDIA_TYPES}
    responses = {str(endpoint.status): answered}
    refusals: dict[int, list[type[Refused]]] = {}
    for refusal in _refusals(template, endpoint):
        refusals.setdefault(refusal.status, []).append(refusal)
    for status, kinds in sorted(refusals.items()):
        codes = sorted({kind.code for kind in kinds})
        responses[str(status)] = {
            "description": "; ".join(codes),
            "content": {PROBLEM: {"schema": {"$ref": COMPONENTS + "ProblemDocument"}}},
        }
    if endpoint.has_etag:
        responses["304"] = {"description": "What the caller holds is still so"}
    for status in endpoint.other_statuses:
        responses.setdefault(str(status), {"description": endpoint.summary, "content": {}})["content"] |= answered["content"]
    return responses


def _refusals(template: str, endpoint: Endpoint) -> list[type[Refused]]:
    found: list[type[Refused]] = [*BY_EVERY_ROUTE, *endpoint.errors, MethodNotAllowed]
    if endpoint.request is not None:
        found += BY_EVERY_BODY
    if endpoint.caller not in (CallerKind.ANYONE, CallerKind.SIGNED):
        found.append(Unauthenticated)
    if "{" in template:
        found.append(NotFound)
    if endpoint.kind is not Kind.FREE:
        found.append(TooManyRequests)
    return found


def _renamed(value: Any) -> Any:
    """Returns a copy of a schema, with component names that OpenAPI allows and patterns that ECMA-262 supports."""
    match value:
        case dict():
            return {_component_name(key): _renamed_value(key, inner) for key, inner in value.items()}
        case list() | tuple():
            return [_renamed(inner) for inner in value]
        case _:
            return value


def _renamed_value(key: str, inner: Any) -> Any:
    if key == "$ref":
        return COMPONENTS + _component_name(inner.removeprefix(COMPONENTS))
    if key == "pattern" and isinstance(inner, str):
        return inner.replace(r"\Z", "$")
    if key == "mapping" and isinstance(inner, dict):
        return {name: COMPONENTS + _component_name(target.removeprefix(COMPONENTS)) for name, target in inner.items()}
    return _renamed(inner)


def _component_name(name: str) -> str:
    # msgspec names a generic type by all of its arguments, which makes the name too long.
    return name if len(name) < 60 else name.split("_", 1)[0]


def _version() -> str:
    try:
        return version("stillnew")
    except PackageNotFoundError:
        return "0"


@get("/schema/openapi.json", opt=SCHEMA.opt())
async def schema(request: RouteRequest) -> Response[bytes]:
    """Returns the OpenAPI document, which is generated once at startup."""
    document: bytes = request.app.state.openapi
    return Response(document, media_type="application/vnd.oai.openapi+json")


ROUTES: Final = (schema,)
