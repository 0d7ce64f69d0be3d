"""Tests the checks before any route: the size of the request head, the Host header, and unknown query parameters."""

import json
import re
import socket
from typing import Any

import httpx
import pytest

from tests.service.access_fixtures import Standing, read_answer

pytestmark = pytest.mark.usefixtures("nothing_changes")

HEAD_BYTES_MAX = 64 * 1024
UNLISTED = "unlisted"
"""A query parameter that no route declares."""


def head_of(path: str, *, filler_bytes: int, each_bytes: int = 8_000) -> bytes:
    """Returns a request without a body, with about `filler_bytes` of additional headers."""
    fillers = [b"X-%d: " % number + b"a" * min(each_bytes, filler_bytes - at)
               for number, at in enumerate(range(0, filler_bytes, each_bytes))]  # fmt: skip
    return b"\r\n".join([b"GET %b HTTP/1.1" % path.encode(), b"Host: x", *fillers, b"", b""])


@pytest.mark.parametrize("each_bytes", [90_000, 8_000, 1])
def test_a_whole_head_above_64_kib_is_refused_also_when_it_comes_in_one_read(standing: Standing, each_bytes: int) -> None:
    """Law 17: a head over the bound gets 431, whether it arrives in one read or in several, as one header or as thousands."""
    filler_bytes = 70_000 if each_bytes > 1 else 8_000
    answer = standing.raw(head_of("/health/live", filler_bytes=filler_bytes, each_bytes=each_bytes))
    assert (answer.refusal(), answer.headers["connection"]) == ((431, "head.too_large", None), "close")


def test_a_long_address_counts_as_a_part_of_the_head(standing: Standing) -> None:
    """Law 17: the request line counts towards the bound of the head."""
    assert standing.raw(b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 70_000)).refusal() == (431, "head.too_large", None)


def test_a_head_just_below_the_bound_is_read(standing: Standing) -> None:
    """A head just below the documented bound is accepted."""
    assert standing.raw(head_of("/health/live", filler_bytes=HEAD_BYTES_MAX - 1_000)).status == 200


def test_each_request_of_a_connection_has_a_head_of_its_own(standing: Standing) -> None:
    """Law 17: each head is measured alone. A large head after a small one is refused, and many small heads are accepted."""
    small, large = head_of("/health/live", filler_bytes=10), head_of("/health/live", filler_bytes=70_000)
    with socket.create_connection(("127.0.0.1", httpx.URL(standing.url).port or 0), timeout=10) as wire:
        wire.sendall(head_of("/health/live", filler_bytes=60_000))
        assert read_answer(wire).status == 200
        wire.sendall(head_of("/health/live", filler_bytes=60_000))
        assert read_answer(wire).status == 200
        wire.sendall(small)
        assert read_answer(wire).status == 200
        wire.sendall(large)
        assert read_answer(wire).refusal() == (431, "head.too_large", None)


def test_a_large_body_is_not_taken_for_a_large_head(standing: Standing) -> None:
    """A body of several hundred kilobytes does not count towards the bound of the head, even if both arrive in one read."""
    body = json.dumps({"sent_at": 1, "drafts": ["a" * 300_000]}).encode()
    request = standing.request(
        "POST", "/v1/families/{family}/events", "Content-Type: application/json", f"Content-Length: {len(body)}", body=body
    )
    assert standing.raw(request).status == 400


@pytest.mark.parametrize("path", ["/v1/me", "/health/live", "/v1/catalogue", "/nowhere", "/v1/families/{family}/feed"])
def test_a_request_of_http_1_1_without_a_host_is_refused(standing: Standing, path: str) -> None:
    """RFC 9112, 3.2: a request of HTTP/1.1 without Host gets 400 for any path. A request of HTTP/1.0 may omit Host."""
    ada = standing.people["ada"]
    path = path.replace("{family}", ada.family)
    for line, refused in (("HTTP/1.1", True), ("HTTP/1.0", False)):
        answer = standing.raw(f"GET {path} {line}\r\nAuthorization: Bearer {ada.token}\r\n\r\n".encode())
        assert (answer.status == 400) is refused, line
        if refused:
            assert answer.refusal() == (400, "host.invalid", "Host")


def routes(standing: Standing) -> list[tuple[str, str, dict[str, Any]]]:
    """Returns each (method, path, operation) of the OpenAPI document, with ids of a real family, and HEAD beside each GET."""
    ada, document = standing.people["ada"], standing.http.get("/schema/openapi.json").json()
    values = {"family": ada.family, "member": ada.member, "device": ada.device}
    found = []
    for template, operations in document["paths"].items():
        path = re.sub(r"\{([a-z]+)\}", lambda named: values.get(named[1], ada.device), template)
        for method, operation in operations.items():
            found.append((method.upper(), path, operation))
            if method == "get" and not template.endswith("/live"):
                found.append(("HEAD", path, operation))
    return found


def test_a_query_name_that_no_route_lists_is_refused_by_name_on_every_route(standing: Standing) -> None:
    """Law 17: an unknown query parameter is refused with its name, also beside a known parameter."""
    seen = set()
    for method, path, operation in routes(standing):
        listed = {one["name"]: one["schema"] for one in operation["parameters"] if one["in"] == "query"}
        key = {"key": standing.people["ada"].device} if "key" in listed else {}
        known = "".join(f"{name}={value}&" for name, value in key.items())
        body = b"{}" if "requestBody" in operation else b""
        media = next(iter(operation.get("requestBody", {"content": {"": None}})["content"]))
        headers = ("Connection: close", f"Content-Type: {media}", f"Content-Length: {len(body)}")
        request = standing.request(method, f"{path}?{known}{UNLISTED}=1", *headers, body=body)
        if path == "/metrics":  # only the operator gets metrics, and other callers get 404
            continue
        if method == "HEAD":
            assert standing.raw_head(request).status == 400, path
            continue
        assert standing.raw(request).refusal() == (400, "body.invalid", UNLISTED), (method, path)
        seen.add((method, bool(listed)))
    assert {("GET", False), ("POST", False), ("DELETE", False), ("GET", True), ("POST", True)} <= seen


def test_a_malformed_query_is_refused_on_routes_without_parameters(standing: Standing) -> None:
    """Law 17: a malformed query is refused on routes without parameters too; an empty query is allowed."""
    for query, at in (("a", None), ("&", None), ("a=1&a=2", "a"), ("=1", None), ("%ff=1", None)):
        assert standing.raw(standing.request("GET", f"/v1/me?{query}")).refusal() == (400, "body.invalid", at), query
    assert standing.raw(standing.request("GET", "/v1/me?")).status == 200


def test_a_missing_token_is_reported_first(standing: Standing) -> None:
    """A missing token is reported before any other error of the request (protocol, Auth)."""
    refused = standing.raw(standing.request("GET", "/v1/me?a=1", who=None))
    assert refused.refusal() == (401, "access.unauthenticated", None)
