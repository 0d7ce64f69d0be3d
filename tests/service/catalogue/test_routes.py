"""Tests that the catalogue is the same for every caller, and that devices fetch it again only after a change."""

import gzip

import httpx
import msgspec
import pytest
import zstandard

from events.catalogue import CATALOGUE, Milestone
from tests.service.access_fixtures import Standing, problem_in


def test_the_whole_catalogue_is_served_to_any_caller(standing: Standing) -> None:
    """The response to a caller without a token has all milestones with all their fields."""
    answer = standing.http.get("/v1/catalogue")
    body = answer.json()
    assert (200, "en", CATALOGUE.version) == (answer.status_code, body["lang"], body["version"])
    assert list(CATALOGUE.by_key) == [milestone["key"] for milestone in body["milestones"]]
    assert list(CATALOGUE.by_key.values()) == msgspec.convert(body["milestones"], list[Milestone])


def test_a_caller_with_the_current_catalogue_gets_304(standing: Standing) -> None:
    """RFC 9110, 13.1.2: the catalogue can be cached. A repeated request gets 304 while the catalogue has not changed."""
    first = standing.http.get("/v1/catalogue")
    assert first.headers["cache-control"] == "public, max-age=3600"
    for held in (first.headers["etag"], f'"old", {first.headers["etag"]}', CATALOGUE.version.join('""'), "*"):
        again = standing.http.get("/v1/catalogue", headers={"If-None-Match": held})
        assert (304, b"", first.headers["etag"]) == (again.status_code, again.content, again.headers["etag"]), held
    lines = [("If-None-Match", '"old"'), ("If-None-Match", first.headers["etag"])]
    assert standing.http.get("/v1/catalogue", headers=lines).status_code == 304
    for other in ('"another"', "", "\xff", '"'):
        assert standing.http.get("/v1/catalogue", headers={b"If-None-Match": other.encode("latin-1")}).status_code == 200


def test_a_language_that_we_do_not_have_is_answered_in_english(standing: Standing) -> None:
    """For every requested language, the response is in English and states this (protocol, Views)."""
    for lang in ("en", "de", "pt-BR", "zh-Hant-TW"):
        answer = standing.http.get("/v1/catalogue", params={"lang": lang})
        assert (answer.status_code, answer.json()["lang"]) == (200, "en"), lang


@pytest.mark.parametrize("query", ["lang=", "lang=../etc", "lang=" + "a" * 40, "lang=en&lang=de", "language=en", "lang=en%00"])
def test_an_invalid_language_is_refused_by_name(standing: Standing, query: str) -> None:
    answer = standing.http.get(f"/v1/catalogue?{query}")
    problem = problem_in(answer.status_code, answer.headers["content-type"], answer.content)
    assert (400, "body.invalid", query.partition("=")[0]) == (problem["status"], problem["code"], problem["at"])


def test_the_catalogue_comes_short_and_in_both_encodings(standing: Standing) -> None:
    """The catalogue is the same in JSON and in MessagePack. Compressed by gzip or zstd, it has less than 60 kB."""
    plain = standing.http.get("/v1/catalogue", headers={"Accept-Encoding": "identity"})
    packed = standing.http.get("/v1/catalogue", headers={"Accept": "application/msgpack", "Accept-Encoding": "identity"})
    assert msgspec.msgpack.decode(packed.content) == plain.json()
    for coding, unpack in (("gzip", gzip.decompress), ("zstd", zstandard.decompress)):
        with standing.http.stream("GET", "/v1/catalogue", headers={"Accept-Encoding": coding}) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == coding
        assert unpack(raw) == plain.content
        assert len(raw) < 60_000


def test_no_byte_of_the_catalogue_depends_on_the_caller(standing: Standing) -> None:
    """Law 8: neither the headers nor the length of the response depend on the caller."""

    def seen(answer: httpx.Response) -> tuple[object, ...]:
        headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date")}
        return answer.status_code, headers, answer.content

    alike = seen(standing.http.get("/v1/catalogue"))
    for who in standing.people:
        assert alike == seen(standing.ask(who, "GET", "/v1/catalogue")), who
