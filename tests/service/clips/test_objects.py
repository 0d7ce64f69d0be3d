"""Tests both stores of objects, a folder and a bucket of S3, by the same promises."""

from pathlib import Path

import pytest

from service.clips.objects import READ_BYTES, FolderObjects, Objects, ObjectsUnavailable, objects_of
from service.settings import Settings
from tests.service.clips.test_uploads import files_in, keys_in

CONTENT = bytes(range(256)) * 4_000


async def read(objects: Objects, key: str, start: int, end: int) -> bytes:
    return b"".join([part async for part in objects.read(key, start=start, end=end)])


async def test_what_was_put_is_read_by_range(objects: Objects, tmp_path: Path) -> None:
    source = tmp_path / "source.of.a.file"
    source.write_bytes(CONTENT)
    for key, content in (("a/of-bytes", CONTENT), ("a/of-a-file", source)):
        await objects.put(key, content)
        assert await objects.size_of(key) == len(CONTENT)
        for start, end in ((0, len(CONTENT)), (0, 1), (5, READ_BYTES + 6), (len(CONTENT) - 1, len(CONTENT)), (7, 7)):
            assert await read(objects, key, start, end) == CONTENT[start:end]


async def test_an_object_that_is_put_again_is_the_new_one(objects: Objects) -> None:
    await objects.put("a/b", b"old")
    await objects.put("a/b", b"newer")
    assert (await read(objects, "a/b", 0, 5), await objects.size_of("a/b")) == (b"newer", 5)


async def test_a_listing_names_each_object_below_its_prefix_with_its_size(objects: Objects) -> None:
    for key in ("a/1", "a/b/2", "ab/3", "c/4"):
        await objects.put(key, key.encode())
    assert sorted(await keys_in(objects)) == ["a/1", "a/b/2", "ab/3", "c/4"]
    below = [one async for page in objects.list("a/") for one in page]
    assert sorted((one.key, one.bytes) for one in below) == [("a/1", 3), ("a/b/2", 5)]
    assert [page async for page in objects.list("nobody/")] == []


async def test_deleting_is_done_once_and_may_be_repeated(objects: Objects) -> None:
    for key in ("a/1", "a/2", "a/3"):
        await objects.put(key, b"x")
    for _ in range(2):
        await objects.delete(["a/1", "a/2", "a/never"])
    await objects.delete([])
    assert await keys_in(objects) == ["a/3"]


async def test_a_missing_object_has_no_size_and_cannot_be_read(objects: Objects) -> None:
    assert await objects.size_of("a/never") is None
    with pytest.raises(ObjectsUnavailable):
        await read(objects, "a/never", 0, 1)


async def test_a_bucket_that_nobody_serves_is_unavailable_within_seconds() -> None:
    nowhere = objects_of(Settings(clips_bucket="x", clips_endpoint="http://127.0.0.1:1", clips_key_id="k", clips_secret="s"))
    for doing in (nowhere.put("a", b"x"), nowhere.size_of("a"), nowhere.delete(["a"]), read(nowhere, "a", 0, 1)):
        with pytest.raises(ObjectsUnavailable):
            await doing


async def test_tidying_leaves_every_object_and_takes_what_was_never_whole(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    await objects.put("a/b", b"x")
    (tmp_path / ".new" / "half").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    await objects.tidy(before_s=0)
    assert (tmp_path / "empty").is_dir()
    await objects.tidy(before_s=2**40)
    assert files_in(tmp_path) == [tmp_path / "a" / "b"]
    assert not (tmp_path / "empty").exists()
