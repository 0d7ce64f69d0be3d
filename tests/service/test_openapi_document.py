"""Tests that the OpenAPI document agrees with docs/protocol.md: routes, fields, and which fields are optional.

`protocol_page` repeats the content of the page by hand. A test fails if the code, the document and the page differ.
"""

import re
from typing import Any

import pytest

from events.wire import BODY_BY_NAME
from tests.service.access_fixtures import PROBLEM_FIELDS, Standing
from tests.service.protocol_page import DRAFTED, OPEN, OPEN_OR_KNOWN, OTHERWISE, PARAMETERS, ROUTES

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document(standing: Standing) -> Document:
    answer = standing.http.get("/schema/openapi.json")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json"
    found: Document = answer.json()
    return found


def resolved(document: Document, schema: Any) -> Any:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def objects_in(document: Document, schema: Any) -> list[Any]:
    """Returns the object types that a schema allows, without null and scalars."""
    schema = resolved(document, schema)
    if "anyOf" in schema:
        return [found for inner in schema["anyOf"] for found in objects_in(document, inner)]
    return [schema] if schema.get("type") == "object" and "properties" in schema else []


def lists_in(document: Document, schema: Any) -> list[Any]:
    schema = resolved(document, schema)
    if "anyOf" in schema:
        return [found for inner in schema["anyOf"] for found in lists_in(document, inner)]
    return [schema] if schema.get("type") == "array" else []


def fields(document: Document, schema: Any) -> Any:
    """Returns the fields of a schema, in the notation of ROUTES."""
    objects = objects_in(document, schema)
    if len(objects) == 2 and objects[1]["title"] == "Hint":
        return {"event": fields(document, {"anyOf": objects[:1]}), "hint": sorted(objects[1]["properties"])}
    if len(objects) > 1 or any("type" in one["properties"] and one["title"] != "CloudEvent" for one in objects):
        drafted = {one["title"] for one in objects} == set(DRAFTED)
        assert drafted or {one["title"] for one in objects} == set(BODY_BY_NAME)
        return "draft" if drafted else "event"
    if not objects:
        return None
    found = {}
    for name, inner in objects[0]["properties"].items():
        mark = "" if name in objects[0].get("required", ()) else "?"
        lists = lists_in(document, inner)
        if lists:
            # A list of fixed length (months) has one schema for each item, and `false` for further items.
            found[f"{name}{mark}*"] = fields(document, lists[0].get("items") or {})
        else:
            found[name + mark] = fields(document, inner)
    return found


def operations(document: Document) -> dict[str, Any]:
    return {
        f"{method.upper()} {path}": operation for path, found in document["paths"].items() for method, operation in found.items()
    }


def test_the_document_has_every_route_of_the_page_and_no_other(document: Document) -> None:
    """The document and the page have the same routes. Neither has routes that are only planned."""
    assert document["openapi"].startswith("3.1")
    assert set(ROUTES) == set(operations(document))


@pytest.mark.parametrize("route", ROUTES)
def test_a_routes_request_and_response_agree_with_the_page(document: Document, route: str) -> None:
    """Each field of the request and of the response, and whether it is optional, is the same in the document and on the page."""
    status, takes, answers = ROUTES[route]
    operation = operations(document)[route]
    assert min(code for code in operation["responses"] if code[0] == "2") == str(status)
    assert ("requestBody" in operation) == (takes is not None or route in OTHERWISE)
    if "requestBody" in operation:
        assert set(operation["requestBody"]["content"]) == OTHERWISE.get(route, {"application/json", "application/msgpack"})
    if takes is not None:
        content = operation["requestBody"]["content"]
        for one in content.values():
            assert takes == fields(document, one["schema"])
    content = operation["responses"][str(status)].get("content", {})
    if answers is None:
        assert not {"application/json", "application/msgpack"} & set(content)
    else:
        assert set(content) == {"application/json", "application/msgpack"}
        for one in content.values():
            assert answers == fields(document, one["schema"])


def taken_in(document: Document, schema: Any, seen: frozenset[str] = frozenset()) -> list[Any]:
    """Returns every object type in a body, at any depth."""
    found = []
    for one in objects_in(document, schema):
        if one["title"] not in seen:
            inner = [*one["properties"].values(), *[each.get("items") or {} for each in one["properties"].values()]]
            found += [one, *(deeper for each in inner for deeper in taken_in(document, each, seen | {one["title"]}))]
    return found


def test_fields_that_are_not_listed_are_forbidden_on_the_way_in(document: Document) -> None:
    """Protocol: requests forbid unknown fields. Responses allow unknown fields, so that new fields can be added."""
    names = set()
    for route, operation in operations(document).items():
        for content in operation.get("requestBody", {"content": {}})["content"].values():
            for one in taken_in(document, content["schema"]):
                if one["title"] == "CloudEvent":  # the CloudEvents standard allows senders to add attributes
                    continue
                assert one["additionalProperties"] is False, (route, one["title"])
                names.add(one["title"])
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values():
                if status[0] == "2" and "schema" in content:
                    assert not any("additionalProperties" in one for one in objects_in(document, content["schema"]))
    assert names >= {"PushBody", "Named", "NewChild", "Invite", "AcceptInvite", "JoinerChoice", *DRAFTED}


@pytest.mark.parametrize("kind", DRAFTED)
def test_an_event_that_a_device_sends_has_the_fields_of_the_page(document: Document, kind: str) -> None:
    """The fields of each event type are those of the table in section Sync of the protocol."""
    schema = document["components"]["schemas"][kind]
    plain = {**schema, "properties": {name: inner for name, inner in schema["properties"].items() if name != "type"}}
    assert schema["properties"]["type"] == {"enum": [kind]}
    assert DRAFTED[kind] == fields(document, plain)


def test_the_bounds_of_the_page_are_in_the_document(document: Document) -> None:
    """The bounds of drafts, texts and pages, and the allowed words, are those of the protocol."""
    schemas = document["components"]["schemas"]

    def text_max(kind: str, field: str) -> int:
        schema = schemas[kind]["properties"][field]
        return int(next(one["maxLength"] for one in schema.get("anyOf", [schema]) if "maxLength" in one))

    drafts = schemas["PushBody"]["properties"]["drafts"]
    assert (drafts["minItems"], drafts["maxItems"]) == (1, 256)
    assert text_max("MilestoneObserved", "note") == 2_000
    assert text_max("NoteWritten", "text") == 10_000
    assert text_max("Cheered", "words") == 500
    assert set(schemas["How"]["enum"]) == {"in_person", "live_video", "clip"}
    assert set(schemas["Mode"]["enum"]) == {"tell", "hint", "keep"}
    assert set(schemas["Audience"]["enum"]) == {"me", "household", "family"}
    assert set(schemas["Precision"]["enum"]) == {"minute", "day", "week", "month"}
    assert set(schemas["Sees"]["enum"]) == {"own", "since_joining", "all"}
    assert set(schemas["Role"]["enum"]) == {"parent", "caregiver", "daycare"}
    assert set(schemas["TimelineEntry"]["properties"]["state"]["enum"]) == {"seen", "still_new"}
    assert set(schemas["Receipt"]["properties"]["outcome"]["enum"]) == {"recorded", "already_recorded", "refused"}
    limit = next(one for one in operations(document)["GET /v1/families/{family}/feed"]["parameters"] if one["name"] == "limit")
    assert (limit["schema"]["default"], limit["schema"]["maximum"]) == (500, 2_000)


@pytest.mark.parametrize("route", ROUTES)
def test_a_routes_parameters_agree_with_the_page(document: Document, route: str) -> None:
    """The parameters are those of the page. All query parameters are optional, and ids in a path have one spelling."""
    parameters = operations(document)[route]["parameters"]
    assert PARAMETERS.get(route, set()) == {one["name"] for one in parameters if one["in"] != "path"}
    assert not any(one["required"] for one in parameters if one["in"] != "path")
    in_path = {one["name"]: one["schema"] for one in parameters if one["in"] == "path"}
    assert set(re.findall(r"\{([a-z]+)\}", route)) == set(in_path)
    for schema in in_path.values():
        assert re.fullmatch(schema["pattern"], "0193a3c0-0000-7000-8000-000000000000")
        assert not re.fullmatch(schema["pattern"], "0193A3C0-0000-7000-8000-000000000000")


@pytest.mark.parametrize("route", ROUTES)
def test_every_refusal_is_promised_as_a_problem_document(document: Document, route: str) -> None:
    """RFC 9457: a route lists each status with which it refuses, as a problem document."""
    operation = operations(document)[route]
    refusals = {status: response for status, response in operation["responses"].items() if status[0] in "45" and status != "503"}
    needed = {"400", "405", "414", "500"}
    needed |= {"401"} if operation["security"] else set()
    needed |= {"404"} if "{" in route else set()
    needed |= {"408", "413", "415"} if "requestBody" in operation else set()
    needed |= {"429"} if route.split(" ")[1].startswith("/v1/") else set()
    assert needed <= set(refusals), route
    for status, response in refusals.items():
        assert set(response["content"]) == {"application/problem+json"}, status
        schema = resolved(document, response["content"]["application/problem+json"]["schema"])
        assert set(schema["properties"]) == set(schema["required"]) == PROBLEM_FIELDS


@pytest.mark.parametrize("route", ROUTES)
def test_the_allowed_callers_are_in_the_document(document: Document, route: str) -> None:
    """Every route needs a device token, except the routes for new users and for monitoring (protocol, Auth)."""
    expected: list[Any] = [] if route in OPEN else [{}, {"device": []}] if route in OPEN_OR_KNOWN else [{"device": []}]
    assert expected == operations(document)[route]["security"]


def test_nothing_internal_is_in_the_document(document: Document) -> None:
    """Laws 3 and 14: the document has no `seq`, no salt, no "last seen", and no device of another member."""

    def names(value: Any) -> set[str]:
        match value:
            case dict():
                own = set(value.get("properties", {})) if isinstance(value.get("properties"), dict) else set()
                return own.union(*[names(inner) for inner in value.values()])
            case list():
                return set().union(*[names(inner) for inner in value])
            case _:
                return set()

    never = {"seq", "salt", "last_seen", "read_at", "seen_by", "ip", "address", "location", "token_hash", "online"}
    assert not names(document) & never
    assert "device" not in document["components"]["schemas"]["MemberListed"]["properties"]
