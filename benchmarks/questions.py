"""What the one who waits may ask while the clock runs: a route for each way in which what is held could slow an answer down.

Owns the requests and what a right answer says. A new route is one more line of `ROUTES`.
"""

from collections.abc import Callable

import msgspec
import uuid_utils

from benchmarks.alike import MET, World, note, text
from benchmarks.line import request
from benchmarks.mix import draft_of, push_body


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A way to ask."""

    what: str
    ask: Callable[[World, int], bytes]
    """The bytes of a request; the number tells the askings of one family apart."""
    says: bytes = b""
    """Stands in every right answer."""
    before: Callable[[World, int], bytes] | None = None
    """Asked of another process first, without a clock."""
    is_control: bool = False
    """Asked of the process with the naive filter, and has to differ."""


def _get(path: str) -> Callable[[World, int], bytes]:
    return lambda world, number: request("GET", world.path + path.format(place=world.place), token=world.token)


def _push(drafts: Callable[[World, int], bytes]) -> Callable[[World, int], bytes]:
    def ask(world: World, number: int) -> bytes:
        return request("POST", world.family.events_path, token=world.token, body=push_body([drafts(world, number)]))

    return ask


def _note(world: World, number: int) -> bytes:
    return note(world.family.child, number)


def _met_again(world: World, number: int) -> bytes:
    milestone = MET[number % len(MET)]
    return draft_of({"type": "MilestoneObserved", "child": world.family.child, "milestone": milestone, "note": text(number)})


def _about_nothing(world: World, number: int) -> bytes:
    return note(world.family.child, number, about=str(uuid_utils.uuid7()))


def _about_held(world: World, number: int) -> bytes:
    return note(world.family.child, number, about=world.of_held)


ROUTES: dict[str, Route] = {
    "feed": Route(what="feed from 0, a page of 500", ask=_get("/feed?after=0&limit=500"), says=b'"more":true'),
    "end": Route(what="pull at the end", ask=_get("/feed?after={place}&limit=500"), says=b'"entries":[]'),
    "timeline": Route(what="timeline", ask=_get("/timeline"), says=b'"entries":[{'),
    "handover": Route(what="hand-over card", ask=_get("/handover"), says=b'"cards":[{'),
    "tips": Route(what="tips", ask=_get("/tips"), says=b'"children":[{'),
    "roster": Route(what="roster", ask=_get(""), says=b'"members":[{'),
    "note": Route(what="push: a note", ask=_push(_note), says=b'"outcome":"recorded"'),
    "met": Route(what="push: an own sighting of what is met", ask=_push(_met_again), says=b'"outcome":"recorded"'),
    "again": Route(what="push: an old draft again", ask=_push(lambda world, _: world.met), says=b'"outcome":"already_recorded"'),
    "unknown": Route(what="push: about an unknown id", ask=_push(_about_nothing), says=b'"event.unknown_target"'),
    "guessed": Route(what="push: about the id of a held event", ask=_push(_about_held), says=b'"event.unknown_target"'),
    "cold": Route(
        what="push: a note, after another process wrote", ask=_push(_note), before=_push(_note), says=b'"outcome":"recorded"'
    ),
    "control": Route(
        what="CONTROL: feed from 0, filtered as it is read", ask=_get("/feed?after=0&limit=500"), says=b'"more":true',
        is_control=True,
    ),
}
