"""Draws the OpenAPI 3.1 document from what the routes say of themselves. Owns the drawing; decides nothing.

Shapes come from the very types that read and write them, so the document cannot promise another.
"""

import re
from collections.abc import Iterable, Sequence
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
    who=CallerKind.ANYONE,
    kind=Kind.FREE,
    answers=dict[str, Any],
    answers_as="application/vnd.oai.openapi+json",
)
MEDIA_TYPES: Final = ("application/json", "application/msgpack")
PROBLEM: Final = "application/problem+json"
COMPONENTS: Final = "#/components/schemas/"

BY_EVERY_ROUTE: Final[tuple[type[Refused], ...]] = (AddressTooLong, HostInvalid, FieldInvalid, Crashed, Unavailable)
"""A route without a query of its own refuses every name in one."""
BY_EVERY_BODY: Final[tuple[type[Refused], ...]] = (
    BodyMalformed, FieldInvalid, DuplicateKey, TextHasNul, BodyTooDeep, BodyTooSlow, BodyTooLarge, BodyNoRoom,
    MediaTypeUnsupported,
)  # fmt: skip


def draw(routes: Iterable[tuple[str, str, Endpoint]]) -> dict[str, Any]:
    """The document for (method, template, declaration)s."""
    routes = sorted(routes, key=lambda route: (route[1], route[0]))
    shapes: list[Any] = [ProblemDocument]
    for _, _, says in routes:
        shapes.extend(shape for shape in (says.takes, says.answers, *says.speaks_of) if shape is not None)
    schemas, components = msgspec.json.schema_components(shapes, ref_template=COMPONENTS + "{name}")
    schema_by_shape = {id(shape): schema for shape, schema in zip(shapes, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for method, template, says in routes:
        paths.setdefault(template, {})[method.lower()] = _operation(method, template, says, schema_by_shape)
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


def _operation(method: str, template: str, says: Endpoint, schema_by_shape: dict[int, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(method, template),
        "summary": says.summary,
        "description": f"Answers {says.who.value}.",
        "parameters": _parameters(template, says),
        "responses": _responses(template, says, schema_by_shape),
    }
    match says.who:
        case CallerKind.MEMBER | CallerKind.DEVICE:
            operation["security"] = [{"device": []}]
        case CallerKind.ANYONE_OR_DEVICE:
            operation["security"] = [{}, {"device": []}]
        case CallerKind.ANYONE | CallerKind.SIGNED:
            operation["security"] = []
    if says.takes is not None:
        schema = _renamed(schema_by_shape[id(says.takes)])
        content = {name: {"schema": schema} for name in says.takes_as or MEDIA_TYPES}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _operation_id(method: str, template: str) -> str:
    return "_".join([method.lower(), *re.findall(r"[a-z0-9]+", template.removeprefix("/v1"))])


def _parameters(template: str, says: Endpoint) -> list[dict[str, Any]]:
    uuid = {"type": "string", "format": "uuid", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": uuid} for name in re.findall(r"\{([a-z_]+)\}", template)
    ]
    found += [{"name": name, "in": "query", "required": False, "schema": dict(schema)} for name, schema in says.query.items()]
    found += [{"name": name, "in": "header", "required": False, "schema": dict(schema)} for name, schema in says.headers.items()]
    return found


def _responses(template: str, says: Endpoint, schema_by_shape: dict[int, Any]) -> dict[str, Any]:
    answered: dict[str, Any] = {"description": says.summary}
    if says.answers is not None:
        schema = _renamed(schema_by_shape[id(says.answers)])
        names: Sequence[str] = MEDIA_TYPES if says.answers_as is None else (says.answers_as,)
        answered["content"] = {name: {"schema": schema} for name in names}
    responses = {str(says.status): answered}
    refusals: dict[int, list[type[Refused]]] = {}
    for refusal in _refusals(template, says):
        refusals.setdefault(refusal.status, []).append(refusal)
    for status, kinds in sorted(refusals.items()):
        codes = sorted({kind.code for kind in kinds})
        responses[str(status)] = {
            "description": "; ".join(codes),
            "content": {PROBLEM: {"schema": {"$ref": COMPONENTS + "ProblemDocument"}}},
        }
    if says.validates:
        responses["304"] = {"description": "What the caller holds is still so"}
    for status in says.answers_also_at:
        responses.setdefault(str(status), {"description": says.summary, "content": {}})["content"] |= answered["content"]
    return responses


def _refusals(template: str, says: Endpoint) -> list[type[Refused]]:
    found: list[type[Refused]] = [*BY_EVERY_ROUTE, *says.refuses, MethodNotAllowed]
    if says.takes is not None:
        found += BY_EVERY_BODY
    if says.who not in (CallerKind.ANYONE, CallerKind.SIGNED):
        found.append(Unauthenticated)
    if "{" in template:
        found.append(NotFound)
    if says.kind is not Kind.FREE:
        found.append(TooManyRequests)
    return found


def _renamed(value: Any) -> Any:
    """A copy in which the names of components hold only what OpenAPI allows, and patterns what ECMA-262 understands."""
    match value:
        case dict():
            return {_plain(key): _said(key, inner) for key, inner in value.items()}
        case list() | tuple():
            return [_renamed(inner) for inner in value]
        case _:
            return value


def _said(key: str, inner: Any) -> Any:
    if key == "$ref":
        return COMPONENTS + _plain(inner.removeprefix(COMPONENTS))
    if key == "pattern" and isinstance(inner, str):
        return inner.replace(r"\Z", "$")
    if key == "mapping" and isinstance(inner, dict):
        return {name: COMPONENTS + _plain(target.removeprefix(COMPONENTS)) for name, target in inner.items()}
    return _renamed(inner)


def _plain(name: str) -> str:
    # msgspec names a generic by all of its arguments.
    return name if len(name) < 60 else name.split("_", 1)[0]


def _version() -> str:
    try:
        return version("stillnew")
    except PackageNotFoundError:
        return "0"


@get("/schema/openapi.json", opt=SCHEMA.opt())
async def schema(request: RouteRequest) -> Response[bytes]:
    """The document, drawn once at start."""
    document: bytes = request.app.state.openapi
    return Response(document, media_type="application/vnd.oai.openapi+json")


ROUTES: Final = (schema,)
