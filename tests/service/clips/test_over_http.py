"""Tests a clip from the phone to the other parent: uploaded in pieces, cleaned, attached, held, released, fetched."""

import hashlib
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from uuid_utils.compat import uuid7

from tests.polling import until
from tests.service.clips.media import PLANTED, film, picture
from tests.service.conftest import Someone, Village, keeps, push

TUS = {"Tus-Resumable": "1.0.0"}


class Phone:
    """A device that uploads clips."""

    def __init__(self, who: Someone) -> None:
        self.who = who
        self.headers = {**TUS, "Authorization": f"Bearer {who.token}"}

    async def create(self, content: bytes, filetype: str) -> str:
        """Creates an upload, and returns its path."""
        headers = {**self.headers, "Upload-Length": str(len(content)), "Upload-Metadata": f"filetype {encoded(filetype)}"}
        answer = await self.who.http.post(f"/v1/families/{self.who.family}/clips", headers=headers)
        assert (answer.status_code, answer.headers["content-length"]) == (201, "0"), answer.text
        return str(answer.headers["location"])

    async def send(self, path: str, content: bytes, *, at: int, **more: str) -> httpx.Response:
        headers = {**self.headers, "Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream", **more}
        return await self.who.http.patch(path, headers=headers, content=content)

    async def upload(self, content: bytes, filetype: str) -> str:
        """Uploads a file, waits until it is cleaned, and returns the id of the clip."""
        path = await self.create(content, filetype)
        for at in range(0, len(content), 50_000):
            answer = await self.send(path, content[at : at + 50_000], at=at)
            assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(min(len(content), at + 50_000)))

        async def is_done() -> bool:
            state = (await self.who.http.get(path, headers=self.headers)).json()["state"]
            return state in ("cleaned", "refused")

        await until(is_done, within_s=30)
        return path.split("/")[-2]

    async def fetch(self, clip: str, more: str = "", **headers: str) -> httpx.Response:
        path = f"/v1/families/{self.who.family}/clips/{clip}{more}"
        return await self.who.http.get(path, headers={**self.headers, **headers})


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


async def attach(who: Someone, clip: str, target: str) -> dict[str, Any]:
    """Pushes a ClipAttached, and returns its receipt."""
    now = "2026-11-27T12:00:00Z"
    event = {"type": "ClipAttached", "target": target, "clip": clip}
    draft = {"id": str(uuid7()), "occurred_at": now, "precision": "minute", "recorded_at": now, "event": event}
    answer = await who.ask("POST", "/v1/families/{family}/events", json={"sent_at": now, "drafts": [draft]})
    receipt: dict[str, Any] = answer.json()["receipts"][0]
    return receipt


async def test_a_film_of_the_first_steps_is_held_and_then_released(village: Village, tmp_path: Path) -> None:
    """Laws 8 and 9: until Ben has seen the first steps himself, the clip is for him as one that never existed."""
    await keeps(village.ben)
    (seen,) = await push(village.sam, village.saw("movement.first-steps"))
    sam, ada, ben = Phone(village.sam), Phone(village.ada), Phone(village.ben)
    content = film(tmp_path / "film.mp4").read_bytes()
    clip = await sam.upload(content, "video/mp4")
    assert [(await who.fetch(clip)).status_code for who in (sam, ada, ben)] == [404] * 3, "it is attached to nothing yet"
    receipt = await attach(village.sam, clip, seen["id"])
    assert (receipt["outcome"], receipt["keep_quiet"]) == ("recorded", ["Ben"])
    served = await ada.fetch(clip)
    assert (served.status_code, served.headers["content-type"]) == (200, "video/mp4")
    assert PLANTED not in served.content
    never = str(uuid7())
    for more in ("", "/poster", "/files"):
        held, unknown = await ben.fetch(clip, more), await ben.fetch(never, more)
        assert (held.status_code, held.content, sorted(held.headers)) == (404, unknown.content, sorted(unknown.headers))
    await push(village.ben, village.first("movement.first-steps"))
    assert (await ben.fetch(clip)).content == served.content
    feed = (await village.ben.ask("GET", "/v1/families/{family}/feed")).json()["entries"]
    (attached,) = [one["event"]["event"] for one in feed if one["event"]["event"]["type"] == "ClipAttached"]
    assert attached["sha256"] == hashlib.sha256(served.content).hexdigest()
    assert (attached["media_type"], attached["length_bytes"]) == ("video/mp4", len(served.content))
    assert (attached["width"], attached["height"], attached["length_ms"]) == (320, 240, 2_000)


async def test_ranges_etags_and_stills(village: Village) -> None:
    (noted,) = await push(village.ada, {"type": "NoteWritten", "child": village.child, "text": "look"})
    ada, ben = Phone(village.ada), Phone(village.ben)
    clip = await ada.upload(picture("JPEG", size=(1_600, 1_200)), "image/jpeg")
    assert (await attach(village.ada, clip, noted["id"]))["outcome"] == "recorded"
    whole = await ben.fetch(clip)
    etag = whole.headers["etag"]
    assert etag == f'"{hashlib.sha256(whole.content).hexdigest()}"'
    assert whole.headers["cache-control"].startswith("private")
    part = await ben.fetch(clip, Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    assert (await ben.fetch(clip, Range="bytes=-5")).content == whole.content[-5:]
    assert (await ben.fetch(clip, Range=f"bytes={len(whole.content)}-")).status_code == 416
    assert (await ben.fetch(clip, Range="bytes=0-1,4-5")).content == whole.content
    assert (await ben.fetch(clip, Range="bytes=0-1", **{"If-Range": '"other"'})).content == whole.content
    assert (await ben.fetch(clip, **{"If-None-Match": etag})).status_code == 304
    for size in (320, 1_280):
        still = await ben.fetch(clip, f"/poster?size={size}")
        assert max(Image.open(BytesIO(still.content)).size) == size
    listed = (await ben.fetch(clip, "/files")).json()
    assert {one["rendition"] for one in listed["files"]} == {"clip", "poster-320", "poster-1280"}


async def test_a_ticket_needs_no_token_and_ends_with_the_device(village: Village) -> None:
    """I-25: a ticket is of one device, and ends when the device is revoked."""
    (noted,) = await push(village.ada, {"type": "NoteWritten", "child": village.child, "text": "look"})
    ada, ben = Phone(village.ada), Phone(village.ben)
    clip = await ada.upload(picture("PNG"), "image/png")
    await attach(village.ada, clip, noted["id"])
    made = await village.ben.http.post(f"/v1/families/{village.ben.family}/clips/{clip}/ticket", headers=ben.headers)
    assert made.status_code == 201
    url = made.json()["url"]
    assert (await village.ben.http.get(url)).content == (await ben.fetch(clip)).content
    assert (await village.ben.http.get(url.replace("ticket=", "ticket=A"))).status_code == 404
    assert (await village.ben.http.delete(f"/v1/devices/{village.ben.device}", headers=ben.headers)).status_code == 204
    assert (await village.ben.http.get(url)).status_code == 404


async def test_only_its_uploader_attaches_a_clip_and_only_once_it_is_clean(village: Village) -> None:
    (noted,) = await push(village.ada, {"type": "NoteWritten", "child": village.child, "text": "look"})
    ada = Phone(village.ada)
    content = picture("JPEG")
    path = await ada.create(content, "image/jpeg")
    clip = path.split("/")[-2]
    codes = [(await attach(who, clip, noted["id"]))["problem"]["code"] for who in (village.ada, village.ben)]
    assert codes == ["event.clip_not_ready", "event.unknown_clip"]
    broken = await ada.upload(b"\xff\xd8\xff no picture", "image/jpeg")
    assert (await attach(village.ada, broken, noted["id"]))["problem"]["code"] == "event.clip_refused"
    assert (await attach(village.ben, broken, noted["id"]))["problem"]["code"] == "event.unknown_clip"


async def test_a_refusal_of_an_offset_names_the_true_one(village: Village) -> None:
    ada = Phone(village.ada)
    path = await ada.create(b"0123456789", "image/png")
    assert (await ada.send(path, b"012", at=0)).headers["upload-offset"] == "3"
    refused = await ada.send(path, b"x", at=0)
    assert (refused.status_code, refused.headers["upload-offset"], refused.json()["code"]) == (409, "3", "clip.offset_wrong")
    where = await village.ada.http.head(path, headers=ada.headers)
    assert (where.headers["upload-offset"], where.headers["upload-length"]) == ("3", "10")
    options = await village.ada.http.options(path)
    assert options.headers["tus-version"] == "1.0.0"
    assert "termination" in options.headers["tus-extension"]
    assert (await village.ada.http.delete(path, headers=ada.headers)).status_code == 204
    assert (await village.ada.http.head(path, headers=ada.headers)).status_code == 404
