"""Keeps what one observer of a history knows, and makes this observer's requests. No request depends on held events."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from tests.families import Draft, written
from tests.worlds.copied_families import Household
from tests.worlds.histories import WISHES, History, Step, Subject
from tests.worlds.seeded import uuid_of
from tests.worlds.wire import Request, Response, json_request

MSGPACK = "Accept: application/msgpack"
FAMILY = "/v1/families/{family}"
ABSENT = str(uuid_of("nobody has this id", version=7))

One = TypeVar("One")


@dataclass(frozen=True)
class View:
    """The history, the family, the last place of the feed and the time, as one observer knows them."""

    history: History
    household: Household
    who: str
    place: int
    """The last place of the observer's feed."""
    now: datetime
    send: Callable[[Sequence[Request]], list[Response]]
    """A function that sends requests and returns the responses. In a run it also adds the responses to the transcript."""
    clean: Callable[[], int] = lambda: 0
    """Lets the service clean all clips that wait, and returns how many files it looked at."""
    whole: bool = False
    """Whether `by_turns` returns all options."""

    @property
    def probe(self) -> int:
        return self.history.probe

    @property
    def kept(self) -> Subject:
        """A subject that the protected member waits for."""
        return WISHES[self.history.wish].kept[0]

    def get(self, path: str, *headers: str, method: str = "GET") -> Request:
        return Request(method, self.household.of(path), self.household.people[self.who].tokens[0], headers)

    def post(self, path: str, body: Any = None, *, method: str = "POST") -> Request:
        request = self.get(path, method=method)
        return request if body is None else json_request(method, request.path, request.token, body)

    def push(self, drafts: list[Draft], *, kind: str = "json") -> Request:
        """Returns a push of drafts as JSON, or as MessagePack."""
        body = json.dumps({"sent_at": written(self.now), "drafts": drafts}).encode()
        if kind == "msgpack":
            body = msgspec.msgpack.encode(msgspec.json.decode(body))
        headers = (f"Content-Type: application/{kind}", f"Accept: application/{kind}")
        return replace(self.post(f"{FAMILY}/events"), headers=headers, body=body)

    def drafts(self, steps: Sequence[Step]) -> list[Draft]:
        return [step.draft(self.household, self.now) for step in steps]

    def by_turns(self, options: Sequence[One], count: int) -> Sequence[One]:
        """Returns `count` of the options, chosen by the history's `probe`; or all options, if the view is `whole`."""
        if self.whole:
            return options
        return [options[(self.probe * count + number) % len(options)] for number in range(count)]
