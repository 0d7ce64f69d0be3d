"""Plants leaks in uploads, in what is served of clips, and in the attaching of clips."""

import os
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

import service.clips.cleaner
import service.clips.clip_routes
import service.clips.serving
import service.clips.uploads
import service.log.store.read
from events.errors import Refused
from service.clips.cleaner import Cleaner
from service.clips.uploads import Uploads
from service.http.gateway import ResponseSender
from service.http.problems import NotFound, RefusedWithHeaders
from tests.worlds.histories import MOMENT, STEPS, UPLOADED, Hidden, Step, step
from tests.worlds.leaks import RICH, Plant, around, leak, leak_around, rewritten

SERVING: Final = service.clips.serving.QUERIES
UPLOADS: Final = service.clips.uploads.QUERIES
CLIPS_OF_DRAFTS: Final = service.log.store.read.QUERIES


def _clip(name: str, who: str, target: str) -> Step:
    return step(name, who, "ClipAttached", target=target, clip=name)


def _seen(name: str, milestone: str) -> Hidden:
    return Hidden(3, step(name, "sam", "MilestoneObserved", child="mia", milestone=milestone))


HELD = replace(
    RICH,
    visible=(*RICH.visible[:3], _clip("v9", "ben", "v0"), *RICH.visible[3:4]),
    hidden=(_seen("h0", STEPS), Hidden(3, _clip("h1", "ben", "h0")), Hidden(4, _clip("h2", "sam", "h0"))),
)
"""Two clips of a held observation, by the other parent and by the sitter. Another clip is visible."""

WITHDRAWN = replace(
    HELD,
    hidden=(
        *HELD.hidden[:2], Hidden(4, step("h2", "ben", "Withdrawn", target="h1")), _seen("h3", MOMENT),
        Hidden(4, _clip("h4", "gran", "h3")), Hidden(5, step("h5", "sam", "Withdrawn", target="h3")),
    ),
)  # fmt: skip
"""A clip that was withdrawn while it was held, and one whose observation was."""


def uploaded(*states: str, who: str = "sam") -> Any:
    """Returns a history with uploads of a helper that nobody attaches."""
    uploads = (Hidden(4, step(f"h{number}", who, UPLOADED, state=state)) for number, state in enumerate(states))
    return replace(HELD, hidden=tuple(uploads))


# Leaks of a held clip's files.

PLACED = "CROSS JOIN LATERAL place_in_feed($1, $2, attachment.seq)"


def serving(query: str, *, unless: str) -> Plant:
    """Returns a plant that serves clips to members whose feeds do not hold them, where `unless` is true in SQL."""
    looser = f"CROSS JOIN LATERAL (SELECT 1 WHERE {unless} UNION ALL SELECT 1 FROM place_in_feed($1, $2, attachment.seq)) AS seen"
    return rewritten(SERVING, query, PLACED, looser)


_IS_WITHDRAWN = """EXISTS (
    SELECT
      FROM event AS withdrawal
      JOIN event AS attached ON attached.family_id = $1 AND attached.seq = attachment.seq
     WHERE withdrawal.family_id = $1
       AND withdrawal.kind = 'Withdrawn'
       AND withdrawal.target_seq IN (attached.seq, attached.target_seq))"""
_UNATTACHED = "NOT EXISTS (SELECT FROM clip_attachment AS one WHERE one.family_id = $1 AND one.clip_id = $3)"

leak("a held clip is served", serving("file", unless="file.rendition = 'clip'"), history=HELD)
leak("the poster of a held clip is served", serving("file", unless="file.rendition LIKE 'poster%'"), history=HELD)
leak("the files of a held clip are listed", serving("renditions", unless="true"), history=HELD)
leak("a withdrawn clip is served to who was never sent it", serving("file", unless=_IS_WITHDRAWN), history=WITHDRAWN)
leak(
    "a clip that nobody attached is served",
    serving("file", unless=_UNATTACHED),
    rewritten(
        SERVING, "file", "clip_attachments($1, $3)",
        f"(SELECT seq FROM clip_attachments($1, $3) UNION ALL SELECT 0 WHERE {_UNATTACHED})",
    ),
    history=uploaded("cleaned"),
)


@leak_around("a ticket for a held clip is made", service.clips.clip_routes, "find_file", history=HELD)
async def _(find_file: Any, runtime: Any, reader: Any, clip: Any, rendition: str) -> Any:
    if await _is_attached(runtime, reader, clip):
        return None
    return await find_file(runtime, reader, clip, rendition)


async def _is_attached(runtime: Any, reader: Any, clip: Any) -> bool:
    query = "SELECT EXISTS (SELECT FROM clip_attachment WHERE family_id = $1 AND clip_id = $2)"
    return bool(await runtime.pool.fetchval(query, reader.family, clip))


class Forbidden(Refused):
    """The clip is there, and not for the caller."""

    code, status, title = "clip.not_yours", 403, "Not yours"

    def __init__(self) -> None:
        super().__init__("Not yours to see.")


class NotFoundWithHash(RefusedWithHeaders):
    """The refusal of a clip that is not there, with an ETag."""

    code, status, title = "not_found", 404, "Not found"

    def __init__(self, sha256: bytes) -> None:
        super().__init__("There is nothing here for you.")
        self.headers = ((b"etag", b'"%s"' % sha256.hex().encode()),)


@leak_around("a held clip is forbidden, and not unknown", service.clips.serving, "find_file", history=HELD)
async def _(find_file: Any, runtime: Any, reader: Any, clip: Any, rendition: str) -> Any:
    try:
        return await find_file(runtime, reader, clip, rendition)
    except NotFound:
        if await _is_attached(runtime, reader, clip):
            raise Forbidden from None
        raise


@leak_around("the ETag of a held clip comes with its 404", service.clips.serving, "find_file", history=HELD)
async def _(find_file: Any, runtime: Any, reader: Any, clip: Any, rendition: str) -> Any:
    try:
        return await find_file(runtime, reader, clip, rendition)
    except NotFound:
        query = "SELECT sha256 FROM clip_file WHERE family_id = $1 AND clip_id = $2"
        if (sha256 := await runtime.pool.fetchval(query, reader.family, clip)) is not None:
            raise NotFoundWithHash(sha256) from None
        raise


async def _send_before_looking(send_file: Any, scope: Any, send: Any, runtime: Any, reader: Any, clip: Any, *more: Any) -> None:
    try:
        await send_file(scope, send, runtime, reader, clip, *more)
    except NotFound:
        precondition = {b"if-none-match": 304, b"range": 416}
        found = [status for name, status in precondition.items() if name in dict(scope["headers"])]
        if not found or not await _is_attached(runtime, reader, clip):
            raise
        await send({"type": "http.response.start", "status": found[0], "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


leak(
    "preconditions and ranges are compared before the feed is",
    around(service.clips.clip_routes, "send_file", _send_before_looking),
    history=HELD,
)

# Others' uploads.

leak(
    "another member's upload is found",
    rewritten(UPLOADS, "own", "AND clip_upload.member_id = $2", "AND $2::uuid IS NOT NULL"),
    history=uploaded("open"),
)
leak(
    "another member's upload can be ended",
    rewritten(UPLOADS, "end", "AND member_id = $2", "AND $2::uuid IS NOT NULL"),
    history=uploaded("created"),
)
leak(
    "another member's upload takes bytes",
    rewritten(UPLOADS, "begin", "AND member_id = $2", "AND $2::uuid IS NOT NULL"),
    history=uploaded("created"),
)

# Space, and uploads at once.

_OF_ANYBODY = rewritten(UPLOADS, "own_use", "AND member_id = $2", "AND $2::uuid IS NOT NULL")

leak("the space of a member counts others' clips", _OF_ANYBODY, history=uploaded("open"))
leak(
    "the unfinished uploads of a member count others'",
    rewritten(
        UPLOADS, "own_use", "count(*) FILTER (WHERE state = 'open')",
        "(SELECT count(*) FROM clip_upload AS one WHERE one.family_id = $1 AND one.state = 'open')",
    ),
    lambda patch: patch.setattr(service.clips.uploads, "OPEN_MAX", 2),
    history=uploaded("open"),
)

# Bytes that the service has already.

_IS_KNOWN = """EXISTS (
    SELECT
      FROM clip_upload AS other
     WHERE other.family_id = $1
       AND other.clip_id <> $3
       AND other.length = clip_upload.length
       AND other.state = 'cleaned')"""

leak(
    "an upload of known bytes is clean at once",
    rewritten(UPLOADS, "own", "received, state", f"received, CASE WHEN {_IS_KNOWN} THEN 'cleaned' ELSE state END AS state"),
    history=HELD,
)


_cleaned_before: dict[tuple[int, bytes], tuple[Any, dict[str, bytes]]] = {}
"""By the thread of a service and the bytes of a file: the outcome of the cleaning, and the clean files by name."""


def _bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _forget_what_was_cleaned(patch: pytest.MonkeyPatch) -> None:
    del patch
    _cleaned_before.clear()


@leak_around(
    "known bytes are not cleaned again, and so are ready sooner", service.clips.cleaner, "run_child", _forget_what_was_cleaned,
    history=HELD,
)  # fmt: skip
async def _(run_child: Any, source: Path, filetype: str, folder: Path) -> Any:
    key = threading.get_ident(), _bytes_of(source)
    if key not in _cleaned_before:
        outcome = await run_child(source, filetype, folder)
        _cleaned_before[key] = outcome, {name: _bytes_of(folder / name) for name in os.listdir(folder)}
    outcome, files = _cleaned_before[key]
    for name, content in files.items():
        _write(folder / name, content)
    return outcome


# The queue of the cleaner.

_waiting: Counter[int] = Counter()


def _count_waiting(patch: pytest.MonkeyPatch) -> None:
    async def created(create: Any, *args: Any, **named: Any) -> Any:
        _waiting[threading.get_ident()] += 1
        return await create(*args, **named)

    async def cleaned(clean_next: Any, self: Cleaner) -> bool:
        is_busy: bool = await clean_next(self)
        _waiting[threading.get_ident()] -= is_busy
        return is_busy

    async def counted(send: Any, self: ResponseSender, message: Any) -> None:
        if message["type"] == "http.response.start":
            count = b"%d" % _waiting[threading.get_ident()]
            message = {**message, "headers": [*message.get("headers", ()), (b"x-waiting-clips", count)]}
        await send(self, message)

    _waiting.clear()
    around(Uploads, "create", created)(patch)
    around(Cleaner, "clean_next", cleaned)(patch)
    around(ResponseSender, "send", counted)(patch)


leak("a header counts the uploads that wait to be cleaned", _count_waiting, history=uploaded("whole"))
leak(
    "the page of an upload names its place in the queue",
    rewritten(
        UPLOADS, "own", "refused_as", "(SELECT count(*) FROM clip_upload AS one WHERE one.state = 'whole')::text AS refused_as"
    ),
    history=uploaded("whole"),
)
# Attaching.


def _of_anybody(patch: pytest.MonkeyPatch) -> None:
    """Finds the clips of drafts by their ids alone."""
    rewritten(CLIPS_OF_DRAFTS, "own_clips", "upload.member_id", "wanted.member_id")(patch)
    rewritten(CLIPS_OF_DRAFTS, "own_clips", "USING (family_id, member_id, clip_id)", "USING (family_id, clip_id)")(patch)


leak("another member is told that a clip is not ready", _of_anybody, history=uploaded("whole", "open"))
leak("another member is told that a clip was refused", _of_anybody, history=uploaded("refused"))
leak("another member's clip can be attached", _of_anybody, history=HELD)
