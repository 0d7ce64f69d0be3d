"""Tests that the client uploads a film through a connection that breaks often, and goes on after a restart of the program."""

from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from client.backoff import Backoff
from client.clips import ClipNotShown
from client.device import Device
from client.environment import World
from client.errors import RefusedByService, ServiceUnreachable
from service.settings import Settings
from tests.faulty_proxy import CutAnswer, CutRequest, Fault, FaultyProxy
from tests.service.clips.media import film
from tests.service.conftest import UNLIMITED, running

FREE_BYTES = 5_000_000
IMPATIENT = World(backoff=Backoff(first_wait_s=0.01, longest_wait_s=0.05))


@pytest.fixture
def long_film(tmp_path: Path) -> Path:
    """A film of some megabytes, most of them free space: its upload takes several requests."""
    path = film(tmp_path / "steps.mp4")
    with path.open("ab") as file:
        file.write(FREE_BYTES.to_bytes(4) + b"free" + Random(7).randbytes(FREE_BYTES - 8))
    return path


async def test_a_film_arrives_whole_through_a_connection_that_breaks(
    database_url: str, tmp_path: Path, long_film: Path
) -> None:
    settings = Settings(database_url=database_url, data=str(tmp_path / "data"), **UNLIMITED)
    with running(settings) as url:
        host, port = url.removeprefix("http://").split(":")
        path = tmp_path / "ada.device"
        async with await Device.found(url, path, you="Ada", household="Hill", child="Noor", world=IMPATIENT):
            pass
        faults: list[Fault] = [
            CutAnswer(after_bytes=0), CutRequest(after_bytes=90), CutRequest(after_bytes=700_000), CutAnswer(after_bytes=10),
            CutRequest(after_bytes=2_097_300), CutRequest(after_bytes=0), CutRequest(after_bytes=1_500_000),
            CutAnswer(after_bytes=0),
        ]  # fmt: skip
        seen: list[int] = []
        async with FaultyProxy(faults, host=host, port=int(port)) as proxy:
            while True:
                # Each turn is a new start of the program: only the device file remembers the upload.
                async with Device.open(path, base_url=proxy.url, world=IMPATIENT) as device:
                    with suppress(ServiceUnreachable):
                        state = await device.clips.upload(long_film, progress=lambda done, size: seen.append(done))
                        break
        assert not proxy.plan
        assert state.state == "cleaned"
        assert seen == sorted(seen), "bytes that had arrived were sent again"
        assert seen[-1] > FREE_BYTES


async def test_a_file_that_cannot_be_shown_and_one_of_no_known_type(database_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=database_url, data=str(tmp_path / "data"), **UNLIMITED)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (tmp_path / "book.pdf").write_bytes(b"%PDF-1.7")
    with running(settings) as url:
        async with await Device.found(
            url, tmp_path / "ada.device", you="Ada", household="Hill", child="Noor", world=IMPATIENT
        ) as device:
            with pytest.raises(ClipNotShown) as not_shown:
                await device.clips.upload(tmp_path / "broken.jpg")
            assert not_shown.value.code == "clip.broken"
            with pytest.raises(RefusedByService) as refused:
                await device.clips.upload(tmp_path / "book.pdf")
            assert refused.value.code == "clip.tus_header"
