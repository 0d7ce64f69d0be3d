"""Runs one history in one world over HTTP, and collects every byte that its observers get.

Owns the order of the steps, and what is written into a transcript. In the first world only the visible steps happen. In the
second world the held steps happen too, each before a visible step or at the same time.
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
    """One history, as it happens in one world."""

    def __init__(self, world: World, history: History, household: Household, *, day: int, hides: bool, whole: bool) -> None:
        """Prepares a run. `hides`: the held steps happen too, like in the second world. `whole`: every listed request is sent."""
        self.whole = whole
        self.history = history
        self.me = history.protected
        self.household = household
        self.begun = BEGUN + timedelta(days=day)
        self.hidden = history.hidden if hides else ()
        self.transcript = Transcript()
        authors = {one.step.who for one in history.hidden}
        self.observers = {self.me, "exa"} | ({"duck"} - authors)
        """The protected member; Exa, who has left the family; and the daycare, unless it authors a held step."""
        self.webhooks: dict[str, WebhookReader] = {}
        """The readers of the observers' webhooks, by the observer's name. Empty in a family without webhooks."""
        self.posted: list[Delivery] = []
        """The deliveries of the protected member's webhook since their act."""
        self._world = world
        self._seeds = world.seeds
        self._connection = Connection(world.port)
        self._others = Connection(world.port)
        """The connection for the held steps, because they may be sent at the same time as a visible step."""

    @cached_property
    def live(self) -> LiveStream:
        """The protected member's live stream. It stays open during the whole run."""
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
        """Pushes the choices of the protected member, and begins to read the observers' webhooks."""
        # The deliveries until now are those of the other world.
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
        """Sends a visible step: after the held steps before it, and at the same time as the held steps that race with it."""
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
        """Sends a held step, and waits until no webhook has anything left to post."""
        self.upload(one.step, now, self._others)
        if one.step.event["type"] == UPLOADED:
            return
        self._seeds.begin(f"held {one.step.name}", now)
        self._note_outcome(self._others.request(self.request_of(one.step, now)))
        # Otherwise the sender might still work on the held step during the next step, and the test would blame the next step.
        self._settle_webhooks()

    def _note_outcome(self, response: Response) -> None:
        """Counts the outcomes of held drafts. A history in which no held draft is recorded would show nothing."""
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
        """Returns the view of one observer. All requests of the view, with their responses, are written into the transcript."""

        def send(requests: Sequence[Request]) -> list[Response]:
            if any("/webhooks" in request.path for request in requests):
                self._settle_webhooks()
            responses = self._connection.request_all(requests)
            for request, response in zip(requests, responses, strict=True):
                self.transcript.add(f"{who}: {request}", response.as_bytes)
            return responses

        return View(self.history, self.household, who, place, self._seeds.now, send, self._seeds.clean_clips, self.whole)

    def feed_of(self, who: str, query: str) -> Any:
        """Reads a page of a feed with a member's last device. The transcript does not get this page."""
        path = self.household.of(f"{FEED}?{query}")
        return self._connection.request(Request("GET", path, self.household.people[who].tokens[-1])).json()

    def whole_feed(self) -> list[dict[str, Any]]:
        """Returns all entries of the protected member's feed."""
        entries: list[dict[str, Any]] = self.feed_of(self.me, "limit=2000")["entries"]
        return entries

    def place_of(self, who: str) -> int:
        """Returns the last place of a member's feed."""
        return int(self.feed_of(who, "limit=2000").get("place", 0))

    def look_around(self, who: str, *, reads_only: bool) -> None:
        """Sends an observer's requests that only read. Unless `reads_only`, also sends the requests that change something."""
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
        """Opens a stream of the member's other device from a place inside of the feed, and reads the entries after that place."""
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

    def run(self, *, like: Transcript | None = None) -> Transcript:
        """Runs the history up to the acts that end the surprise. The receipts of these acts are the last bytes that are compared.

        Raises:
            Differs: an observer got other bytes than in the transcript `like`.
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
        # Entries in quick succession may come in one chunk or in several. So the lines are compared, and not the chunks.
        self.transcript.add("the stream that was held", b"\n".join(self.live.lines()))
        self._read_webhooks("before the act")
        self._act()
        # Read now, because all later deliveries are those of the other world.
        if self.webhooks:
            self.posted = self.webhooks[self.me].read()
        return self.transcript

    def _act(self) -> None:
        """Pushes the acts by which the protected member ends the surprise.

        Their receipts are the same in both worlds except for `keep_quiet`, which may depend on the events that the act released.
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
        """Returns the entries since the acts. Checks that the feed, the open stream and the webhook contain the same entries."""
        page = self.feed_of(self.me, f"after={self.place}&limit=2000")
        entries: list[dict[str, Any]] = page["entries"]
        self.live.wait_for(b"id: %d\n" % page["place"])
        sent = [json.loads(line.removeprefix(b"data: ")) for line in self.live.lines() if line.startswith(b"data: ")]
        without_chain = [{name: value for name, value in one.items() if name != "chain"} for one in sent]
        assert without_chain[-len(entries) :] == entries, "the stream sent something else than the feed"
        if self.webhooks:
            assert [one.entry for one in self.posted] == entries, "the webhook posted something else than the feed"
        return entries
