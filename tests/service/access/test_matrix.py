"""Tests the access matrix: the status of each route for each role.

The rows are compared with the OpenAPI document, so a new route without a row fails the test.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import httpx
import jsonschema_rs

from tests.service.conftest import Someone, found_family

ABSENT = "0193a3c0-0000-4000-8000-000000000000"
PUSH = {"sent_at": "2026-11-21T18:00:00Z", "drafts": [{"id": "not an id"}]}

TUS = {"Tus-Resumable": "1.0.0"}

ROLES = ("parent", "other_parent", "caregiver", "daycare", "stranger", "revoked", "nobody")
"""`stranger` is a parent of another family. `revoked` is a revoked device of a parent. `nobody` has no token."""

EVERYBODY = dict.fromkeys(ROLES, 200)
MEMBERS_ONLY = EVERYBODY | {"stranger": 404, "revoked": 401, "nobody": 401}
PARENTS_ONLY = MEMBERS_ONLY | {"parent": 201, "other_parent": 201, "caregiver": 403, "daycare": 403}
PERSONS_ONLY = MEMBERS_ONLY | {"daycare": 403}
ANY_DEVICE = MEMBERS_ONLY | {"stranger": 200}
ABSENT_FOR_MEMBERS = MEMBERS_ONLY | dict.fromkeys(("parent", "other_parent", "caregiver", "daycare"), 404)

UNSIGNED = dict.fromkeys(ROLES, 400)
"""The statuses of a request that names no daycare key. tests/service/daycare has the tests of wrong signatures."""
ABSENT_FOR_PERSONS = ABSENT_FOR_MEMBERS | {"daycare": 403}

Row = tuple[Mapping[str, int], dict[str, Any] | None]

MATRIX: Mapping[str, Row] = {
    "GET /health/live": (EVERYBODY, None),
    "GET /health/ready": (EVERYBODY, None),
    "GET /metrics": (dict.fromkeys(ROLES, 404), None),
    "GET /schema/openapi.json": (EVERYBODY, None),
    "GET /v1/catalogue": (EVERYBODY, None),
    # A missing field or an invalid code is refused for each role alike, except that a revoked token always gets 401.
    "POST /v1/families": (dict.fromkeys(ROLES, 400) | {"revoked": 401}, {}),
    "POST /v1/invites/accept": (
        dict.fromkeys(ROLES, 404) | {"revoked": 401},
        {"code": "no such", "name": "N", "device": {"name": "d"}},
    ),
    "POST /v1/devices/pair": (dict.fromkeys(ROLES, 404), {"code": "no such", "device": {"name": "d"}}),
    "GET /v1/me": (ANY_DEVICE, None),
    "POST /v1/devices/pair-codes": (
        dict.fromkeys(ROLES, 201) | {"revoked": 401, "nobody": 401},
        None,
    ),
    "DELETE /v1/devices/{device}": (dict.fromkeys(ROLES, 404) | {"revoked": 401, "nobody": 401}, None),
    "GET /v1/families/{family}": (MEMBERS_ONLY, None),
    "GET /v1/families/{family}/feed": (MEMBERS_ONLY, None),
    "GET /v1/families/{family}/live": (MEMBERS_ONLY, None),
    "GET /v1/families/{family}/timeline": (MEMBERS_ONLY, None),
    "GET /v1/families/{family}/handover": (MEMBERS_ONLY, None),
    "GET /v1/families/{family}/tips": (MEMBERS_ONLY, None),
    "POST /v1/families/{family}/events": (MEMBERS_ONLY, PUSH),
    "GET /v1/families/{family}/webhooks": (PERSONS_ONLY, None),
    "POST /v1/families/{family}/webhooks": (
        PERSONS_ONLY | dict.fromkeys(("parent", "other_parent", "caregiver"), 422),
        {"url": "https://127.0.0.1/"},
    ),
    "DELETE /v1/families/{family}/webhooks/{webhook}": (ABSENT_FOR_PERSONS, None),
    "POST /v1/families/{family}/webhooks/{webhook}/secret": (ABSENT_FOR_PERSONS, None),
    "POST /v1/families/{family}/webhooks/{webhook}/resume": (ABSENT_FOR_PERSONS, None),
    "POST /v1/families/{family}/children": (PARENTS_ONLY, {"name": "Another"}),
    "PATCH /v1/families/{family}/children/{child}": (
        ABSENT_FOR_MEMBERS | {"caregiver": 403, "daycare": 403},
        {"name": "Another"},
    ),
    "PATCH /v1/families/{family}/members/{member}": (ABSENT_FOR_MEMBERS, {"name": "Another"}),
    "PATCH /v1/families/{family}/households/{household}": (ABSENT_FOR_MEMBERS, {"name": "Another"}),
    "POST /v1/families/{family}/invites": (PARENTS_ONLY, {"role": "caregiver"}),
    "DELETE /v1/families/{family}/members/{member}": (ABSENT_FOR_MEMBERS, None),
    "POST /v1/families/{family}/daycares": (PARENTS_ONLY, {"name": "Ducklings"}),
    "GET /v1/families/{family}/daycares": (PARENTS_ONLY | {"parent": 200, "other_parent": 200}, None),
    "POST /v1/families/{family}/daycare-codes": (
        PARENTS_ONLY | {"parent": 404, "other_parent": 404},
        {"child": ABSENT},
    ),
    "PUT /v1/families/{family}/daycares/{member}/children": (
        ABSENT_FOR_MEMBERS | {"caregiver": 403, "daycare": 403},
        {"reference": "kid-17", "child": None},
    ),
    "POST /v1/daycares": (dict.fromkeys(ROLES, 400) | {"revoked": 401}, {}),
    # The request does not name a source.
    "POST /v1/families/{family}/imports": (
        MEMBERS_ONLY | dict.fromkeys(("parent", "other_parent", "caregiver", "daycare"), 400),
        {},
    ),
    "POST /v1/families/{family}/clips": (PARENTS_ONLY | {"caregiver": 201, "daycare": 201}, None),
    "GET /v1/families/{family}/clips/{clip}": (ABSENT_FOR_MEMBERS, None),
    "GET /v1/families/{family}/clips/{clip}/poster": (ABSENT_FOR_MEMBERS, None),
    "GET /v1/families/{family}/clips/{clip}/files": (ABSENT_FOR_MEMBERS, None),
    "POST /v1/families/{family}/clips/{clip}/ticket": (ABSENT_FOR_MEMBERS, None),
    # A browser's <video> has no token. The request names no ticket.
    "GET /v1/families/{family}/clips/{clip}/shown": (dict.fromkeys(ROLES, 400), None),
    "GET /v1/families/{family}/clips/{clip}/upload": (ABSENT_FOR_MEMBERS, None),
    "HEAD /v1/families/{family}/clips/{clip}/upload": (ABSENT_FOR_MEMBERS, None),
    "PATCH /v1/families/{family}/clips/{clip}/upload": (ABSENT_FOR_MEMBERS, None),
    "DELETE /v1/families/{family}/clips/{clip}/upload": (ABSENT_FOR_MEMBERS, None),
    # A daycare's system has no token. Its signature identifies it.
    "POST /v1/daycare/events": (UNSIGNED, {}),
    "POST /v1/daycare/links": (UNSIGNED, {}),
    "POST /v1/daycare/secret": (UNSIGNED, {}),
}


HEADERS = {
    "POST /v1/families/{family}/clips": {**TUS, "Upload-Length": "10", "Upload-Metadata": "filetype aW1hZ2UvcG5n"},
    "HEAD /v1/families/{family}/clips/{clip}/upload": TUS,
    "PATCH /v1/families/{family}/clips/{clip}/upload": {
        **TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"
    },
    "DELETE /v1/families/{family}/clips/{clip}/upload": TUS,
}  # fmt: skip
"""The headers of requests that need more of them than a token."""


async def cast_of(http: httpx.AsyncClient) -> dict[str, Someone]:
    """Returns a device for each role: members of one family, and callers from outside."""
    parent = await found_family(http)
    other_parent = await parent.invite("parent", name="Ben", household={"name": "Bens"})
    code = (await parent.ask("POST", "/v1/devices/pair-codes")).json()["code"]
    paired = (await http.post("/v1/devices/pair", json={"code": code, "device": {"name": "lost phone"}})).json()
    revoked = Someone(http, {**paired, "family": parent.family})
    assert (await parent.ask("DELETE", f"/v1/devices/{revoked.device}")).status_code == 204
    return {
        "parent": parent,
        "other_parent": other_parent,
        "caregiver": await parent.invite("caregiver", name="Cleo"),
        "daycare": await parent.invite("daycare", name="Ducklings"),
        "stranger": await found_family(http, you="Eve"),
        "revoked": revoked,
    }


async def status_of(http: httpx.AsyncClient, method: str, path: str, *, headers: dict[str, str], body: Any) -> int:
    """Returns the status of a response. The body is not read, because a live stream never ends."""
    async with http.stream(method, path, headers=headers, json=body) as answer:
        return answer.status_code


async def test_every_operation_responds_to_every_role_as_in_its_row(http: httpx.AsyncClient) -> None:
    """Each role calls each operation of the OpenAPI document for one family, and gets the status of the matrix."""
    document = (await http.get("/schema/openapi.json")).json()
    operations = {f"{method.upper()} {path}" for path, found in document["paths"].items() for method in found}
    assert operations == MATRIX.keys(), "a route without a row, or a row without a route"
    cast = await cast_of(http)
    family = cast["parent"].family
    wrong: list[str] = []
    for operation, (expected, body) in MATRIX.items():
        assert expected.keys() == set(ROLES), operation
        method, template = operation.split(" ")
        path = re.sub(r"\{[a-z]+\}", ABSENT, template.replace("{family}", family))

        more = HEADERS.get(operation, {})

        async def ask(role: str, method: str = method, path: str = path, body: Any = body, more: Any = more) -> int:
            headers = {**more, **(cast[role].headers if role in cast else {})}
            return await status_of(http, method, path, headers=headers, body=body)

        found = dict(zip(ROLES, await asyncio.gather(*map(ask, ROLES)), strict=True))
        differing = [role for role in ROLES if found[role] != expected[role]]
        wrong += [f"{operation} as {role}: {found[role]}, not {expected[role]}" for role in differing]
    assert not wrong, "\n".join(wrong)


async def test_what_a_parent_may_remove_is_decided_per_home(http: httpx.AsyncClient) -> None:
    """Law 16: a parent removes neither the other parent nor the other's caregivers. A caregiver removes only themselves."""
    cast = await cast_of(http)
    theirs = await cast["other_parent"].invite("caregiver", name="Oma")
    attempts = [
        ("parent", cast["other_parent"], 403),
        ("parent", theirs, 403),
        ("other_parent", cast["caregiver"], 403),
        ("caregiver", cast["parent"], 403),
        ("daycare", cast["caregiver"], 403),
        ("stranger", cast["caregiver"], 404),
        ("revoked", cast["caregiver"], 401),
        ("other_parent", theirs, 204),
        ("parent", cast["daycare"], 204),
        ("caregiver", cast["caregiver"], 204),
    ]
    for by, target, status in attempts:
        answer = await cast[by].ask("DELETE", f"/v1/families/{cast['parent'].family}/members/{target.member}")
        assert status == answer.status_code, (by, answer.text)


async def test_every_response_of_the_matrix_is_in_the_document(http: httpx.AsyncClient) -> None:
    """The OpenAPI document lists each status of the matrix, with the type of its response."""
    document = (await http.get("/schema/openapi.json")).json()
    cast = await cast_of(http)
    for operation, (_, body) in MATRIX.items():
        if operation.endswith("/live"):
            continue
        method, template = operation.split(" ")
        path = re.sub(r"\{[a-z]+\}", ABSENT, template.replace("{family}", cast["parent"].family))
        responses = document["paths"][template][method.lower()]["responses"]
        for role in ROLES:
            headers = {**HEADERS.get(operation, {}), **(cast[role].headers if role in cast else {})}
            answer = await http.request(method, path, headers=headers, json=body)
            assert str(answer.status_code) in responses, f"{operation} answers {answer.status_code}, which it does not say"
            content = responses[str(answer.status_code)].get("content", {})
            media_type = answer.headers.get("content-type", "").partition(";")[0]
            assert media_type in content or not answer.content, operation
            if media_type.endswith("json") and answer.content:
                schema = {**content[media_type]["schema"], "components": document["components"]}
                jsonschema_rs.validate(schema, answer.json())
