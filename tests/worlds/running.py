"""One history, run in two worlds over HTTP, and every byte that its observers got there.

Owns the order in which things are said, and what is written into a transcript. The first world hears the visible schedule; the
second hears what is held as well, before a step or at the same time.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.service.webhooks.receiving import Delivery
from tests.worlds.changing import changes, push
from tests.worlds.copied_families import Household
from tests.worlds.exercises import FAMILY, MSGPACK, View, asked, at_the_limit
from tests.worlds.frames import Cursors, Hall, Hearing
from tests.worlds.histories import IMPORTED, WISHES, Hidden, History, Step, bytes_of_file, rows_of_file
from tests.worlds.seeded import BEGUN, Seeds
from tests.worlds.systems import imports
from tests.worlds.transcript import Transcript
from tests.worlds.wire import Answer, Ask, Listening, Wire

STEP = timedelta(minutes=10)


@dataclass(frozen=True)
class World:
    """A running service."""

    port: int
    seeds: Seeds
    hall: Hall
    cursors: Cursors


class Run:
    """A history in one world."""

    def __init__(self, world: World, history: History, household: Household, *, day: int, hides: bool, whole: bool) -> None:
        """`hides`: this is the second world, which hears what is held as well. `whole`: ask everything, and nothing by turns."""
        self.whole = whole
        self.world = world
        self.history = history
        self.household = household
        self.begun = BEGUN + timedelta(days=day)
        self.hidden = history.hidden if hides else ()
        self.wire = Wire(world.port)
        self.aside = Wire(world.port)
        self.transcript = Transcript()
        authors = {one.step.who for one in history.hidden}
        self._live: Listening | None = None
        self.observers = {history.protected, "exa"} | ({"duck"} - authors)
        """Beside the protected member: somebody who has left, and the daycare, which sees its own."""
        self.frames: dict[str, Hearing] = {}
        """Of the observers, where they have any. What comes to them before the history begins is the other world's."""
        self.posted: list[Delivery] = []
        """What the protected member's webhook was sent since their act."""

    @property
    def live(self) -> Listening:
        """The stream that is held through everything."""
        if self._live is None:
            self._live = self._listen()
        return self._live

    # -- saying

    @property
    def me(self) -> str:
        return self.history.protected

    def at(self, step: int) -> datetime:
        return self.begun + STEP * (step + 1)

    def ask_of(self, said: Step, now: datetime) -> Ask:
        """The push of one draft by its author, or the file that they import."""
        view = View(self.history, self.household, said.who, 0, now, lambda asks: self.wire.ask_all(asks))
        if said.event["type"] == IMPORTED:
            return imports(view, bytes_of_file(rows_of_file(self.history, now, said.event["version"])))
        return push(view, [said.draft(self.household, now)])

    def choose(self) -> None:
        """The protected member says what they wait for."""
        self.frames = {
            name: Hearing(hook, hall=self.world.hall, seeds=self.world.seeds, cursors=self.world.cursors)
            for name, hook in self.household.hooks.items()
            if name in self.observers
        }
        self.world.seeds.begin("choosing", self.begun)
        chosen = [Step(f"c{n}", self.me, {"type": "SurpriseChosen", **one}) for n, one in enumerate(self.history.chosen)]
        if chosen:
            view = self.view(self.me, 0)
            view.tell([push(view, [said.draft(self.household, self.begun) for said in chosen])])

    def step(self, number: int, said: Step) -> None:
        """What is held before a visible step, what races with it, and the step."""
        now = self.at(number)
        here = [one for one in self.hidden if one.slot == number]
        for one in here:
            if not one.races:
                self.hide(one, now if number == len(self.history.visible) else now - timedelta(minutes=3))
        self.world.seeds.begin(f"step {number}", now)
        heard = len(self.live.heard)
        racing = [one for one in here if one.races]
        asks = [self.ask_of(one.step, now) for one in racing]
        for ask in asks:
            self.aside.send(ask)
        answer = self.wire.ask(self.ask_of(said, now))
        for ask in asks:
            self.note_outcome(self.aside.read(ask))
        wakes = self.world.seeds.wakes_of(self.household.people[self.me].member)
        self.transcript.add(f"wake-ups until step {number}", b"%d" % wakes)
        if wakes:
            self.live.hear(past=heard)
        if said.who in self.observers:
            self.transcript.add(f"step {number}", answer.as_bytes)
        self.listen_at_the_frames(f"until step {number}")
        self.world.seeds.woken.clear()
        if number % 2:
            peek = self.view(self.me, 0)
            peek.tell([peek.get(f"{FAMILY}/feed?after={number}&limit=3" if number % 4 == 1 else f"{FAMILY}/timeline")])

    def hide(self, one: Hidden, now: datetime) -> None:
        """Say what is held."""
        self.world.seeds.begin(f"held {one.step.name}", now)
        self.note_outcome(self.aside.ask(self.ask_of(one.step, now)))
        # Or what a sender does about it would be told together with the next step.
        self.settle_frames()

    def note_outcome(self, answer: Answer) -> None:
        """What became of a held draft: a history of which nothing is recorded shows nothing."""
        assert answer.status == 200, answer.as_bytes
        if "outcomes" in answer.said():
            refused = {"waiting", "refused"} & set(answer.said()["outcomes"])
            self.transcript.outcomes["refused" if refused else "recorded"] += 1
            return
        [receipt] = answer.said()["receipts"]
        self.transcript.outcomes[receipt.get("problem", {}).get("code", receipt["outcome"])] += 1

    # -- looking

    def view(self, who: str, place: int) -> View:
        """What one observer goes by; whatever it asks is written down."""

        def tell(asks: list[Ask]) -> list[Answer]:
            if any("/webhooks" in ask.path for ask in asks):
                self.settle_frames()
            answers = self.wire.ask_all(asks)
            for ask, answer in zip(asks, answers, strict=True):
                self.transcript.add(f"{who}: {ask}", answer.as_bytes)
            return answers

        return View(self.history, self.household, who, place, self.world.seeds.now, tell, self.whole)

    def place_of(self, who: str) -> int:
        """The last place of a feed, as its owner is told."""
        person = self.household.people[who]
        path = self.household.of(f"{FAMILY}/feed?limit=2000")
        return int(self.wire.ask(Ask(method="GET", path=path, token=person.tokens[-1])).said().get("place", 0))

    def look_around(self, who: str, *, reads_only: bool) -> None:
        """Ask everything there is to ask."""
        view = self.view(who, self.place_of(who))
        for operation, asks in asked(view):
            view.tell(asks)
            self.transcript.exercised.add(operation)
        if reads_only:
            return
        self.listen_anew()
        self.transcript.exercised.update(changes(view))
        view.tell([view.get(f"{FAMILY}/feed?after={view.place}"), view.get(f"{FAMILY}/timeline"), view.get("/v1/me")])
        if len(self.household.people[who].tokens) > 1:
            second = self.household.people[who].tokens[1]
            view.tell([Ask(method="GET", path=view.household.of(f"{FAMILY}/feed"), token=second, headers=(MSGPACK,))])
        if self.history.probe % 29 == 4:
            view.tell(at_the_limit(view))

    def listen_anew(self) -> None:
        """The other device opens a stream from somewhere in between, and hears what stands there already."""
        place = self.place_of(self.me)
        after = self.history.probe % max(place, 1)
        ask = Ask(
            method="GET", path=self.household.of(f"{FAMILY}/live?after=0"), token=self.household.people[self.me].tokens[-1],
            headers=(f"Last-Event-ID: {after}",),
        )  # fmt: skip
        stream = Listening(self.world.port, ask)
        stream.hear_until(b"id: %d\n" % place)
        stream.close()
        self.transcript.add(f"a stream after {after}", stream.head + stream.heard)

    def settle_frames(self) -> None:
        """Wait until what the observers were told was posted, so that nothing which shows how far that is depends on haste."""
        for frame in self.frames.values():
            frame.settle()

    def listen_at_the_frames(self, when: str) -> None:
        """Write down what was posted to the observers' frames."""
        for who, frame in self.frames.items():
            self.transcript.add(f"{who}'s frame {when}", frame.transcribe())

    def _listen(self) -> Listening:
        person = self.household.people[self.me]
        stream = Listening(self.world.port, Ask(method="GET", path=self.household.of(f"{FAMILY}/live"), token=person.tokens[0]))
        stream.hear_until(b"id: %d\n" % self.place_of(self.me))
        return stream

    # -- the whole of it

    def run(self, *, like: Transcript | None = None) -> Transcript:
        """Until the protected member acts; their act is the last that is the same in both worlds.

        Raises:
            Differs
        """
        self.transcript.like = like
        self.choose()
        self.transcript.add("the stream opens", self.live.head)
        self.listen_at_the_frames("after choosing")
        self.world.seeds.woken.clear()
        closing = next(name for name in ("ada", "ben") if name != self.me)
        last = Step("closing", closing, {"type": "NoteWritten", "child": "mia", "text": "Good night."})
        for number, said in enumerate((*self.history.visible, last)):
            self.step(number, said)
        self.live.hear_what_is_there()
        self.transcript.add("the stream that was held, chunk by chunk", self.live.heard)
        if self.frames:
            view = self.view(self.me, 0)
            view.tell([view.get(f"{FAMILY}/webhooks")])
        self.look_around(self.me, reads_only=False)
        for who in sorted(self.observers - {self.me}):
            if self.whole or self.history.probe % 6 == 2:
                self.look_around(who, reads_only=True)
        if place := self.place_of(self.me):
            self.live.hear_until(b"id: %d\n" % place)
        self.live.hear_what_is_there()
        # What the member says themselves in quick succession is told together or apart, as it comes.
        self.transcript.add("the stream that was held", b"\n".join(self.live.lines()))
        self.place = self.place_of(self.me)
        self.listen_at_the_frames("before the act")
        self.act(acts_of(self.history))
        # Heard here: what is posted from now on is the other world's.
        if self.frames:
            self.posted = self.frames[self.me].hear()
        return self.transcript

    def act(self, said: list[Step]) -> None:
        """The protected member acts, and is told what was held from here on.

        The receipt of the act is the same in both worlds, but for whom to keep quiet before: that may tell what came with it.
        """
        self.world.seeds.begin("the act", self.at(len(self.history.visible) + 1))
        view = self.view(self.me, 0)
        answers = self.wire.ask_all([push(view, [one.draft(self.household, view.now)]) for one in said])
        receipts = [receipt | {"keep_quiet": None} for receipt in answers[0].said()["receipts"]]
        self.transcript.add("the act", json.dumps([answers[0].status, receipts]).encode())

    def told_since(self) -> list[dict[str, Any]]:
        """The entries that came with the act, as the feed has them, and the stream that was held, to the byte."""
        person = self.household.people[self.me]
        path = self.household.of(f"{FAMILY}/feed?after={self.place}&limit=2000")
        answer = self.wire.ask(Ask(method="GET", path=path, token=person.tokens[-1]))
        self.live.hear_until(b"id: %d\n" % answer.said()["place"])
        told = [json.loads(line.removeprefix(b"data: ")) for line in self.live.lines() if line.startswith(b"data: ")]
        told = [{name: value for name, value in one.items() if name != "chain"} for one in told]
        entries: list[dict[str, Any]] = answer.said()["entries"]
        assert told[-len(entries) :] == entries, "the stream tells something else than the feed"
        if self.frames:
            assert [one.entry for one in self.posted] == entries, "the webhook was sent something else than the feed"
        return entries

    def whole_feed(self) -> list[dict[str, Any]]:
        """All entries of the protected member's feed."""
        path = self.household.of(f"{FAMILY}/feed?limit=2000")
        answer = self.wire.ask(Ask(method="GET", path=path, token=self.household.people[self.me].tokens[-1]))
        entries: list[dict[str, Any]] = answer.said()["entries"]
        return entries

    def close(self) -> None:
        """Leave the service alone."""
        if self._live is not None:
            self._live.close()
        self.wire.close()
        self.aside.close()


def acts_of(history: History) -> list[Step]:
    """What ends the surprise: an act of the chosen kind, and in the end everything is opened."""
    me = history.protected
    child, milestone = WISHES[history.wish].kept[0]
    opened = Step("opened", me, {"type": "EnvelopeOpened", "scope": "all"})
    match history.ending:
        case "own_first":
            return [Step("seen", me, {"type": "MilestoneObserved", "child": child, "milestone": milestone}), opened]
        case "told":
            told = [{"type": "SurpriseChosen", **one, "mode": "tell"} for one in history.chosen]
            return [*(Step(f"told{number}", me, event) for number, event in enumerate(told)), opened]
        case _:
            return [opened]
