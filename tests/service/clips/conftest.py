"""Provides the fixtures of the tests of clips: the log of one process, both stores of objects, and a family with clips."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from events.ids import DeviceId
from service.clips.objects import FolderObjects, Objects, objects_of
from service.log.log import Log
from service.settings import Settings
from tests.families import found, log_on
from tests.service.clips.family_clips import FamilyClips
from tests.service.clips.test_uploads import ADD_PERSON


@pytest.fixture
async def log(database_url: str, pool: asyncpg.Pool) -> AsyncIterator[Log]:
    """The log, as one process has it."""
    async with log_on(database_url, pool) as one:
        yield one


@pytest.fixture
async def clips(log: Log, pool: asyncpg.Pool, tmp_path: Path) -> FamilyClips:
    """A family whose clips are on one folder."""
    family, device = await found(log), DeviceId(uuid4())
    await pool.execute(ADD_PERSON, uuid4(), device, device.bytes * 2)
    return FamilyClips(pool, log, family, device, tmp_path)


@pytest.fixture(scope="session")
def bucket_url() -> Iterator[str]:
    """Runs moto's server, which speaks S3, and yields its address."""
    # Imported here, because it takes a second and few tests need it.
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """A store of objects: a folder, and a new bucket of S3."""
    if request.param == "folder":
        return FolderObjects(tmp_path)
    url, bucket = request.getfixturevalue("bucket_url"), f"clips-{uuid4().hex}"
    httpx.put(f"{url}/{bucket}").raise_for_status()
    return objects_of(Settings(clips_bucket=bucket, clips_endpoint=url, clips_key_id="key", clips_secret="secret"))
