"""Lists the timed requests, one for each way in which held events could slow a response down.

Owns the requests, and the bytes that a right response contains.
"""

from collections.abc import Callable

import msgspec
import uuid_utils

from benchmarks.connection import request
from benchmarks.mix import draft_of, push_body
from benchmarks.timing_families import MET, TimedFamily, note, text


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of timed requests, with a check of the responses."""

    what: str
    ask: Callable[[TimedFamily, int], bytes]
    """The function that returns the bytes of a request. Its arguments are a family, and the number of the family's request."""
    contains: bytes = b""
    """The bytes that every right response contains."""
    status: int = 200
    """The status of every right response."""
    before: Callable[[TimedFamily, int], bytes] | None = None
    """The function that returns a request for the second process, sent before each timed request; None if none is sent."""
    is_control: bool = False
    """Whether the request goes to the process with the naive filter, whose times have to differ."""


def _get(path: str) -> Callable[[TimedFamily, int], bytes]:
    return lambda timed, number: request("GET", timed.path + path.format(place=timed.place), token=timed.token)


def _push(drafts: Callable[[TimedFamily, int], bytes]) -> Callable[[TimedFamily, int], bytes]:
    def ask(timed: TimedFamily, number: int) -> bytes:
        return request("POST", timed.family.events_path, token=timed.token, body=push_body([drafts(timed, number)]))

    return ask


def _note(timed: TimedFamily, number: int) -> bytes:
    return note(timed.family.child, number)


def _met_again(timed: TimedFamily, number: int) -> bytes:
    milestone = MET[number % len(MET)]
    return draft_of({"type": "MilestoneObserved", "child": timed.family.child, "milestone": milestone, "note": text(number)})


def _about_nothing(timed: TimedFamily, number: int) -> bytes:
    return note(timed.family.child, number, about=str(uuid_utils.uuid7()))


def _clip(method: str, path: str = "") -> Callable[[TimedFamily, int], bytes]:
    return lambda timed, number: request(method, f"{timed.path}/clips/{timed.clip}{path}", token=timed.token)


def _attached(timed: TimedFamily, number: int) -> bytes:
    return draft_of({"type": "ClipAttached", "target": timed.own, "clip": timed.clip})


def _about_held(timed: TimedFamily, number: int) -> bytes:
    return note(timed.family.child, number, about=timed.of_held)


ROUTES: dict[str, Route] = {
    "feed": Route(what="feed from 0, a page of 500", ask=_get("/feed?after=0&limit=500"), contains=b'"more":true'),
    "end": Route(what="pull at the end", ask=_get("/feed?after={place}&limit=500"), contains=b'"entries":[]'),
    "timeline": Route(what="timeline", ask=_get("/timeline"), contains=b'"entries":[{'),
    "handover": Route(what="hand-over card", ask=_get("/handover"), contains=b'"cards":[{'),
    "tips": Route(what="tips", ask=_get("/tips"), contains=b'"children":[{'),
    "roster": Route(what="roster", ask=_get(""), contains=b'"members":[{'),
    "note": Route(what="push: a note", ask=_push(_note), contains=b'"outcome":"recorded"'),
    "met": Route(what="push: an own sighting of what is met", ask=_push(_met_again), contains=b'"outcome":"recorded"'),
    "again": Route(
        what="push: an old draft again", ask=_push(lambda timed, _: timed.met), contains=b'"outcome":"already_recorded"'
    ),
    "unknown": Route(what="push: about an unknown id", ask=_push(_about_nothing), contains=b'"event.unknown_target"'),
    "guessed": Route(what="push: about the id of a held event", ask=_push(_about_held), contains=b'"event.unknown_target"'),
    "clip": Route(what="file of a held clip, or of none", ask=_clip("GET"), status=404, contains=b'"not_found"'),
    "poster": Route(what="still of a held clip, or of none", ask=_clip("GET", "/poster"), status=404, contains=b'"not_found"'),
    "files": Route(what="list of a held clip, or of none", ask=_clip("GET", "/files"), status=404, contains=b'"not_found"'),
    "ticket": Route(what="ticket for a held clip, or none", ask=_clip("POST", "/ticket"), status=404, contains=b'"not_found"'),
    "attach": Route(what="push: attach a held clip, or none", ask=_push(_attached), contains=b'"event.unknown_clip"'),
    "cold": Route(
        what="push: a note, after another process wrote", ask=_push(_note), before=_push(_note), contains=b'"outcome":"recorded"'
    ),
    "control": Route(
        what="CONTROL: feed from 0, filtered as it is read", ask=_get("/feed?after=0&limit=500"), contains=b'"more":true',
        is_control=True,
    ),
}
