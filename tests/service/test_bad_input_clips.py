"""Tests requests to the routes of clips with a header or a query that is missing, repeated, huge or not valid."""

from base64 import b64encode

import pytest

from tests.service.access_fixtures import Standing

CLIPS = "/v1/families/{family}/clips"
VERSION, LENGTH, METADATA = "Tus-Resumable: 1.0.0", "Upload-Length: 10", "Upload-Metadata: filetype aW1hZ2UvcG5n"
OFFSET, BYTES = "Upload-Offset: 0", "Content-Type: application/offset+octet-stream"
PNG = "aW1hZ2UvcG5n"
FILM = "Upload-Metadata: filetype dmlkZW8vbXA0"
NUMBERS = {
    "none": "", "a sign": "-1", "a plus": "+10", "an exponent": "1e3", "a fraction": "1.0", "hexadecimal": "0x10",
    "a leading zero": "010", "an underscore": "1_0", "words": "ten", "a list": "10, 10", "a blank inside": "1 0",
    "not ASCII": "\xb2", "thirty digits": "9" * 30, "five thousand digits": "9" * 5_000, "NaN": "NaN",
}  # fmt: skip

pytestmark = pytest.mark.usefixtures("nothing_changes")


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


Refusal = tuple[int, str, str | None]
WRONG_VERSION: Refusal = (412, "clip.tus_version", "tus-resumable")
WRONG_LENGTH: Refusal = (400, "clip.tus_header", "upload-length")
TOO_LARGE: Refusal = (413, "clip.too_large", "upload-length")
WRONG_METADATA: Refusal = (400, "clip.tus_header", "upload-metadata")
WRONG_FILETYPE: Refusal = (400, "clip.tus_header", "upload-metadata.filetype")
VERSIONS = ("", "1.0", "0.2.2", "2.0.0", "1.0.0, 1.0.0", "v1.0.0", "\xff")
CONCATENATIONS = ("partial", "final;/v1/a /v1/b", "")
METADATAS = {
    "empty": "",
    "not Base64": "filetype %%%",
    "half of Base64": "filetype aW1hZ2UvcG5",
    "a blank in Base64": "filetype aW1h Z2Uv",
    "one key twice": f"filetype {PNG},filetype {PNG}",
    "an empty pair": f"filetype {PNG},",
    "a key that is not ASCII": "fil\xe9 YQ==",
    "a long key": f"{'k' * 129} YQ==,filetype {PNG}",
    "five thousand bytes": f"filetype {PNG},name {'A' * 5_000}",
}
FILETYPES = (
    "", "png", "image/*", "image/svg+xml", "text/html", "application/pdf", "application/x-mpegURL", "image/png\0", "\xe9"
)  # fmt: skip
CREATIONS: dict[str, tuple[tuple[str, ...], Refusal]] = {
    "no version": ((LENGTH, METADATA), WRONG_VERSION),
    "a version twice": ((VERSION, VERSION, LENGTH, METADATA), WRONG_VERSION),
    **{f"a version: {one!r}": ((f"Tus-Resumable: {one}", LENGTH, METADATA), WRONG_VERSION) for one in VERSIONS},
    "no length": ((VERSION, METADATA), WRONG_LENGTH),
    "a length of nothing": ((VERSION, "Upload-Length: 0", METADATA), WRONG_LENGTH),
    "a length twice": ((VERSION, LENGTH, LENGTH, METADATA), WRONG_LENGTH),
    "two lengths": ((VERSION, LENGTH, "Upload-Length: 11", METADATA), WRONG_LENGTH),
    **{f"a length: {what}": ((VERSION, f"Upload-Length: {one}", METADATA), WRONG_LENGTH) for what, one in NUMBERS.items()},
    "a picture that is too large": ((VERSION, f"Upload-Length: {2**25 + 1}", METADATA), TOO_LARGE),
    "a film that is too large": ((VERSION, f"Upload-Length: {2**29 + 1}", FILM), TOO_LARGE),
    "nearly an exabyte": ((VERSION, f"Upload-Length: {'9' * 18}", FILM), TOO_LARGE),
    "a length for later": (
        (VERSION, "Upload-Defer-Length: 1", METADATA),
        (400, "clip.tus_extension", "upload-defer-length"),
    ),
    "both lengths": (
        (VERSION, LENGTH, "Upload-Defer-Length: 1", METADATA),
        (400, "clip.tus_extension", "upload-defer-length"),
    ),
    **{
        f"a concatenation: {one!r}": (
            (VERSION, LENGTH, METADATA, f"Upload-Concat: {one}"),
            (400, "clip.tus_extension", "upload-concat"),
        )
        for one in CONCATENATIONS
    },
    "no metadata": ((VERSION, LENGTH), WRONG_METADATA),
    "metadata twice": ((VERSION, LENGTH, METADATA, METADATA), WRONG_METADATA),
    **{f"metadata: {what}": ((VERSION, LENGTH, f"Upload-Metadata: {one}"), WRONG_METADATA) for what, one in METADATAS.items()},
    "a filetype without a value": ((VERSION, LENGTH, "Upload-Metadata: filetype"), WRONG_FILETYPE),
    "a name alone": ((VERSION, LENGTH, "Upload-Metadata: filename YQ=="), WRONG_FILETYPE),
    **{
        f"a filetype: {one!r}": ((VERSION, LENGTH, f"Upload-Metadata: filetype {encoded(one)}"), WRONG_FILETYPE)
        for one in FILETYPES
    },
}
CHECKSUMS = {
    "empty": "", "an algorithm alone": "sha256", "another algorithm": "md5 1B2M2Y8AsgTpgAmY7PhCfg==", "not Base64": "sha256 !!!",
    "too few bytes": "sha256 YQ==", "bytes of another algorithm": "sha1 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "not ASCII": "\xff YQ==", "hexadecimal": "sha256 " + "0" * 64, "five thousand bytes": "sha256 " + "A" * 5_000,
}  # fmt: skip
BODY_TYPES: dict[str, tuple[tuple[str, ...], str]] = {
    "none": ((), "Content-Type"),
    "JSON": (("Content-Type: application/json",), "Content-Type"),
    "bytes of no upload": (("Content-Type: application/octet-stream",), "Content-Type"),
    "twice": ((BYTES, BYTES), "Content-Type"),
    "not ASCII": (("Content-Type: \xff",), "Content-Type"),
    "compressed": ((BYTES, "Content-Encoding: gzip"), "Content-Encoding"),
}


@pytest.mark.parametrize(("headers", "refusal"), CREATIONS.values(), ids=CREATIONS.keys())
def test_a_creation_with_a_wrong_header_is_refused_by_name(
    standing: Standing, headers: tuple[str, ...], refusal: Refusal
) -> None:
    """Law 17: nothing is created."""
    answer = standing.raw(standing.request("POST", CLIPS, *headers, "Content-Length: 0"))
    assert answer.refusal() == refusal
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert ("tus-version" in answer.headers) == (refusal[0] == 412)


@pytest.mark.parametrize("checksum", CHECKSUMS.values(), ids=CHECKSUMS.keys())
def test_a_checksum_that_is_none_is_refused_by_name(standing: Standing, checksum: str) -> None:
    stated = f"Upload-Checksum: {checksum}"
    more = (VERSION, BYTES, "Content-Length: 3")
    created = standing.raw(standing.request("POST", CLIPS, *more, LENGTH, METADATA, stated, body=b"abc"))
    appended = standing.raw(standing.request("PATCH", upload_of(standing, "ada"), *more, OFFSET, stated, body=b"abc"))
    twice = standing.raw(standing.request("PATCH", upload_of(standing, "ada"), *more, OFFSET, stated, stated, body=b"abc"))
    assert {answer.refusal() for answer in (created, appended, twice)} == {(400, "clip.tus_header", "upload-checksum")}


@pytest.mark.parametrize(("headers", "at"), BODY_TYPES.values(), ids=BODY_TYPES.keys())
def test_a_body_that_is_not_declared_as_bytes_of_an_upload_is_refused(
    standing: Standing, headers: tuple[str, ...], at: str
) -> None:
    more = (VERSION, "Content-Length: 3", *headers)
    created = standing.raw(standing.request("POST", CLIPS, *more, LENGTH, METADATA, body=b"abc"))
    appended = standing.raw(standing.request("PATCH", upload_of(standing, "ada"), *more, OFFSET, body=b"abc"))
    assert created.refusal() == appended.refusal() == (415, "body.media_type", at)
    assert created.headers["accept"] == "application/offset+octet-stream"


@pytest.mark.parametrize("offset", [*NUMBERS.values(), "0\r\nUpload-Offset: 0"], ids=[*NUMBERS, "twice"])
def test_an_offset_that_is_none_is_refused_by_name(standing: Standing, offset: str) -> None:
    more = (VERSION, BYTES, "Content-Length: 3", f"Upload-Offset: {offset}")
    answer = standing.raw(standing.request("PATCH", upload_of(standing, "ada"), *more, body=b"abc"))
    assert answer.refusal() == (400, "clip.tus_header", "upload-offset")


@pytest.mark.parametrize("offset", ["1", "10", "11", "9" * 18])
def test_another_offset_is_refused_with_the_true_one(standing: Standing, offset: str) -> None:
    more = (VERSION, BYTES, "Content-Length: 3", f"Upload-Offset: {offset}")
    answer = standing.raw(standing.request("PATCH", upload_of(standing, "ada"), *more, body=b"abc"))
    assert (answer.refusal(), answer.headers["upload-offset"]) == ((409, "clip.offset_wrong", "upload-offset"), "0")


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "HEAD"])
def test_every_verb_of_tus_needs_its_version(standing: Standing, method: str) -> None:
    more = (BYTES, OFFSET, "Content-Length: 0", "Connection: close")
    for version in ((), ("Tus-Resumable: 0.2.2",), (VERSION, VERSION)):
        request = standing.request(method, upload_of(standing, "ada"), *more, *version)
        answer = standing.raw_head(request) if method == "HEAD" else standing.raw(request)
        assert (answer.status, answer.headers["tus-version"]) == (412, "1.0.0")
        if method != "HEAD":
            assert answer.refusal() == (412, "clip.tus_version", "tus-resumable")


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "HEAD", "GET"])
def test_anothers_upload_and_none_are_alike_to_the_byte(standing: Standing, method: str) -> None:
    """I-18: an upload is shown to the member who made it."""
    seen = set()
    absent = f"{CLIPS}/{standing.ids['absent']}/upload"
    for who, path in (("ada", upload_of(standing, "ben")), ("ada", absent), ("eve", upload_of(standing, "ada"))):
        path = path.replace("{family}", standing.people[who].family)
        request = standing.request(method, path, VERSION, BYTES, OFFSET, "Content-Length: 0", "Connection: close", who=who)
        answer = standing.raw_head(request) if method == "HEAD" else standing.raw(request)
        headers = tuple((name, value) for name, value in answer.headers.items() if name not in ("date", "x-request-id"))
        seen.add((answer.status, headers, answer.body))
    assert [status for status, _, _ in seen] == [404]


QUERIES: dict[str, Refusal] = {
    "?rendition=poster-320": (400, "body.invalid", "rendition"),
    "?rendition=": (400, "body.invalid", "rendition"),
    "?rendition=clip&rendition=clip": (400, "body.invalid", "rendition"),
    "?size=320": (400, "body.invalid", "size"),
    "/poster?size=321": (400, "body.invalid", "size"),
    "/poster?size=-1": (400, "body.invalid", "size"),
    "/poster?size=3.2e2": (400, "body.invalid", "size"),
    "/poster?size=" + "9" * 1_000: (400, "body.invalid", "size"),
    "/poster?rendition=clip": (400, "body.invalid", "rendition"),
    "/files?x=1": (400, "body.invalid", "x"),
    "/upload?x=1": (400, "body.invalid", "x"),
    "/shown": (400, "body.invalid", "ticket"),
    "/shown?ticket=5": (400, "body.invalid", "ticket"),
    "/shown?ticket=a&ticket=a": (400, "body.invalid", "ticket"),
    "/shown?ticket=": (404, "not_found", None),
    "/shown?ticket=%00": (404, "not_found", None),
    "/shown?ticket=%C3%A9": (404, "not_found", None),
    "/shown?ticket=a": (404, "not_found", None),
    "/shown?ticket=" + "A" * 96: (404, "not_found", None),
    "/shown?ticket=" + "A" * 1_900: (404, "not_found", None),
    "/shown?ticket=" + "A" * 96 + "&rendition=x": (400, "body.invalid", "rendition"),
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_that_is_nonsense_is_refused_by_name(standing: Standing, query: str) -> None:
    answer = standing.raw(standing.request("GET", f"{CLIPS}/{standing.ids['absent']}{query}"))
    assert answer.refusal() == QUERIES[query]


def upload_of(standing: Standing, who: str) -> str:
    """Returns the path of a member's upload of 10 bytes, of which none has arrived."""
    return f"{CLIPS}/{standing.ids[f'upload_of_{who}']}/upload"
