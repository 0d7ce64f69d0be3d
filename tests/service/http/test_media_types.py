"""Tests that Content-Type, Accept and Accept-Encoding are parsed by the full grammar of RFC 9110."""

import httpx

from tests.service.conftest import found_family

JSON_NAMED = (
    "application/json;charset=UTF-8", 'application/json ; charset="utf-8"', "APPLICATION/JSON", "application/json; charset=utf8",
    "application/json; version=1", "application/json;", 'application/json; charset="\\u\\t\\f-8"',
)  # fmt: skip
NOT_NAMED = (
    "application/json; charset=utf-16", 'application/json; charset="utf-8', "application/json charset=utf-8",
    "application/json; charset = utf-8", "application/ json", "application/json; charset=utf-8; charset=latin-1", "text/json",
)  # fmt: skip


async def test_json_may_be_named_in_any_spelling(http: httpx.AsyncClient) -> None:
    ada = await found_family(http)
    for content_type in JSON_NAMED:
        headers = {**ada.headers, "Content-Type": content_type}
        answer = await http.post(f"/v1/families/{ada.family}/children", content=b'{"name":"Noah"}', headers=headers)
        assert answer.status_code == 201, content_type


async def test_what_spells_no_media_type_or_another_encoding_is_refused_with_advice(http: httpx.AsyncClient) -> None:
    """Law 17: an invalid media type and another charset than UTF-8 are refused. The refusal lists the accepted types."""
    ada = await found_family(http)
    for content_type in NOT_NAMED:
        headers = {**ada.headers, "Content-Type": content_type}
        answer = await http.post(f"/v1/families/{ada.family}/children", content=b'{"name":"Noah"}', headers=headers)
        assert (answer.status_code, answer.headers["accept"]) == (415, "application/json, application/msgpack"), content_type
        assert "application/json or application/msgpack" in answer.json()["detail"]


ACCEPTED: list[tuple[list[str], bool]] = [
    (["application/json, application/msgpack;q=0.5"], False),
    (["application/json;q=0.5, application/msgpack"], True),
    (["application/msgpack;Q=0"], False),
    (["application/msgpack; q=0"], False),
    (["application/msgpack;v=1;q=0.9", "application/json;q=0.1"], True),
    (["application/json;q=0.1", "APPLICATION/MSGPACK"], True),
    (['text/x;a="application/msgpack, b";q=1'], False),
    (["*/*;q=0.8, application/msgpack"], True),
    (["*/*, application/msgpack"], False),
    (["application/msgpack;q=2"], False),
    (["application/msgpack;q=nan"], False),
]


async def test_an_answer_is_messagepack_only_where_accept_ranks_it_above_json(http: httpx.AsyncClient) -> None:
    """RFC 9110, 12.4.2 and 12.5.1: a response is MessagePack if Accept gives MessagePack a higher weight than JSON."""
    for accept, is_msgpack in ACCEPTED:
        answer = await http.get("/v1/catalogue", headers=[("accept", one) for one in accept])
        assert answer.headers["content-type"] == ("application/msgpack" if is_msgpack else "application/json"), accept


CODINGS: list[tuple[list[str], str | None]] = [
    (["GZIP"], "gzip"), (["gzip;Q=0"], None), (["gzip ; q=0.000"], None), (["*"], "zstd"), (["*, zstd;q=0"], "gzip"),
    (["br", "gzip"], "gzip"), (["gzip;q=0, zstd;q=0.1"], "zstd"), (["identity"], None), ([""], None),
]  # fmt: skip


async def test_an_answer_is_shortened_only_as_its_reader_accepts(http: httpx.AsyncClient) -> None:
    """RFC 9110, 12.5.3: a response is compressed only with a coding that the caller accepts."""
    for accepted, coding in CODINGS:
        async with http.stream("GET", "/v1/catalogue", headers=[("accept-encoding", one) for one in accepted]) as answer:
            assert answer.headers.get("content-encoding") == coding, accepted
