"""Tests uploads on a disk that is full and then has space again: a small tmpfs under the folder of clips."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.clips.uploads import PIECE_BYTES
from service.settings import Settings
from tests.crash.small_disks import small_disk_in
from tests.polling import until
from tests.service.clips.media import picture
from tests.service.clips.test_over_http import Phone
from tests.service.clips.test_uploads import files_in
from tests.service.conftest import UNLIMITED, found_family, running

DISK = "8m"


@pytest.fixture
def small_disk(open_folder: Path) -> Iterator[Path]:
    """Mounts a small file system, and yields its folder."""
    with small_disk_in(open_folder, size=DISK) as folder:
        yield folder


def fill(disk: Path) -> None:
    """Leaves space for half a piece."""
    space = os.statvfs(disk)
    with (disk / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, space.f_bavail * space.f_frsize - PIECE_BYTES // 2)


async def test_a_full_disk_leaves_the_offset_and_the_upload_goes_on_when_there_is_space(
    small_disk: Path, database_url: str
) -> None:
    """Laws 1 and 17: 507 and the offset of before, no file by half, and the clip in the end."""
    content = picture("JPEG") + bytes(PIECE_BYTES + 5_000)
    first = PIECE_BYTES + 1_000
    with running(Settings(database_url=database_url, data=str(small_disk), **UNLIMITED)) as url:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:
            phone = Phone(await found_family(http))
            path = await phone.create(content, "image/jpeg")
            assert (await phone.send(path, content[:1_000], at=0)).status_code == 204
            fill(small_disk)
            before = files_in(small_disk)
            for _ in range(2):
                refused = await phone.send(path, content[1_000:first], at=1_000)
                assert (refused.status_code, refused.json()["code"]) == (507, "clip.disk_full")
                assert (await http.head(path, headers=phone.headers)).headers["upload-offset"] == "1000"
            assert files_in(small_disk) == before
            (small_disk / "ballast").unlink()
            assert (await phone.send(path, content[1_000:], at=1_000)).status_code == 204

            async def is_cleaned() -> bool:
                return bool((await http.get(path, headers=phone.headers)).json()["state"] == "cleaned")

            await until(is_cleaned, within_s=30)
