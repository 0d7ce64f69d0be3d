"""What no client would send: requests that cannot be read, are endless, or end nowhere. Over raw sockets."""

import socket
import threading
import time

import httpx
import pytest

import service.http.body
import service.http.connection
from tests.service.access_fixtures import Answer, Standing, read_answer

JSON = "Content-Type: application/json"
EVENTS = "/v1/families/{family}/events"

pytestmark = pytest.mark.usefixtures("nothing_changes")


BROKEN_REQUESTS: dict[str, bytes] = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/3": b"GET /v1/me HTTP/3.0\r\nHost: x\r\n\r\n",
    "an unknown method": b"FETCH /v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
    "a lower-case method": b"get /v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path without a slash": b"GET v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path with backslashes": b"GET \\v1\\me HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path that is not ASCII": b"GET /v1/m\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header without a colon": b"GET /v1/me HTTP/1.1\r\nHost x\r\n\r\n",
    "a header with a blank in its name": b"GET /v1/me HTTP/1.1\r\nHo st: x\r\n\r\n",
    "a header with NUL": b"GET /v1/me HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "a tunnel": b"CONNECT localhost:80 HTTP/1.1\r\nHost: x\r\n\r\n",
}
BROKEN_FRAMES: dict[str, tuple[tuple[str, ...], bytes]] = {
    "two lengths": (("Content-Length: 2", "Content-Length: 3"), b"{}"),
    "one length twice": (("Content-Length: 2", "Content-Length: 2"), b"{}"),
    "a length below none": (("Content-Length: -1",), b"{}"),
    "a length with an exponent": (("Content-Length: 1e1",), b"{}"),
    "a length with a sign": (("Content-Length: +2",), b"{}"),
    "a list of lengths": (("Content-Length: 2, 2",), b"{}"),
    "no length named": (("Content-Length: ",), b"{}"),
    "a length of thirty digits": (("Content-Length: " + "9" * 30,), b"{}"),
    "a length of five thousand digits": (("Content-Length: " + "9" * 5_000,), b"{}"),
    "a length beside chunks": (("Content-Length: 2", "Transfer-Encoding: chunked"), b"2\r\n{}\r\n0\r\n\r\n"),
    "another transfer encoding": (("Transfer-Encoding: gzip",), b"{}"),
    "chunks twice": (("Transfer-Encoding: chunked, chunked",), b"0\r\n\r\n"),
    "a chunk of no size": (("Transfer-Encoding: chunked",), b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk of a negative size": (("Transfer-Encoding: chunked",), b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk of 2^64 and more": (("Transfer-Encoding: chunked",), b"1" * 17 + b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk longer than its size": (("Transfer-Encoding: chunked",), b"1\r\n{}\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("request_bytes", BROKEN_REQUESTS.values(), ids=BROKEN_REQUESTS.keys())
def test_what_is_no_request_is_told_so_and_the_connection_ends(standing: Standing, request_bytes: bytes) -> None:
    """Law 17: a problem document, even for what no route ever sees."""
    answer = standing.raw(request_bytes)
    assert (answer.told(), answer.headers["connection"]) == ((400, "head.malformed", None), "close")


@pytest.mark.parametrize(("headers", "body"), BROKEN_FRAMES.values(), ids=BROKEN_FRAMES.keys())
def test_a_body_whose_end_is_in_doubt_is_no_body(standing: Standing, headers: tuple[str, ...], body: bytes) -> None:
    """Law 17: two readers must never disagree on where the next request begins (RFC 9112, 6.3)."""
    answer = standing.raw(standing.request("POST", EVENTS, JSON, *headers, body=body))
    assert (answer.told(), answer.headers["connection"]) == ((400, "head.malformed", None), "close")


def test_a_body_without_a_length_is_an_empty_one(standing: Standing) -> None:
    """RFC 9112, 6.3: no length and no chunks is no body, and an empty body is no JSON."""
    assert standing.raw(standing.request("POST", EVENTS, JSON)).told() == (400, "body.malformed", None)
    assert standing.raw(standing.request("POST", EVENTS, JSON, "Content-Length: 0")).told() == (400, "body.malformed", None)


def test_a_body_in_chunks_is_read_as_one(standing: Standing) -> None:
    """Chunks are a matter of the wire: what is in them is refused, or not, as any other body."""
    chunked = b"".join(b"1\r\n%c\r\n" % byte for byte in b'{"sent_at":1}') + b"0\r\n\r\n"
    answer = standing.raw(standing.request("POST", EVENTS, JSON, "Transfer-Encoding: chunked", body=chunked))
    assert answer.told() == (400, "body.invalid", "sent_at")


@pytest.mark.parametrize("length", ["1048577", "9223372036854775808", "18446744073709551615"])
def test_a_body_that_says_it_is_too_large_is_not_waited_for(
    standing: Standing, length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 17: refused by its length alone, whether or not more than its first bytes ever come."""
    monkeypatch.setattr(service.http.body, "PASS_OVER_S_MAX", 0.3)
    began_s = time.monotonic()
    answer = standing.raw(standing.request("POST", EVENTS, JSON, f"Content-Length: {length}", body=b"{"))
    assert (answer.told(), answer.headers["connection"]) == ((413, "body.too_large", None), "close")
    assert time.monotonic() - began_s < 3


def test_headers_have_a_bound_in_length(standing: Standing) -> None:
    """Law 17: 64 KiB of headers, in one or in many, and no more is held."""
    for flood in (b"X: " + b"a" * 70_000, b"X: a\r\n" * 12_000, b"Cookie: " + b"a=b;" * 17_000):
        assert standing.raw(b"GET /v1/me HTTP/1.1\r\nHost: x\r\n" + flood).told() == (431, "head.too_large", None)
    assert standing.raw(b"GET /" + b"a" * 70_000).told() == (431, "head.too_large", None)


def slowly(standing: Standing, request: bytes) -> Answer:
    """Send a byte every twentieth of a second, until there is an answer."""
    with socket.create_connection(("127.0.0.1", httpx.URL(standing.url).port or 0), timeout=10) as wire:
        ended = threading.Event()

        def dribble() -> None:
            for byte in request:
                if ended.wait(0.05):
                    return
                try:
                    wire.send(bytes([byte]))
                except OSError:
                    return

        sender = threading.Thread(target=dribble)
        sender.start()
        try:
            return read_answer(wire)
        finally:
            ended.set()
            sender.join()


def test_a_head_that_trickles_is_cut(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 17: a byte now and then holds no connection for longer than the bound; nor does silence."""
    monkeypatch.setattr(service.http.connection, "HEAD_WITHIN_S", 0.5)
    assert slowly(standing, b"GET /v1/me HTTP/1.1\r\n" + b"X: aaaaaaaaaaaaaaaaaa\r\n" * 20).told() == (408, "head.too_slow", None)
    with socket.create_connection(("127.0.0.1", httpx.URL(standing.url).port or 0), timeout=5) as wire:
        assert wire.recv(1) == b""


def test_a_body_that_trickles_is_cut(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 17: 408 after a stated time, however faithfully each byte comes."""
    monkeypatch.setattr(service.http.body, "BODY_WITHIN_S", 0.5)
    for path in (EVENTS, "/v1/families/{family}/children", "/v1/invites/accept"):
        head = standing.request("POST", path, JSON, "Content-Length: 1000")
        with socket.create_connection(("127.0.0.1", httpx.URL(standing.url).port or 0), timeout=10) as wire:
            wire.sendall(head + b"{")
            assert read_answer(wire).told() == (408, "body.too_slow", None)


def test_an_answer_that_has_begun_is_not_spoiled_by_what_follows_it(standing: Standing) -> None:
    """Nonsense after a request for a stream ends the stream: it is not answered in the middle of it."""
    with socket.create_connection(("127.0.0.1", httpx.URL(standing.url).port or 0), timeout=10) as wire:
        wire.sendall(standing.request("GET", "/v1/families/{family}/live"))
        held = b""
        while b"event: entry" not in held:
            held += wire.recv(65_536)
        wire.sendall(b"\0\0\0 nonsense\r\n\r\n")
        while got := wire.recv(65_536):
            held += got
    assert b"problem" not in held
    assert held.count(b"HTTP/1.1") == 1


def test_what_is_left_of_a_body_that_is_refused_already_is_passed_over_for_a_while(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 17: whoever trickles on after an answer is cut off; whoever ends in time goes on over the same connection."""
    monkeypatch.setattr(service.http.connection, "REST_WITHIN_S", 0.5)
    refused = standing.request("POST", "/v1/devices/pair-codes", JSON, "Content-Length: 100", who=None)
    address = ("127.0.0.1", httpx.URL(standing.url).port or 0)
    with socket.create_connection(address, timeout=10) as trickling, socket.create_connection(address, timeout=10) as ending:
        for wire in (trickling, ending):
            wire.sendall(refused + b"{")
            assert read_answer(wire).status == 401
        ending.sendall(b" " * 99)
        time.sleep(0.7)
        ending.sendall(standing.request("GET", "/v1/me"))
        assert read_answer(ending).status == 200
        assert trickling.recv(1) == b""
