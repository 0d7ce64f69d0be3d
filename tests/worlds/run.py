"""Runs one history in one world over HTTP, and collects every byte that its observers get.

Owns the order in which things happen, and what is written into a transcript. The first world gets the visible steps; the second
also gets what is held, before a step or at the same time.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from tests.service.webhooks.receiving import Delivery, Frame
from tests.worlds import clips
from tests.worlds.copied_families import Household
from tests.worlds.histories import IMPORTED, UPLOADED, Hidden, History, Step, bytes_of_file, rows_of_file, step
from tests.worlds.reads import reads, until_limited
from tests.worlds.seeded import BEGUN, Seeds
from tests.worlds.systems import imported
from tests.worlds.transcript import Transcript
from tests.worlds.uploads import PICTURES, uploading
from tests.worlds.view import FAMILY, MSGPACK, View
from tests.worlds.webhooks import WebhookReader
from tests.worlds.wire import Connection, LiveStream, Request, Response
from tests.worlds.writes import write

INTERVAL = timedelta(minutes=10)
HELD_BEFORE = timedelta(minutes=3)
FEED = f"{FAMILY}/feed"


@dataclass(frozen=True)
class World:
    """A running service, and the receiver of its webhooks."""

    port: int
    seeds: Seeds
    frame: Frame


class Run:
    """A history in one world."""

    def __init__(self, world: World, history: History, household: Household, *, day: int, hides: bool, whole: bool) -> None:
        """`hides`: this is the second world, which gets what is held as well. `whole`: try everything, and nothing by turns."""
        self.whole = whole
        self.history = history
        self.me = history.protected
        self.household = household
        self.begun = BEGUN + timedelta(days=day)
        self.hidden = history.hidden if hides else ()
        self.transcript = Transcript()
        authors = {one.step.who for one in history.hidden}
        self.observers = {self.me, "exa"} | ({"duck"} - authors)
        """Beside the protected member: somebody who has left, and the daycare, which sees its own."""
        self.webhooks: dict[str, WebhookReader] = {}
        """Of the observers, in a family that has any."""
        self.posted: list[Delivery] = []
        """The deliveries of the protected member's webhook since their act."""
        self._world = world
        self._seeds = world.seeds
        self._connection = Connection(world.port)
        self._others = Connection(world.port)
        """For what is held: it may be sent at the same time as a visible step."""

    @cached_property
    def live(self) -> LiveStream:
        """The stream that the protected member holds through everything."""
        stream = LiveStream(self._world.port, self.view(self.me).get(f"{FAMILY}/live"))
        stream.wait_for(b"id: %d\n" % self.place_of(self.me))
        return stream

    def close(self) -> None:
        if "live" in vars(self):
            self.live.close()
        self._connection.close()
        self._others.close()

    # -- what happens

    def at(self, number: int) -> datetime:
        """Returns the time of a visible step."""
        return self.begun + INTERVAL * (number + 1)

    def choose(self) -> None:
        """Lets the protected member choose what they wait for."""
        # What was posted until here is the other world's.
        self.webhooks = {
            name: WebhookReader(hook, self._world.frame, self._seeds)
            for name, hook in self.household.hooks.items()
            if name in self.observers
        }
        self._seeds.begin("choosing", self.begun)
        steps = [step(f"c{number}", self.me, "SurpriseChosen", **one) for number, one in enumerate(self.history.chosen)]
        if steps:
            view = self.view(self.me)
            view.send([view.push(view.drafts(steps))])

    def request_of(self, step: Step, now: datetime) -> Request:
        """Returns the push of a step's draft by its author, or the import of its file."""
        view = View(self.history, self.household, step.who, 0, now, self._connection.request_all)
        if step.event["type"] == IMPORTED:
            return imported(view, bytes_of_file(rows_of_file(self.history, now, step.event["version"])))
        return view.push(view.drafts([step]))

    def upload(self, step: Step, now: datetime, connection: Connection) -> None:
        """Uploads the clip of a step that has one, and lets it be cleaned, so that the step can attach it."""
        if step.event["type"] != UPLOADED and step.event.get("clip") != step.name:
            return
        self._seeds.begin(step.name, now)
        view = View(self.history, self.household, step.who, 0, now, connection.request_all)
        picture = PICTURES["held" if step in (one.step for one in self.hidden) else "visible"]
        state = step.event.get("state", "cleaned")
        for response in view.send(uploading(view.post(clips.CLIPS), step.name, picture, state=state)):
            assert response.status in (201, 204), response.as_bytes
        if state in ("cleaned", "refused"):
            self._seeds.clean_clips()

    def step(self, number: int, visible: Step) -> None:
        """Sends what is held before a visible step, what races with it, and the step."""
        now = self.at(number)
        before = now if number == len(self.history.visible) else now - HELD_BEFORE
        here = [one for one in self.hidden if one.slot == number]
        for one in here:
            if one.races:
                self.upload(one.step, before, self._others)
            else:
                self.hide(one, before)
        self.upload(visible, now, self._connection)
        self._seeds.begin(f"step {number}", now)
        received = len(self.live.received)
        racing = [self.request_of(one.step, now) for one in here if one.races]
        self._others.send(*racing)
        response = self._connection.request(self.request_of(visible, now))
        for request in racing:
            self._note_outcome(self._others.read(request))
        notifications = self._seeds.notifications_of(self.household.people[self.me].member)
        self.transcript.add(f"wake-ups until step {number}", b"%d" % notifications)
        if notifications:
            self.live.wait_past(received)
        if visible.who in self.observers:
            self.transcript.add(f"step {number}", response.as_bytes)
        self._read_webhooks(f"until step {number}")
        self._seeds.notified.clear()
        if number % 2:
            view = self.view(self.me)
            view.send([view.get(f"{FEED}?after={number}&limit=3" if number % 4 == 1 else f"{FAMILY}/timeline")])

    def hide(self, one: Hidden, now: datetime) -> None:
        """Sends what is held."""
        self.upload(one.step, now, self._others)
        if one.step.event["type"] == UPLOADED:
            return
        self._seeds.begin(f"held {one.step.name}", now)
        self._note_outcome(self._others.request(self.request_of(one.step, now)))
        # Otherwise what a sender does about it would be noticed together with the next step.
        self._settle_webhooks()

    def _note_outcome(self, response: Response) -> None:
        """Counts the outcomes of held drafts: where none is recorded, the history shows nothing."""
        assert response.status == 200, response.as_bytes
        body = response.json()
        if "outcomes" in body:
            outcome = "refused" if {"waiting", "refused"} & set(body["outcomes"]) else "recorded"
        else:
            [receipt] = body["receipts"]
            outcome = receipt.get("problem", {}).get("code", receipt["outcome"])
        self.transcript.outcomes[outcome] += 1

    # -- what the observers get

    def view(self, who: str, place: int = 0) -> View:
        """Returns what one observer goes by. Whatever it sends is written into the transcript, with the responses."""

        def send(requests: Sequence[Request]) -> list[Response]:
            if any("/webhooks" in request.path for request in requests):
                self._settle_webhooks()
            responses = self._connection.request_all(requests)
            for request, response in zip(requests, responses, strict=True):
                self.transcript.add(f"{who}: {request}", response.as_bytes)
            return responses

        return View(self.history, self.household, who, place, self._seeds.now, send, self._seeds.clean_clips, self.whole)

    def feed_of(self, who: str, query: str) -> Any:
        """Reads a page of a feed with a member's last device, apart from the transcript."""
        path = self.household.of(f"{FEED}?{query}")
        return self._connection.request(Request("GET", path, self.household.people[who].tokens[-1])).json()

    def whole_feed(self) -> list[dict[str, Any]]:
        """Returns all entries of the protected member's feed."""
        entries: list[dict[str, Any]] = self.feed_of(self.me, "limit=2000")["entries"]
        return entries

    def place_of(self, who: str) -> int:
        """Returns the last place of a feed."""
        return int(self.feed_of(who, "limit=2000").get("place", 0))

    def look_around(self, who: str, *, reads_only: bool) -> None:
        """Sends all requests that there are."""
        view = self.view(who, self.place_of(who))
        for operation, requests in reads(view):
            responses = view.send(requests)
            if operation in clips.READS:
                clips.require_alike(responses[-2 * len(responses) // len(clips.clips_of(view)) :])
            self.transcript.exercised.add(operation)
        if reads_only:
            return
        self._open_another_stream()
        self.transcript.exercised.update(write(view))
        view.send([view.get(f"{FEED}?after={view.place}"), view.get(f"{FAMILY}/timeline"), view.get("/v1/me")])
        for token in self.household.people[who].tokens[1:]:
            view.send([Request("GET", self.household.of(FEED), token, (MSGPACK,))])
        if self.history.probe % 29 == 4:
            view.send(until_limited(view))

    def _open_another_stream(self) -> None:
        """Opens a stream of the other device from somewhere in between, which is sent what is there already."""
        place = self.place_of(self.me)
        after = self.history.probe % max(place, 1)
        path, token = self.household.of(f"{FAMILY}/live?after=0"), self.household.people[self.me].tokens[-1]
        stream = LiveStream(self._world.port, Request("GET", path, token, (f"Last-Event-ID: {after}",)))
        stream.wait_for(b"id: %d\n" % place)
        stream.close()
        self.transcript.add(f"a stream after {after}", stream.head + stream.received)

    def _settle_webhooks(self) -> None:
        for webhook in self.webhooks.values():
            webhook.settle()

    def _read_webhooks(self, when: str) -> None:
        for who, webhook in self.webhooks.items():
            self.transcript.add(f"{who}'s frame {when}", webhook.transcribe())

    # -- the whole of it

    def run(self, *, like: Transcript | None = None) -> Transcript:
        """Runs until the protected member acts. Their act is the last that is the same in both worlds.

        Raises:
            Differs: an observer got something else than in `like`.
        """
        self.transcript.like = like
        self.choose()
        self.transcript.add("the stream opens", self.live.head)
        self._read_webhooks("after choosing")
        self._seeds.notified.clear()
        other_parent = next(name for name in ("ada", "ben") if name != self.me)
        last = step("closing", other_parent, "NoteWritten", child="mia", text="Good night.")
        for number, visible in enumerate((*self.history.visible, last)):
            self.step(number, visible)
        self.live.receive_at_once()
        self.transcript.add("the stream that was held, chunk by chunk", self.live.received)
        if self.webhooks:
            view = self.view(self.me)
            view.send([view.get(f"{FAMILY}/webhooks")])
        self.look_around(self.me, reads_only=False)
        for who in sorted(self.observers - {self.me}):
            if self.whole or self.history.probe % 6 == 2:
                self.look_around(who, reads_only=True)
        self.place = self.place_of(self.me)
        if self.place:
            self.live.wait_for(b"id: %d\n" % self.place)
        self.live.receive_at_once()
        # What the member records in quick succession is sent together or apart, as it comes.
        self.transcript.add("the stream that was held", b"\n".join(self.live.lines()))
        self._read_webhooks("before the act")
        self._act()
        # Read here: what is posted from now on is the other world's.
        if self.webhooks:
            self.posted = self.webhooks[self.me].read()
        return self.transcript

    def _act(self) -> None:
        """Lets the protected member act, so that they are sent what was held.

        The receipt of the act is the same in both worlds, but for `keep_quiet`: that may depend on what came with it.
        """
        self._seeds.begin("the act", self.at(len(self.history.visible) + 1))
        view = self.view(self.me)
        responses = self._connection.request_all([view.push(view.drafts([one])) for one in self.history.acts])
        receipts = [receipt | {"keep_quiet": None} for receipt in responses[0].json()["receipts"]]
        self.transcript.add("the act", json.dumps([responses[0].status, receipts]).encode())

    def require_clips(self) -> None:
        """Checks that each clip is served that the protected member was sent."""
        own = View(self.history, self.household, self.me, 0, self._seeds.now, self._connection.request_all)
        clips.require_served(own, [one["event"] for one in self.whole_feed() if "event" in one["event"]])

    def entries_since_the_act(self) -> list[dict[str, Any]]:
        """Returns the entries that came with the act: the same in the feed, the stream that was held, and the webhook."""
        page = self.feed_of(self.me, f"after={self.place}&limit=2000")
        entries: list[dict[str, Any]] = page["entries"]
        self.live.wait_for(b"id: %d\n" % page["place"])
        sent = [json.loads(line.removeprefix(b"data: ")) for line in self.live.lines() if line.startswith(b"data: ")]
        without_chain = [{name: value for name, value in one.items() if name != "chain"} for one in sent]
        assert without_chain[-len(entries) :] == entries, "the stream sent something else than the feed"
        if self.webhooks:
            assert [one.entry for one in self.posted] == entries, "the webhook posted something else than the feed"
        return entries
