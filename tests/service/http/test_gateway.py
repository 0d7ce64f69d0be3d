"""Tests what the gateway does for each request, on every route."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

import service.http.body
from service.settings import Settings
from tests.service.conftest import AS_OPERATOR, found_family, running

PROBLEM_FIELDS = {"type", "title", "status", "detail", "code", "at"}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/me/",
        "//v1/me",
        "/v1//me",
        "/v1/%6de",
        "/v1/me%00",
        "/v1/me;x=1",
        "/V1/me",
        "/v1/families/{upper}/feed",
        "/v1/families/{braces}/feed",
        "/v1/families/{bare}/feed",
        "/v1/families/urn:uuid:{family}/feed",
        "/v1/families/{family}/feed/",
        "/v1/families/{family}/events/",
        "/v1/families/../me",
        "/",
        "/v2/me",
        "/" + "a" * 2000,
    ],
)
async def test_one_resource_has_one_url(http: httpx.AsyncClient, path: str) -> None:
    """Law 17: every other spelling of a URL gets 404 with a problem document, also with a valid token."""
    ada = await found_family(http)
    spelled = {
        "family": ada.family,
        "upper": ada.family.upper(),
        "braces": "{" + ada.family + "}",
        "bare": ada.family.replace("-", ""),
    }
    for name, text in spelled.items():
        path = path.replace("{" + name + "}", text)
    assert http.base_url.port is not None
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ada.token}\r\n\r\n"
    status, head, body = await raw(http.base_url.port, request)
    assert status == 404, (path, head)
    assert b"application/problem+json" in head
    assert b'"code":"not_found"' in body


async def raw(port: int, request: str | bytes) -> tuple[int, bytes, bytes]:
    """Sends raw bytes that no HTTP client would send, and returns the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode() if isinstance(request, str) else request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    body = await reader.readexactly(length)
    writer.close()
    return int(head.split(b" ")[1]), head, body


async def test_a_refusal_is_a_problem_document_with_all_six_fields(http: httpx.AsyncClient) -> None:
    """Law 17: a refusal is a problem document by RFC 9457 with a stable code."""
    cases = (("GET", "/nowhere", 404), ("GET", "/v1/me", 401), ("PUT", "/v1/me", 405), ("POST", "/v1/families", 415))
    for method, path, status in cases:
        answer = await http.request(method, path)
        assert (status, "application/problem+json") == (answer.status_code, answer.headers["content-type"])
        problem = answer.json()
        assert problem.keys() == PROBLEM_FIELDS
        assert problem["status"] == status
        assert problem["type"].endswith(problem["code"])


async def test_an_unsupported_method_is_405_and_lists_the_supported_ones(http: httpx.AsyncClient) -> None:
    """RFC 9110, 15.5.6: a 405 lists the allowed methods in the header Allow. The response to OPTIONS has the same header."""
    refused = await http.put("/v1/me")
    options = await http.options("/v1/me")
    assert (refused.status_code, options.status_code) == (405, 204)
    assert refused.headers["allow"] == options.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_head_answers_as_get_without_a_body(http: httpx.AsyncClient) -> None:
    """RFC 9110, 9.3.2: HEAD gets the status and the Content-Length of GET, and no body."""
    ada = await found_family(http)
    got = await ada.ask("GET", "/v1/me")
    head = await ada.ask("HEAD", "/v1/me")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


async def test_head_never_opens_a_stream(http: httpx.AsyncClient) -> None:
    """Law 17: HEAD of a stream gets 405, because no client reads the body of a response to HEAD."""
    ada = await found_family(http)
    headed = await ada.ask("HEAD", "/v1/families/{family}/live")
    assert (headed.status_code, headed.headers["allow"]) == (405, "GET, OPTIONS")


async def test_a_sane_request_id_is_kept_and_any_other_replaced(http: httpx.AsyncClient) -> None:
    """A valid request id of the caller is kept. An invalid one is replaced, so that callers cannot write lines into the log."""
    kept = await http.get("/health/live", headers={"X-Request-Id": "phone-1234.abc"})
    assert kept.headers["x-request-id"] == "phone-1234.abc"
    for insane in ("short", "a" * 65, 'x"y{injected}'):
        replaced = await http.get("/health/live", headers={"X-Request-Id": insane})
        assert replaced.headers["x-request-id"] != insane
        assert len(replaced.headers["x-request-id"]) == 24


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 400),
        ("application/json; charset=utf-8", 400),
        ('Application/JSON;charset="UTF-8"', 400),
        ("application/msgpack", 400),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
async def test_a_body_is_json_or_messagepack_and_nothing_else(http: httpx.AsyncClient, content_type: str, status: int) -> None:
    """Law 17: every content type other than those of JSON and MessagePack is refused with 415."""
    ada = await found_family(http)
    for path in ("/v1/families/{family}/children", "/v1/families/{family}/events"):
        answer = await http.post(
            path.replace("{family}", ada.family), content=b"\xc1", headers={**ada.headers, "Content-Type": content_type}
        )
        assert status == answer.status_code, (path, answer.text)


async def test_a_compressed_body_is_refused(http: httpx.AsyncClient) -> None:
    """Law 17: a compressed body is refused, because it could decompress to more than the bound."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await http.post("/v1/families", content=b"x", headers=headers)
    assert answer.status_code == 415


async def test_a_body_over_its_bound_is_refused_before_it_is_read(http: httpx.AsyncClient) -> None:
    """Law 17: a body over its bound gets 413, with or without a Content-Length."""
    ada = await found_family(http)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    big = b" " * (65_536 + 1)
    headers = {**ada.headers, "Content-Type": "application/json"}
    declared = await http.post(f"/v1/families/{ada.family}/children", content=big, headers=headers)
    chunked = await http.post(f"/v1/families/{ada.family}/events", content=chunks(), headers=headers)
    assert (declared.status_code, chunked.status_code) == (413, 413)
    assert declared.json()["code"] == chunked.json()["code"] == "body.too_large"


async def test_an_unknown_query_is_refused_by_name(http: httpx.AsyncClient) -> None:
    """Law 17: an unknown name, a repeated name and an invalid value in a query are refused with the name."""
    ada = await found_family(http)
    unknown = await ada.ask("GET", "/v1/families/{family}/feed?after=0&affter=1")
    doubled = await ada.ask("GET", "/v1/families/{family}/feed?after=0&after=1")
    negative = await ada.ask("GET", "/v1/families/{family}/live?after=-1")
    null = await ada.ask("GET", "/v1/families/{family}/timeline?child=null")
    assert [(answer.status_code, answer.json()["at"]) for answer in (unknown, doubled, negative, null)] == [
        (400, "affter"),
        (400, "after"),
        (400, "after"),
        (400, "child"),
    ]


async def test_a_response_is_messagepack_if_the_caller_prefers_it(http: httpx.AsyncClient) -> None:
    """A caller can send and receive MessagePack, by application/msgpack in Content-Type and Accept."""
    ada = await found_family(http)
    answer = await http.get("/v1/me", headers={**ada.headers, "Accept": "application/msgpack"})
    assert answer.headers["content-type"] == "application/msgpack"
    assert msgspec.msgpack.decode(answer.content) == (await ada.ask("GET", "/v1/me")).json()
    added = await http.post(
        f"/v1/families/{ada.family}/children",
        content=msgspec.msgpack.encode({"name": "Tom", "born": "2026-01-02"}),
        headers={**ada.headers, "Content-Type": "application/msgpack", "Accept": "application/json;q=0.1, application/msgpack"},
    )
    assert added.status_code == 201
    assert msgspec.msgpack.decode(added.content)["born"] == "2026-01-02"


async def test_the_readiness_check_names_the_missing_part(http: httpx.AsyncClient) -> None:
    """The response of the readiness check names each part and its state, so that an operator knows what to repair."""
    assert (await http.get("/health/live")).json() == {"alive": True}
    ready = (await http.get("/health/ready")).json()
    assert ready == {"ready": True, "database": "ok", "migrations": "ok", "redis": "not configured"}


async def test_metrics_are_for_the_operator_alone(http: httpx.AsyncClient, database_url: str) -> None:
    """Law 14: metrics need the operator's token, because a count of streams could reveal that the other parent is online."""
    ada = await found_family(http)
    nothing = await http.get("/nothing")
    requests = [http.get("/metrics"), ada.ask("GET", "/metrics"), http.get("/metrics", headers={"Authorization": "Bearer"})]
    for refused in await asyncio.gather(*requests):
        assert (refused.status_code, refused.content) == (404, nothing.content)
    assert (await http.get("/metrics", headers=AS_OPERATOR)).status_code == 200
    shouted = {"Authorization": AS_OPERATOR["Authorization"].replace("Bearer", "BEARER")}
    assert (await http.get("/metrics", headers=shouted)).status_code == 200
    with running(Settings(database_url=database_url)) as url:
        assert (await http.get(f"{url}/metrics", headers={"Authorization": "Bearer None"})).status_code == 404


async def test_metrics_name_routes_and_no_family(http: httpx.AsyncClient) -> None:
    """The labels of metrics are route templates, never paths with ids. All unknown paths share one label."""
    ada = await found_family(http)
    await ada.ask("GET", "/v1/families/{family}")
    await http.get("/" + "x" * 40)
    text = (await http.get("/metrics", headers=AS_OPERATOR)).text
    assert 'route="/v1/families/{family}"' in text
    assert 'route="unknown"' in text
    assert ada.family not in text
    assert "x" * 40 not in text


async def test_a_body_that_trickles_is_cut(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 17: a body that arrives too slowly is refused with 408."""
    monkeypatch.setattr(service.http.body, "BODY_WITHIN_S", 0.3)
    ada = await found_family(http)
    assert http.base_url.port is not None
    began = time.monotonic()
    head = (
        f"POST /v1/families/{ada.family}/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {ada.token}\r\nContent-Length: 100\r\n\r\n{{"
    )
    status, _, body = await raw(http.base_url.port, head)
    assert (status, time.monotonic() - began < 3) == (408, True)
    assert b"body.too_slow" in body


async def test_an_invalid_host_is_refused_by_name(http: httpx.AsyncClient) -> None:
    """An invalid Host header gets 400 (RFC 9112), so an invite link never contains an invalid host."""
    ada = await found_family(http)
    assert http.base_url.port is not None
    links = {"example.org:8443": "http://example.org:8443/join#", "[::1]": "http://[::1]/join#", "[": "", "a b": "", "x/y": ""}
    for host, link in links.items():
        body = '{"role":"caregiver"}'
        request = (
            f"POST /v1/families/{ada.family}/invites HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {ada.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
        status, _, answer = await raw(http.base_url.port, request)
        if link:
            assert status == 201
            assert msgspec.json.decode(answer)["url"].startswith(link)
        else:
            assert (status, msgspec.json.decode(answer)["at"]) == (400, "Host")
