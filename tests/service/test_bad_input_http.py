"""Tests malformed, slow and incomplete HTTP requests over raw sockets."""

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
def test_bytes_that_are_no_request_are_refused_and_the_connection_ends(standing: Standing, request_bytes: bytes) -> None:
    """Law 17: bytes that are not a request get a problem document, and the connection is closed."""
    answer = standing.raw(request_bytes)
    assert (answer.refusal(), answer.headers["connection"]) == ((400, "head.malformed", None), "close")


@pytest.mark.parametrize(("headers", "body"), BROKEN_FRAMES.values(), ids=BROKEN_FRAMES.keys())
def test_a_body_whose_end_is_in_doubt_is_no_body(standing: Standing, headers: tuple[str, ...], body: bytes) -> None:
    """Law 17: a body with an ambiguous length is refused, since a proxy and the service must agree on its end (RFC 9112, 6.3)."""
    answer = standing.raw(standing.request("POST", EVENTS, JSON, *headers, body=body))
    assert (answer.refusal(), answer.headers["connection"]) == ((400, "head.malformed", None), "close")


def test_a_body_without_a_length_is_an_empty_one(standing: Standing) -> None:
    """RFC 9112, 6.3: a request with neither a length nor chunks has an empty body, which is no valid JSON."""
    assert standing.raw(standing.request("POST", EVENTS, JSON)).refusal() == (400, "body.malformed", None)
    assert standing.raw(standing.request("POST", EVENTS, JSON, "Content-Length: 0")).refusal() == (400, "body.malformed", None)


def test_a_body_in_chunks_is_read_as_one(standing: Standing) -> None:
    """A chunked body is read like a body with a length."""
    chunked = b"".join(b"1\r\n%c\r\n" % byte for byte in b'{"sent_at":1}') + b"0\r\n\r\n"
    answer = standing.raw(standing.request("POST", EVENTS, JSON, "Transfer-Encoding: chunked", body=chunked))
    assert answer.refusal() == (400, "body.invalid", "sent_at")


@pytest.mark.parametrize("length", ["1048577", "9223372036854775808", "18446744073709551615"])
def test_a_too_large_content_length_is_refused_without_waiting(
    standing: Standing, length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 17: a body with a too large Content-Length is refused at once, even if its bytes never arrive."""
    monkeypatch.setattr(service.http.body, "DISCARD_S_MAX", 0.3)
    began_s = time.monotonic()
    answer = standing.raw(standing.request("POST", EVENTS, JSON, f"Content-Length: {length}", body=b"{"))
    assert (answer.refusal(), answer.headers["connection"]) == ((413, "body.too_large", None), "close")
    assert time.monotonic() - began_s < 3


def test_headers_have_a_bound_in_length(standing: Standing) -> None:
    """Law 17: all headers of a request together have at most 64 KiB, as one header or as many."""
    for flood in (b"X: " + b"a" * 70_000, b"X: a\r\n" * 12_000, b"Cookie: " + b"a=b;" * 17_000):
        assert standing.raw(b"GET /v1/me HTTP/1.1\r\nHost: x\r\n" + flood).refusal() == (431, "head.too_large", None)
    assert standing.raw(b"GET /" + b"a" * 70_000).refusal() == (431, "head.too_large", None)


def slowly(standing: Standing, request: bytes) -> Answer:
    """Sends a byte every 0.05 seconds until a response arrives, and returns this response."""
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
    """Law 17: neither slow headers nor silence keep a connection open longer than the bound."""
    monkeypatch.setattr(service.http.connection, "HEAD_WITHIN_S", 0.5)
    head = b"GET /v1/me HTTP/1.1\r\n" + b"X: aaaaaaaaaaaaaaaaaa\r\n" * 20
    assert slowly(standing, head).refusal() == (408, "head.too_slow", None)
    with socket.create_connection(("127.0.0.1", httpx.URL(standing.url).port or 0), timeout=5) as wire:
        assert wire.recv(1) == b""


def test_a_body_that_trickles_is_cut(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 17: a body that is not complete after the stated time is refused with 408."""
    monkeypatch.setattr(service.http.body, "BODY_WITHIN_S", 0.5)
    for path in (EVENTS, "/v1/families/{family}/children", "/v1/invites/accept"):
        head = standing.request("POST", path, JSON, "Content-Length: 1000")
        with socket.create_connection(("127.0.0.1", httpx.URL(standing.url).port or 0), timeout=10) as wire:
            wire.sendall(head + b"{")
            assert read_answer(wire).refusal() == (408, "body.too_slow", None)


def test_invalid_bytes_after_a_request_do_not_corrupt_its_response(standing: Standing) -> None:
    """Invalid bytes after the request of a stream end the stream. No second response is sent on the connection."""
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


def test_the_rest_of_a_refused_body_is_discarded_for_a_while(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 17: the rest of a refused body is discarded, and the connection stays open.

    If the rest does not arrive within a bounded time, the connection is closed.
    """
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
