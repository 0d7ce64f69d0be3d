"""Tests uploads by a client that we did not write: tuspy, from PyPI, through a connection that breaks every few megabytes."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from service.settings import Settings
from tests.faulty_proxy import CutAnswer, CutRequest, Fault, FaultyProxy
from tests.polling import until
from tests.service.clips.films import decoded
from tests.service.clips.media import film
from tests.service.clips.test_over_http import Phone, attach
from tests.service.conftest import UNLIMITED, found_family, push, running

MIB = 1024 * 1024
FREE_BYTES = 40 * MIB
FAULTS: list[Fault] = [
    CutAnswer(after_bytes=0), CutRequest(after_bytes=120), CutRequest(after_bytes=3 * MIB), CutAnswer(after_bytes=15),
    *(CutRequest(after_bytes=Random(at).randrange(1, 6 * MIB)) for at in range(12)),
]  # fmt: skip


@contextmanager
def breaking(url: str) -> Iterator[str]:
    """Yields the address of a proxy before the service whose first connections break."""
    host, port = url.removeprefix("http://").split(":")
    started, ended = threading.Event(), asyncio.Event()
    found: list[str] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with FaultyProxy(FAULTS, host=host, port=int(port)) as proxy:
            found.append(proxy.url)
            started.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(10)
    yield found[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join()


def send(url: str, family: str, token: str, file: Path, *, has_checksums: bool) -> str:
    """Uploads a file with tuspy, again and again until the upload is whole, and returns the path of the upload."""
    client = TusClient(f"{url}/v1/families/{family}/clips", headers={"Authorization": f"Bearer {token}"})
    uploader: Any = client.uploader(
        str(file), metadata={"filetype": "video/mp4", "filename": "PLANTED.mp4"}, chunk_size=4 * MIB, retries=30, retry_delay=0,
        upload_checksum=has_checksums,
    )  # fmt: skip
    while uploader.url is None:
        with suppress(TusCommunicationError):
            uploader.set_url(uploader.create_url())
    while True:
        try:
            uploader.upload()
        except TypeError:
            # A response that was cut in its head: tuspy takes it for a success without headers, and misses the offset.
            uploader.offset = uploader.get_offset()
        else:
            return str(httpx.URL(uploader.url).path)


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of 40 MiB, most of them free space."""
    path = film(tmp_path_factory.mktemp("films") / "steps.mp4")
    with path.open("ab") as file:
        file.write(FREE_BYTES.to_bytes(4) + b"free" + Random(7).randbytes(FREE_BYTES - 8))
    return path


@pytest.mark.parametrize("has_checksums", [False, True], ids=["plain", "with checksums"])
async def test_tuspy_uploads_a_film_through_a_connection_that_breaks(
    database_url: str, tmp_path: Path, long_film: Path, has_checksums: bool
) -> None:
    settings = Settings(database_url=database_url, data=str(tmp_path), **UNLIMITED)
    with running(settings) as url, breaking(url) as broken:
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            ada = await found_family(http)
            path = await asyncio.to_thread(
                send, broken, ada.family, ada.token, long_film, has_checksums=has_checksums
            )
            phone = Phone(ada)

            async def is_clean() -> bool:
                return bool((await http.get(path, headers=phone.headers)).json()["state"] == "cleaned")

            await until(is_clean, within_s=30)
            child = (await ada.ask("GET", "/v1/families/{family}")).json()["children"][0]["child"]
            (noted,) = await push(ada, {"type": "NoteWritten", "child": child, "text": "look"})
            clip = path.split("/")[-2]
            assert (await attach(ada, clip, noted["id"]))["outcome"] == "recorded"
            served = tmp_path / "served.mp4"
            served.write_bytes((await phone.fetch(clip)).content)
    assert decoded(served, "video") == decoded(long_film, "video")
    assert decoded(served, "audio") == decoded(long_film, "audio")
    assert b"PLANTED" not in served.read_bytes()
