"""Lists the requests about clips: those that change nothing, and uploads, attachments and tickets of an observer's own.

Each is tried with clips that the observer was sent, with clips of others that they can only have guessed (held, unfinished,
refused, not attached), with a clip of another family, and with an id that no clip ever had.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from tests.families import Draft
from tests.worlds.histories import step
from tests.worlds.path_reads import Read, read
from tests.worlds.seeded import clip_of
from tests.worlds.uploads import NEIGHBOURS, PICTURES, TUS, appending, creation, tus
from tests.worlds.view import ABSENT, FAMILY, MSGPACK, View
from tests.worlds.wire import Request, Response

CLIPS = f"{FAMILY}/clips"
CLIP = f"{CLIPS}/{{clip}}"
STRANGE = str(clip_of(NEIGHBOURS))
NEVER = (STRANGE, ABSENT)
"""A clip of another family, and an id that no clip ever had."""
TRIED_MAX = 3
"""The clips of each kind, except in a history that tries everything."""
FILM_BYTES = 490 * 1024 * 1024
"""Two films fit into the space of a member, and a third one does not."""


def clips_of(view: View) -> list[str]:
    """Returns the ids of clips: those of the visible steps, those of the held ones, and those in `NEVER`."""
    visible = [one.name for one in view.history.visible if one in view.history.with_clips]
    held = [one.step.name for one in view.history.hidden if one.step in view.history.with_clips]
    names = visible + held if view.whole else visible[:TRIED_MAX] + held[:TRIED_MAX]
    return [*(str(clip_of(name)) for name in names), *NEVER]


def require_alike(responses: list[Response]) -> None:
    """Checks that a clip of another family and one that never was got the same bytes. `responses` are those of one operation."""
    count = len(responses) // 2
    strange, absent = ([one.as_bytes for one in part] for part in (responses[:count], responses[count:]))
    assert strange == absent, "a clip of another family is answered like no clip that never was"


def require_served(view: View, events: list[dict[str, Any]]) -> None:
    """Checks that each clip of a feed's events is served, if neither the event nor its target was withdrawn."""
    gone = {one["event"]["target"] for one in events if one["event"]["type"] == "Withdrawn"}
    for event in (one for one in events if one["event"]["type"] == "ClipAttached"):
        body = event["event"]
        if not {event["id"], body["target"]} & gone:
            [response] = view.send([view.get(f"{CLIPS}/{body['clip']}")])
            assert response.status == 200, response.as_bytes
            assert sha256(response.body).hexdigest() == body["sha256"]


def _reads(path: str, always: tuple[str, ...], by_turns: tuple[str, ...], count: int = 1) -> Read:
    """Returns the requests about each clip. The last two clips are those in `NEVER`."""

    def requests(view: View) -> list[Request]:
        ids = clips_of(view)
        return [one for clip in ids for one in read(path.replace("{clip}", clip), always, by_turns, count)(view)]

    return requests


RANGES = (
    "GET; Range: bytes=0-9", "GET; Range: bytes=999999-", "GET; Range: bytes=0-1,4-5", 'GET; Range: bytes=2-; If-Range: "x"',
)  # fmt: skip
READS: Mapping[str, Read] = {
    f"GET {CLIP}": _reads(
        CLIP,
        ("GET",),
        (*RANGES, "HEAD", "GET; If-None-Match: *", "GET; If-Modified-Since: {since}", "GET?rendition=h264", "GET?rendition=x",
         "OPTIONS", "GET; Accept-Encoding: gzip"),
    ),
    f"GET {CLIP}/poster": _reads(
        f"{CLIP}/poster", ("GET",), (*RANGES[:2], "GET?size=1280", "HEAD", "GET; If-None-Match: *", "GET?size=7", "OPTIONS")
    ),
    f"GET {CLIP}/files": _reads(
        f"{CLIP}/files", ("GET",), (f"GET; {MSGPACK}", "HEAD; If-None-Match: *", "GET?rendition=clip", "OPTIONS")
    ),
    f"GET {CLIP}/upload": _reads(
        f"{CLIP}/upload", ("GET",), (f"HEAD; {TUS}", "HEAD", f"GET; {MSGPACK}", "OPTIONS", "HEAD; Tus-Resumable: 2.0.0")
    ),
    f"GET {CLIP}/shown": _reads(
        f"{CLIP}/shown", ("GET?ticket=AAAA",), ("GET", "HEAD?ticket=AAAA", "GET?ticket=%C3%A9", "OPTIONS")
    ),
}  # fmt: skip

BY_TURNS = tuple(operation for operation in READS if operation != f"GET {CLIP}")


class _Own:
    """One upload of the observer's own."""

    def __init__(self, view: View, created: Response) -> None:
        path = created.header("location") or f"/v1/families/{view.household.family}/clips/{ABSENT}/upload"
        self.clip = path.split("/")[-2]
        self.upload = replace(view.get(FAMILY), path=path)
        self.page = self.upload
        self.head = tus(replace(self.upload, method="HEAD"))
        self.end = tus(replace(self.upload, method="DELETE"))


def _attachment(view: View, name: str, target: str, clip: str) -> Draft:
    """Returns a draft that attaches any clip to the event of a step."""
    [draft] = view.drafts([step(name, view.who, "ClipAttached", target=target, clip="none")])
    draft["event"]["clip"] = clip
    return draft


def try_clips(view: View) -> None:
    """Uploads pictures, one of them with the bytes of others' clips, attaches them, and tries everything with others' clips."""
    others = clips_of(view)
    first = _try_own_upload(view)
    view.clean()
    view.send([first.page, first.head])
    _try_known_bytes(view)
    _attach(view, first.clip, others)
    _show(view, first, others)
    _fill_space(view)
    at_others = [view.get(f"{CLIPS}/{clip}/upload") for clip in others]
    view.send([appending(one, b"x", at=0) for one in at_others])
    view.send([tus(replace(one, method="DELETE")) for one in at_others])


def _try_own_upload(view: View) -> _Own:
    picture = PICTURES["own"]
    [created] = view.send([creation(view.post(CLIPS), len(picture))])
    own = _Own(view, created)
    view.send([own.page, own.head, appending(own.upload, picture[:9], at=0), appending(own.upload, b"x", at=0), own.head])
    frame = view.drafts([step("frame", view.who, "NoteWritten", child="mia", text="look at this")])
    view.send([view.push([*frame, _attachment(view, "early", "frame", own.clip)])])
    view.send([appending(own.upload, picture[9:], at=9), own.page, own.head])
    view.send([view.push([_attachment(view, "early", "frame", own.clip)])])
    return own


def _try_known_bytes(view: View) -> None:
    """Uploads the bytes that others' held clips have. Nothing else waits, so one file is cleaned."""
    picture = PICTURES["held"]
    [created] = view.send([creation(view.post(CLIPS), len(picture), body=picture)])
    own = _Own(view, created)
    view.send([own.page, own.head])
    count = view.clean()
    assert count == (created.status == 201), f"{count} files were cleaned"
    view.send([own.page, own.head, own.end])


def _attach(view: View, own: str, others: list[str]) -> None:
    """Attaches an own clip to events that may be held, and others' clips to an own note."""
    guessed = [*(one.step.name for one in view.history.hidden[:3]), "nobody has this id"]
    view.send([view.push([
        *(_attachment(view, f"g{number}", target, own) for number, target in enumerate(guessed)),
        *(_attachment(view, f"o{number}", "frame", clip) for number, clip in enumerate(others)),
        _attachment(view, "attached", "frame", own),
    ])])  # fmt: skip


def _show(view: View, own: _Own, others: list[str]) -> None:
    """Fetches the own clip that is attached now, and makes tickets for it and for others' clips."""
    view.send([view.get(f"{CLIPS}/{own.clip}{more}") for more in ("", "/poster", "/files")])
    paths = [f"{CLIPS}/{clip}/ticket" for clip in (own.clip, *others)]
    made = view.send([view.post(one) for one in paths])
    url = made[0].json().get("url", "/")
    clips = (own.clip, *others)
    shown = [Request("GET", url.replace(own.clip, clip)) for clip in clips]
    view.send([*shown, replace(shown[0], headers=("Range: bytes=1-3",)), replace(shown[0], method="HEAD")])
    view.send([view.post(f"{paths[0]}?rendition=h264"), view.post(f"{paths[0]}?rendition=x"), own.end])


def _fill_space(view: View) -> None:
    """Fills the space of the member with films that never come. The others' clips take nothing of it."""
    made = [_Own(view, view.send([creation(view.post(CLIPS), FILM_BYTES, filetype="video/mp4")])[0]) for _ in range(3)]
    view.send([replace(view.post(CLIPS), method="OPTIONS"), view.post(CLIPS), *(one.end for one in made)])


WRITES: Mapping[str, Callable[[View], None]] = {
    f"POST {CLIPS}": try_clips,
    f"PATCH {CLIP}/upload": try_clips,
    f"DELETE {CLIP}/upload": try_clips,
    f"POST {CLIP}/ticket": try_clips,
}
