"""Tests what a refused request leaves behind, and the ranges and versions of a file that a request can name."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import asyncpg
import httpx
import pytest

import service.clips.tus_routes
from tests.polling import until
from tests.service.clips.media import picture
from tests.service.clips.test_over_http import Phone, attach, encoded
from tests.service.conftest import Village, found_family, push

OTHER = f"sha256 {b64encode(bytes(32)).decode()}"


async def create_with(ada: Phone, content: bytes, *, length: int, **more: str) -> httpx.Response:
    """Creates an upload with its first bytes."""
    headers = {
        **ada.headers, "Upload-Length": str(length), "Upload-Metadata": f"filetype {encoded('image/png')}",
        "Content-Type": "application/offset+octet-stream", **more,
    }  # fmt: skip
    return await ada.who.http.post(f"/v1/families/{ada.who.family}/clips", headers=headers, content=content)


async def test_a_creation_with_bytes_has_them(village: Village, pool: asyncpg.Pool) -> None:
    ada = Phone(village.ada)
    right = f"sha256 {b64encode(sha256(b'abc').digest()).decode()}"
    created = await create_with(ada, b"abc", length=10, **{"Upload-Checksum": right})
    assert (created.status_code, created.headers["upload-offset"]) == (201, "3")
    assert await pool.fetchval("SELECT received FROM clip_upload") == 3


async def test_a_creation_whose_bytes_are_refused_leaves_no_upload(village: Village, pool: asyncpg.Pool) -> None:
    """The device never learns the address of such an upload, so it must not count."""
    ada = Phone(village.ada)
    wrong = await create_with(ada, b"abc", length=10, **{"Upload-Checksum": OTHER})
    longer = await create_with(ada, b"abcdefghijk", length=10)
    assert [(answer.status_code, answer.json()["code"]) for answer in (wrong, longer)] == [
        (460, "clip.checksum_wrong"), (413, "clip.longer_than_stated"),
    ]  # fmt: skip
    assert await pool.fetchval("SELECT count(*) FROM clip_upload") == 0


async def test_refused_bytes_move_no_offset(village: Village) -> None:
    ada = Phone(village.ada)
    path = await ada.create(b"0123456789", "image/png")
    refused = await ada.send(path, b"012", at=0, **{"Upload-Checksum": OTHER})
    assert (refused.status_code, refused.json()["code"]) == (460, "clip.checksum_wrong")
    assert (await village.ada.http.head(path, headers=ada.headers)).headers["upload-offset"] == "0"


async def test_bytes_beyond_the_length_are_refused_and_those_up_to_it_count(village: Village) -> None:
    ada = Phone(village.ada)
    path = await ada.create(b"0123456789", "image/png")
    refused = await ada.send(path, b"0123456789ab", at=0)
    assert (refused.status_code, refused.json()["code"]) == (413, "clip.longer_than_stated")
    assert (await village.ada.http.head(path, headers=ada.headers)).headers["upload-offset"] == "10"


async def test_a_body_that_falls_silent_ends_its_request_and_not_the_upload(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.clips.tus_routes, "SILENT_S_MAX", 0.2)
    ada = Phone(village.ada)
    path = await ada.create(b"0123456789", "image/png")
    ends = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"012"
        await ends.wait()

    headers = {**ada.headers, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    sending = asyncio.create_task(village.ada.http.patch(path, headers=headers, content=body()))

    async def has_arrived() -> bool:
        return (await village.ada.http.head(path, headers=ada.headers)).headers["upload-offset"] == "3"

    await until(has_arrived)
    ends.set()
    refused = await sending
    assert (refused.status_code, refused.json()["code"]) == (408, "body.too_slow")


async def test_a_range_that_cannot_be_sent_is_refused_or_passed_over(village: Village) -> None:
    """RFC 9110, section 14.2: a range that cannot be read is passed over, and one behind the end is 416."""
    (noted,) = await push(village.ada, {"type": "NoteWritten", "child": village.child, "text": "look"})
    ada = Phone(village.ada)
    clip = await ada.upload(picture("PNG"), "image/png")
    await attach(village.ada, clip, noted["id"])
    whole = await ada.fetch(clip)
    for odd in ("bytes=abc", "bytes=5-2", "bytes=", "bytes=-", "items=0-1", "bytes=" + "9" * 30 + "-", "bytes=0-1,-1"):
        answer = await ada.fetch(clip, Range=odd)
        assert (answer.status_code, answer.content) == (200, whole.content), odd
    behind = await ada.fetch(clip, Range=f"bytes={len(whole.content)}-")
    assert (behind.status_code, behind.json()["code"], behind.json()["at"]) == (416, "clip.range", "range")
    assert behind.headers["content-range"] == f"bytes */{len(whole.content)}"
    path = f"/v1/families/{village.ada.family}/clips/{clip}"
    headed = await village.ada.http.head(path, headers=ada.headers)
    assert (headed.status_code, headed.content, headed.headers["content-length"]) == (200, b"", str(len(whole.content)))
    same = await ada.fetch(clip, **{"If-None-Match": whole.headers["etag"]})
    assert (same.status_code, "content-length" in same.headers) == (304, False)


async def test_a_clip_without_its_bytes_is_unavailable(village: Village, tmp_path: Path) -> None:
    """A store of objects that does not respond is no bug of the service: 503, and the same request again later."""
    (noted,) = await push(village.ada, {"type": "NoteWritten", "child": village.child, "text": "look"})
    ada = Phone(village.ada)
    clip = await ada.upload(picture("PNG"), "image/png")
    await attach(village.ada, clip, noted["id"])
    for path in (tmp_path / "data" / "clips").rglob("files/*"):
        path.unlink()
    answer = await ada.fetch(clip)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_a_clip_is_fetched_by_members_whose_feed_holds_it_and_by_nobody_else(village: Village) -> None:
    """I-18: of members of the family and callers from outside, on each route of a clip."""
    (noted,) = await push(village.ada, {"type": "NoteWritten", "child": village.child, "text": "look"})
    ada = Phone(village.ada)
    clip = await ada.upload(picture("PNG"), "image/png")
    await attach(village.ada, clip, noted["id"])
    eve = Phone(await found_family(village.ada.http, you="Eve"))
    statuses = {}
    for more in ("", "/poster", "/files"):
        for who, member in {"ada": village.ada, "ben": village.ben, "sam": village.sam, "daycare": village.ducklings}.items():
            statuses[who, more] = (await Phone(member).fetch(clip, more)).status_code
        foreign = await eve.who.http.get(f"/v1/families/{ada.who.family}/clips/{clip}{more}", headers=eve.headers)
        borrowed = await eve.fetch(clip, more)
        nobody = await eve.who.http.get(f"/v1/families/{ada.who.family}/clips/{clip}{more}")
        assert [answer.status_code for answer in (foreign, borrowed, nobody)] == [404, 404, 401]
    assert statuses == {
        (who, more): status
        for who, status in {"ada": 200, "ben": 200, "sam": 200, "daycare": 404}.items()
        for more in ("", "/poster", "/files")
    }
