"""Tests every operation with random valid and invalid requests of every role: the response is one that the document describes.

schemathesis draws the requests from the document. A stream never ends, so its test is separate and reads only the head.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from events.ids import CANONICAL_UUID
from tests.service.access_fixtures import Standing, some_uuid
from tests.service.protocol_page import ROUTES

PEOPLE = ("ada", "ben", "cleo", "ducklings", "eve", None)
"""Two parents, a sitter, a daycare, a parent of another family, and a caller without a token."""
EXAMPLES = max(5, settings().max_examples // 12)
"""Fewer examples than in other tests, because each operation is tested with two kinds of requests."""
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
PRINTABLE = st.characters(min_codepoint=33, max_codepoint=126)

ANSWERS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
           response_headers_conformance]  # fmt: skip
LIVE = "/v1/families/{family}/live"
# A push is read draft by draft: an invalid draft is refused in its receipt, and the status is 200.
PUSH = "/v1/families/{family}/events"

TAKES_SOMETHING = {route for route, (_, takes, _) in ROUTES.items() if takes or "{" in route or "catalogue" in route}
FORBID_SOMETHING = TAKES_SOMETHING - {f"GET {LIVE}"}
"""The routes that have a body or a query, which can be invalid. Other routes have no input."""


@pytest.fixture(scope="module")
def schema(standing: Standing) -> Any:
    return schemathesis.openapi.from_dict(standing.http.get("/schema/openapi.json").json(), config=SchemathesisConfig())


def ask(standing: Standing, case: Any, who: str | None, family: str | None, *, clip: str | None) -> Any:
    """Sends a case with the token of one of `PEOPLE`: to an existing family or the generated id, and to `clip` if given."""
    # If the invalid part of a case is its family id, that id is kept.
    if family is not None and CANONICAL_UUID.fullmatch(str((case.path_parameters or {}).get("family"))):
        case.path_parameters["family"] = family
        if clip is not None and "clip" in case.path_parameters and family == standing.people["ada"].family:
            case.path_parameters["clip"] = clip
    headers = standing.people[who].headers if who is not None else {}
    return case.call(base_url=standing.url, headers=headers, timeout=20)


def nothing_forbidden_succeeds(ctx: Any, response: Any, case: Any) -> Any:
    """Checks that an invalid request fails. Replaces the check of schemathesis, which does not know the status 414."""
    return negative_data_rejection(ctx, response, case) if 200 <= response.status_code < 300 else None


def families(standing: Standing) -> st.SearchStrategy[str | None]:
    return st.sampled_from([standing.people["ada"].family, standing.people["eve"].family, some_uuid(4), None])


def hold_to_the_document(
    standing: Standing, cases: st.SearchStrategy[Any], checks: list[Any], *, clip: str | None = None
) -> None:
    """Sends generated cases with the token of every role, and checks each response."""

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
    @given(case=cases, who=st.sampled_from(PEOPLE), family=families(standing))
    def answers(case: Any, who: str | None, family: str | None) -> None:
        case.validate_response(ask(standing, case, who, family, clip=clip), checks=checks)

    answers()


@pytest.mark.parametrize("route", [route for route in ROUTES if route != f"GET {LIVE}"])
def test_a_valid_request_gets_a_documented_response(standing: Standing, schema: Any, route: str) -> None:
    """A valid request causes no 5xx. The status, the media type and the body of its response are in the document."""
    method, path = route.split(" ")
    clip = standing.upload("ada") if "{clip}" in path else None
    hold_to_the_document(standing, schema[path][method].as_strategy(), ANSWERS, clip=clip)


@pytest.mark.parametrize("route", [route for route in ROUTES if route in FORBID_SOMETHING])
def test_an_invalid_request_gets_a_documented_refusal(standing: Standing, schema: Any, route: str) -> None:
    """No invalid request causes a 5xx, or succeeds."""
    method, path = route.split(" ")
    checks = ANSWERS if path == PUSH else [*ANSWERS, nothing_forbidden_succeeds]
    hold_to_the_document(standing, schema[path][method].as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE), checks)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    after=st.one_of(st.none(), st.integers(-2, 40).map(str), st.integers().map(str), st.text(max_size=8)),
    last=st.one_of(st.none(), st.integers(0, 40).map(str), st.text(PRINTABLE, max_size=25)),
    who=st.sampled_from(PEOPLE),
)
def test_a_stream_begins_or_is_refused_as_the_document_says(
    standing: Standing, after: str | None, last: str | None, who: str | None
) -> None:
    """The head of a stream's response is one that the document describes, for any start position."""
    headers = {} if who is None else standing.people[who].headers
    if last is not None:
        headers = {**headers, "Last-Event-ID": last}
    path = LIVE.replace("{family}", standing.people["ada"].family)
    with standing.http.stream("GET", path, params={} if after is None else {"after": after}, headers=headers) as answer:
        expected = {None: {401}, "eve": {404}}.get(who, {200, 400, 409})
        assert answer.status_code in expected
        media_type = "text/event-stream; charset=utf-8" if answer.status_code == 200 else "application/problem+json"
        assert answer.headers["content-type"] == media_type
