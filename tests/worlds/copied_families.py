"""Founds many families in one database over HTTP. Both worlds get a copy of this database, with the same ids and tokens.

Owns the list of a family's members. Knows nothing of what happens to a family afterwards.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.families import drafted
from tests.service.webhooks.receiving import Frame
from tests.worlds.seeded import BEGUN, Seeds, clip_of, uuid_of
from tests.worlds.uploads import NEIGHBOURS, PICTURES, uploading
from tests.worlds.webhooks import Hook
from tests.worlds.wire import Connection, Request, Response, json_request

JOINING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ben", {"role": "parent", "household": {"name": "Bens"}}),
    ("sam", {"role": "caregiver"}),
    ("gran", {"role": "caregiver", "sees": "all"}),
    ("duck", {"role": "daycare"}),
    ("exa", {"role": "caregiver"}),
)
"""The members whom Ada, the founder, invites: Ben in a home of his own, a sitter, a grandmother, a daycare, and Exa.

Exa leaves again.
"""
WITH_TWO_DEVICES = ("ada", "ben", "gran")
WITH_WEBHOOK = ("ada", "ben", "gran")
"""The members who have a webhook in families with webhooks. Exa has a webhook as well, until she leaves."""
PARENTS = ("ada", "ben")
CSV = "Content-Type: text/csv"


@dataclass(frozen=True)
class Person:
    """A member, and their devices with their tokens."""

    member: str
    tokens: tuple[str, ...]
    devices: tuple[str, ...]


@dataclass(frozen=True)
class Household:
    """One family with everybody in it."""

    family: str
    people: dict[str, Person]
    children: dict[str, str]
    homes: dict[str, str]
    hooks: dict[str, Hook]
    """The webhooks by the name of their member. Empty in a family without webhooks."""

    def of(self, path: str) -> str:
        """Returns the path with the family's id in the place of `{family}`."""
        return path.replace("{family}", self.family)


class Founding:
    """Founds families, one after the other."""

    def __init__(self, connection: Connection, seeds: Seeds, frame: Frame) -> None:
        self._connection = connection
        self._frame = frame
        self._seeds = seeds
        self._number = 0

    def found(self, *, with_webhooks: bool) -> Household:
        """Founds a family of six with two children."""
        self._number += 1
        self._seeds.begin(f"founding {self._number}", BEGUN - timedelta(days=30) + timedelta(minutes=self._number))
        body = {"you": {"name": "Ada"}, "household": {"name": "Home"}, "child": {"name": "Mia"}, "device": {"name": "phone"}}
        ada = self._post("/v1/families", None, body)
        path, token = f"/v1/families/{ada['family']}", ada["token"]
        noah = self._post(f"{path}/children", token, {"name": "Noah", "born": "2025-04-01"})["child"]
        devices = {"ada": [ada]} | {name: [self._join(path, token, name, invite)] for name, invite in JOINING}
        for name in WITH_TWO_DEVICES:
            code = self._post("/v1/devices/pair-codes", devices[name][0]["token"], None)["code"]
            devices[name].append(self._post("/v1/devices/pair", None, {"code": code, "device": {"name": "tablet"}}))
        people = {
            name: Person(paired[0]["member"], tuple(one["token"] for one in paired), tuple(one["device"] for one in paired))
            for name, paired in devices.items()
        }
        for name in PARENTS:
            # At a parent's first import, their importer joins the family, and this is delivered to everybody.
            body_of_file = b"id,child,occurred_at,text,milestone,gone\n"
            self._send(200, Request("POST", f"{path}/imports?source=plain", people[name].tokens[0], (CSV,), body_of_file))
        hooks = {name: self._hook(path, people, name) for name in ("exa",) if with_webhooks}
        self._send(204, Request("DELETE", f"{path}/members/{people['exa'].member}", people["exa"].tokens[0]))
        # The webhooks come last, so that they have nothing to post when this database is copied.
        hooks |= {name: self._hook(path, people, name) for name in WITH_WEBHOOK if with_webhooks}
        return Household(ada["family"], people, {"mia": ada["child"], "noah": noah}, {"ada": ada["household"]}, hooks)

    def found_neighbours(self) -> None:
        """Founds a family that has a clip, and that nobody in a history belongs to."""
        household, self._seeds.step = self.found(with_webhooks=False), NEIGHBOURS
        path, token = household.of("/v1/families/{family}"), household.people["ada"].tokens[0]
        for request in uploading(Request("POST", f"{path}/clips", token), NEIGHBOURS, PICTURES["held"]):
            assert self._connection.request(request).status in (201, 204)
        self._seeds.clean_clips()
        note, attached = (str(uuid_of(f"{name} of {NEIGHBOURS}", version=7)) for name in ("note", "attachment"))
        drafts = [
            drafted("NoteWritten", id=note, at=self._seeds.now, child=household.children["mia"], text="look"),
            drafted("ClipAttached", id=attached, at=self._seeds.now, target=note, clip=str(clip_of(NEIGHBOURS))),
        ]
        body = {"sent_at": self._seeds.now.isoformat(), "drafts": drafts}
        pushed = self._send(200, json_request("POST", f"{path}/events", token, body))
        assert [one["outcome"] for one in pushed.json()["receipts"]] == ["recorded"] * 2, pushed.as_bytes

    def _hook(self, path: str, people: dict[str, Person], name: str) -> Hook:
        own = f"/{self._number}/{name}"
        made = self._post(f"{path}/webhooks", people[name].tokens[0], {"url": self._frame.url(path=own)})
        return Hook(made["webhook"], made["secret"], own)

    def _join(self, path: str, token: str, name: str, invite: dict[str, Any]) -> Any:
        code = self._post(f"{path}/invites", token, invite)["code"]
        body = {"code": code, "name": name.capitalize(), "device": {"name": f"{name}'s"}}
        return self._post("/v1/invites/accept", None, body)

    def _post(self, path: str, token: str | None, body: Any) -> Any:
        return self._send(201, Request("POST", path, token) if body is None else json_request("POST", path, token, body)).json()

    def _send(self, status: int, request: Request) -> Response:
        response = self._connection.request(request)
        assert response.status == status, response.as_bytes
        return response
