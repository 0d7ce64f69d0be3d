"""Tests other spellings of URLs and ids, unknown methods, and invalid queries, hosts and tokens: each kind gets one response."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.service.access_fixtures import Standing, some_uuid

JSON = "Content-Type: application/json"
EVENTS = "/v1/families/{family}/events"

pytestmark = pytest.mark.usefixtures("nothing_changes")

ALIASES: dict[str, Callable[[str], str]] = {
    "a trailing slash": lambda path: path + "/",
    "two trailing slashes": lambda path: path + "//",
    "a doubled slash": lambda path: path.replace("/v1/", "/v1//"),
    "a doubled slash in front": lambda path: "/" + path,
    "a dot": lambda path: path.replace("/v1/", "/v1/./"),
    "two dots": lambda path: path.replace("/v1/", "/v1/families/../"),
    "encoded dots": lambda path: path.replace("/v1/", "/v1/%2e%2e/v1/"),
    "an encoded slash": lambda path: path.replace("/v1/", "/v1%2f"),
    "an encoded letter": lambda path: path.replace("/v1/", "/%761/"),
    "an encoded NUL": lambda path: path + "%00",
    "an encoded line": lambda path: path + "%0d%0a",
    "a broken escape": lambda path: path + "%",
    "bytes that are not UTF-8": lambda path: path + "%ff",
    "an upper-case letter": lambda path: path.replace("/v1/", "/V1/"),
    "a parameter": lambda path: path + ";a=b",
    "an extension": lambda path: path + ".json",
    "a tilde": lambda path: path + "~",
    "another version": lambda path: path.replace("/v1/", "/v2/"),
}
ID_ALIASES: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "without dashes": lambda id_: id_.replace("-", ""),
    "in braces": lambda id_: "{" + id_ + "}",
    "in encoded braces": lambda id_: "%7b" + id_ + "%7d",
    "as a URN": lambda id_: "urn:uuid:" + id_,
    "an encoded dash": lambda id_: id_.replace("-", "%2d"),
    "a dash elsewhere": lambda id_: id_[:7] + "-" + id_[7] + id_[9:],
    "a blank": lambda id_: "%20" + id_,
    "one digit less": lambda id_: id_[:-1],
    "one digit more": lambda id_: id_ + "0",
    "no id": lambda id_: "",
    "a word": lambda id_: "me",
    "a number": lambda id_: "1",
}
ROUTES = [
    ("GET", "/v1/me"),
    ("GET", "/v1/catalogue"),
    ("GET", "/v1/families/{family}"),
    ("GET", "/v1/families/{family}/feed"),
    ("GET", "/v1/families/{family}/live"),
    ("POST", EVENTS),
    ("POST", "/v1/families/{family}/children"),
    ("PATCH", "/v1/families/{family}/members/{member}"),
    ("DELETE", "/v1/families/{family}/members/{member}"),
]


def requests_of(standing: Standing, alias: Callable[[str], str] | None, id_alias: Callable[[str], str] | None) -> list[bytes]:
    ada = standing.people["ada"]
    found = []
    for method, template in ROUTES:
        if id_alias is not None and "{" not in template:
            continue
        spelled = (id_alias or str)(ada.family)
        path = template.replace("{family}", spelled).replace("{member}", (id_alias or str)(ada.member))
        length = ("Content-Length: 2", JSON) if method == "POST" else ()
        found.append(standing.request(method, (alias or str)(path), *length, body=b"{}" if method == "POST" else b""))
    return found


@pytest.mark.parametrize("alias", ALIASES.values(), ids=ALIASES.keys())
def test_another_spelling_of_an_address_names_nothing(standing: Standing, alias: Callable[[str], str]) -> None:
    """Each wrong spelling of a URL gets the same 404 on every route, also with a valid token (protocol: one URL a resource)."""
    answers = [standing.raw(request) for request in requests_of(standing, alias, None)]
    assert {answer.refusal() for answer in answers} == {(404, "not_found", None)}
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.parametrize("id_alias", ID_ALIASES.values(), ids=ID_ALIASES.keys())
def test_another_spelling_of_an_id_names_nothing(standing: Standing, id_alias: Callable[[str], str]) -> None:
    """An id in braces, in capitals or without dashes gets 404 (protocol)."""
    answers = [standing.raw(request) for request in requests_of(standing, None, id_alias)]
    assert {answer.refusal() for answer in answers} == {(404, "not_found", None)}


def test_a_foreign_family_and_an_absent_one_are_alike_to_the_byte(standing: Standing) -> None:
    """A caller who is no member cannot distinguish an existing family from an absent one, not even by headers and their order."""
    foreign, absent = standing.people["eve"].family, some_uuid(4)
    seen: list[set[tuple[Any, ...]]] = []
    for family in (foreign, absent):
        answers = set()
        for method, template in ROUTES:
            if "{family}" not in template:
                continue
            path = template.replace("{family}", family).replace("{member}", standing.people["eve"].member)
            body = b"{}" if method == "POST" else b""
            answer = standing.raw(standing.request(method, path, JSON, f"Content-Length: {len(body)}", body=body))
            headers = tuple((name, value) for name, value in answer.headers.items() if name not in ("date", "x-request-id"))
            answers.add((method, template, answer.refusal(), headers, answer.body))
        seen.append(answers)
    assert seen[0] == seen[1]
    assert {answer[2] for answer in seen[0]} == {(404, "not_found", None)}


TOKENS: dict[str, tuple[str, ...]] = {
    "none": (),
    "empty": ("Authorization:",),
    "a scheme alone": ("Authorization: Bearer",),
    "another scheme": ("Authorization: Basic {token}",),
    "no scheme": ("Authorization: {token}",),
    "an unknown one": ("Authorization: Bearer sn1_" + "A" * 43,),
    "one letter less": ("Authorization: Bearer {short}",),
    "one letter more": ("Authorization: Bearer {token}A",),
    "another prefix": ("Authorization: Bearer sn2_{tail}",),
    "upper case": ("Authorization: Bearer {upper}",),
    "in quotes": ('Authorization: Bearer "{token}"',),
    "two in one": ("Authorization: Bearer {token}, Bearer {token}",),
    "twice": ("Authorization: Bearer {token}", "Authorization: Bearer {token}"),
    "a good one after a bad one": ("Authorization: Bearer sn1_" + "A" * 43, "Authorization: Bearer {token}"),
    "a tab between": ("Authorization: Bearer\t{token}",),
    "not ASCII": ("Authorization: Bearer \xff\xfe",),
    "not Latin digits": ("Authorization: Bearer sn1_\xb2" + "A" * 42,),
    "very long": ("Authorization: Bearer " + "A" * 60_000,),
    "in the query": (),
    "in a cookie": ("Cookie: token={token}; Authorization=Bearer {token}",),
    "in another header": ("Proxy-Authorization: Bearer {token}", "X-Authorization: Bearer {token}"),
}


@pytest.mark.parametrize("headers", TOKENS.values(), ids=TOKENS.keys())
def test_all_invalid_tokens_get_the_same_response(standing: Standing, headers: tuple[str, ...]) -> None:
    """Requests with any invalid token get the body of a request without a token, on every route that needs one (protocol)."""
    ada = standing.people["ada"]
    spelled = {"token": ada.token, "short": ada.token[:-1], "tail": ada.token[4:], "upper": ada.token.upper()}
    sent_headers = [header.format(**spelled) for header in headers]
    reference = standing.raw(standing.request("GET", "/v1/me", who=None))
    for method, path in ROUTES:
        if path == "/v1/catalogue":
            continue
        path = path.replace("{family}", ada.family).replace("{member}", ada.member)
        answer = standing.raw(standing.request(method, path, *sent_headers, who=None))
        assert answer.refusal() == (401, "access.unauthenticated", None)
        assert (answer.body, answer.headers["www-authenticate"]) == (reference.body, 'Bearer realm="stillnew"')


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "M-SEARCH", "LINK", "PURGE", "QUERY")


def test_an_unsupported_method_gets_the_list_of_supported_ones(standing: Standing) -> None:
    """RFC 9110, 15.5.6: each unsupported method of a route gets 405 with the header Allow, also HEAD of a stream."""
    document = standing.http.get("/schema/openapi.json").json()
    ada = standing.people["ada"]
    for template, operations in document["paths"].items():
        path = template.replace("{family}", ada.family).replace("{member}", ada.member).replace("{device}", ada.device)
        path = re.sub(r"\{[a-z]+\}", some_uuid(4), path)
        known = {method.upper() for method in operations}
        for method in {*METHODS} - known:
            answer = standing.raw(standing.request(method, path))
            assert answer.refusal() == (405, "method_not_allowed", None), (method, path)
            allowed = set(answer.headers["allow"].split(", "))
            assert allowed - {"HEAD", "OPTIONS"} == known - {"HEAD"}
        options = standing.raw(standing.request("OPTIONS", path, who=None))
        assert (options.status, options.body, set(options.headers["allow"].split(", "))) == (204, b"", allowed)
        # A stream has no HEAD, and that of an upload is a route of its own. Only the operator can read metrics.
        if "GET" in known and not template.endswith("/live") and "HEAD" not in known:
            headed = standing.raw_head(standing.request("HEAD", path, "Connection: close"))
            assert (headed.status, headed.body) == (standing.raw(standing.request("GET", path)).status, b""), path
    assert standing.raw_head(standing.request("HEAD", "/v1/families/{family}/live", "Connection: close")).status == 405


HOSTS = ["a b", "a/b", "a@b", "\xff", "[", "[::1", "x:abc", "x:999999", "x,y", "http://x", "a" * 300, "<x>"]


@pytest.mark.parametrize("host", HOSTS)
def test_an_invalid_host_is_refused(standing: Standing, host: str) -> None:
    """Law 17: an invalid host is refused, because the host becomes part of invite links."""
    ada = standing.people["ada"]
    for path in ("/v1/me", f"/v1/families/{ada.family}/feed"):
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {ada.token}\r\n\r\n".encode("latin-1")
        assert standing.raw(request).refusal() == (400, "host.invalid", "Host")


QUERIES: dict[str, tuple[str, str | None]] = {
    "feed?after=-1": ("body.invalid", "after"),
    "feed?after=1e3": ("body.invalid", "after"),
    "feed?after=1.0": ("body.invalid", "after"),
    "feed?after=01": ("body.invalid", "after"),
    "feed?after=%2B1": ("body.invalid", "after"),
    "feed?after=%201": ("body.invalid", "after"),
    "feed?after=0x1": ("body.invalid", "after"),
    "feed?after=1_0": ("body.invalid", "after"),
    "feed?after=%D9%A1": ("body.invalid", "after"),
    "feed?after=true": ("body.invalid", "after"),
    "feed?after=null": ("body.invalid", "after"),
    "feed?after=": ("body.invalid", "after"),
    "feed?after=9223372036854775808": ("body.invalid", "after"),
    "feed?after=" + "9" * 1_500: ("body.invalid", "after"),
    "feed?after=0&after=0": ("body.invalid", "after"),
    "feed?after=0&%61fter=0": ("body.invalid", "after"),
    "feed?limit=0": ("body.invalid", "limit"),
    "feed?limit=-1": ("body.invalid", "limit"),
    "feed?limit=2001": ("body.invalid", "limit"),
    "feed?after=0%00": ("body.invalid", "after"),
    "feed?After=0": ("body.invalid", "After"),
    "feed?after[]=0": ("body.invalid", "after[]"),
    "feed?after=0;limit=1": ("body.invalid", "after"),
    "feed?after": ("body.invalid", None),
    "feed?&": ("body.invalid", None),
    "feed?after=%ff": ("body.invalid", None),
    "feed?after=%ud800": ("body.invalid", "after"),
    "feed?after=99999999": ("feed.ahead", "after"),
    "live?after=-1": ("body.invalid", "after"),
    "live?after=1e3": ("body.invalid", "after"),
    "live?limit=1": ("body.invalid", "limit"),
    "live?after=4611686018427387904": ("feed.ahead", "after"),
    "live?after=9223372036854775807": ("body.invalid", "after"),
    "live?after=9223372036854775808": ("body.invalid", "after"),
    "timeline?as_of=5": ("body.invalid", "as_of"),
    "timeline?as_of=2026-11-21": ("body.invalid", "as_of"),
    "timeline?as_of=2026-11-21T18:00:00": ("body.invalid", "as_of"),
    "timeline?as_of=0000-01-01T00:00:00Z": ("body.invalid", "as_of"),
    "timeline?as_of=0001-01-01T00:00:00%2B14:00": ("draft.time_out_of_range", "as_of"),
    "timeline?as_of=9999-12-31T23:59:59-14:00": ("draft.time_out_of_range", "as_of"),
    "timeline?child=x": ("body.invalid", "child"),
    "timeline?child=": ("body.invalid", "child"),
    "timeline?child=null": ("body.invalid", "child"),
    "timeline?child=0193A3C0-0000-7000-8000-000000000000": ("body.invalid", "child"),
    "timeline?child=0193a3c0000070008000000000000000": ("body.invalid", "child"),
    "timeline?child=12345678901234567890123456789012": ("body.invalid", "child"),
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_that_is_nonsense_is_refused_by_name(standing: Standing, query: str) -> None:
    """Law 17: another form of an integer, a time without an offset, and an unknown or repeated name are refused."""
    code, at = QUERIES[query]
    answer = standing.raw(standing.request("GET", "/v1/families/{family}/" + query))
    assert answer.status in (400, 409, 422)
    assert answer.refusal()[1:] == (code, at)


def test_a_query_that_is_very_long_is_not_read(standing: Standing) -> None:
    """Law 17: a query over the bound gets 414."""
    answer = standing.raw(standing.request("GET", "/v1/families/{family}/feed?after=" + "0" * 3_000))
    assert answer.refusal() == (414, "uri_too_long", None)


@pytest.mark.parametrize("last", ["x", "-1", "1e3", "1.0", "0x1", "\xb2", "1 1", "1,2", "9" * 19, "9" * 5_000, "null"])
def test_a_last_event_id_that_is_no_place_is_refused(standing: Standing, last: str) -> None:
    """Law 17: a `Last-Event-ID` that is no place is refused with its name, like a wrong `after`."""
    answer = standing.raw(standing.request("GET", "/v1/families/{family}/live?after=0", f"Last-Event-ID: {last}"))
    assert answer.refusal() == (400, "body.invalid", "Last-Event-ID")


ODD_BUT_HARMLESS = [
    ("Accept: \xff",), ("Accept: application/msgpack;q=nan",), ("Accept: ;;,,;q=",), ("Accept-Encoding: \xff;q=\xff",),
    ("Accept-Encoding: gzip;q=",), ("Cookie: \xff\xfe;;;=",), ("Range: bytes=0-0",), ("If-None-Match: \"",), ("Expect: nothing",),
    ("X-Forwarded-For: \xff", "X-Forwarded-Proto: ,", "Forwarded: for=\xff"), ("Content-Type: \xff",), ("Origin: null",),
    ("X-HTTP-Method-Override: DELETE",), ("X-Request-Id: \xff",), ("Upgrade: h2c", "Connection: Upgrade", "HTTP2-Settings: AA"),
    ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"),
]  # fmt: skip


@pytest.mark.parametrize("headers", ODD_BUT_HARMLESS, ids=lambda headers: headers[0])
def test_headers_that_mean_nothing_here_change_nothing(standing: Standing, headers: tuple[str, ...]) -> None:
    """Law 17: an unknown header changes nothing, and never causes a 5xx."""
    for path in ("/v1/me", "/v1/families/{family}/feed", "/v1/catalogue"):
        assert standing.raw(standing.request("GET", path, *headers)).status == 200
