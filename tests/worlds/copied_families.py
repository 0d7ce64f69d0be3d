"""Many families in one database, founded once over HTTP and copied: what the two worlds begin with, ids and tokens and all.

Owns who is in a family. Knows nothing of what happens to it afterwards.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.worlds.frames import Hall, Hook
from tests.worlds.seeded import BEGUN, Seeds
from tests.worlds.wire import Answer, Ask, Wire, asking

JOINING: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("ben", "parent", {"household": {"name": "Bens"}}),
    ("sam", "caregiver", {}),
    ("gran", "caregiver", {"sees": "all"}),
    ("duck", "daycare", {}),
    ("exa", "caregiver", {}),
)
"""Beside Ada, who founds: Ben in a home of his own, a sitter, a grandmother, a daycare, and somebody who has left again."""
SECOND_DEVICE = ("ada", "ben", "gran")
WITH_A_FRAME = ("ada", "ben", "gran")
"""In some families; and, until they leave, whoever has left by then."""


@dataclass(frozen=True)
class Person:
    """A member, and the tokens of their devices."""

    member: str
    tokens: tuple[str, ...]
    devices: tuple[str, ...]


@dataclass(frozen=True)
class Household:
    """One family with everybody in it."""

    family: str
    people: dict[str, Person]
    children: dict[str, str]
    homes: dict[str, str] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    """Whose feed is posted to a frame, in a family that has any."""

    def of(self, path: str) -> str:
        """A path of this family."""
        return path.replace("{family}", self.family)


class Founding:
    """Founds families, one after the other."""

    def __init__(self, wire: Wire, seeds: Seeds, hall: Hall) -> None:
        self._wire = wire
        self._hall = hall
        self._seeds = seeds
        self._number = 0

    def found(self, *, framed: bool) -> Household:
        """A family of six, two of whom have two devices, and two children. `framed`: some of them have webhooks."""
        self._number += 1
        self._seeds.begin(f"founding {self._number}", BEGUN - timedelta(days=30) + timedelta(minutes=self._number))
        body = {"you": {"name": "Ada"}, "household": {"name": "Home"}, "child": {"name": "Mia"}, "device": {"name": "phone"}}
        ada = self._post("/v1/families", None, body)
        family, token = ada["family"], ada["token"]
        born = {"name": "Noah", "born": "2025-04-01"}
        noah = self._post(f"/v1/families/{family}/children", token, born)["child"]
        found = {"ada": ada} | {name: self._join(family, token, name=name, role=role, more=more) for name, role, more in JOINING}
        tokens = {name: [said["token"]] for name, said in found.items()}
        devices = {name: [said["device"]] for name, said in found.items()}
        for name in SECOND_DEVICE:
            code = self._post("/v1/devices/pair-codes", tokens[name][0], None)["code"]
            paired = self._post("/v1/devices/pair", None, {"code": code, "device": {"name": "tablet"}})
            tokens[name].append(paired["token"])
            devices[name].append(paired["device"])
        for name in ("ada", "ben"):
            # A parent's first import is told to everybody: their importer joins.
            ask = Ask(
                method="POST", path=f"/v1/families/{family}/imports?source=plain", token=tokens[name][0],
                headers=("Content-Type: text/csv",), body=b"id,child,occurred_at,text,milestone,gone\n",
            )  # fmt: skip
            assert self._wire.ask(ask).status == 200
        hooks = self._hang(family, tokens, ("exa",) if framed else ())
        gone = f"/v1/families/{family}/members/{found['exa']['member']}"
        assert self._ask("DELETE", gone, tokens["exa"][0], None).status == 204
        # Last of all: so nothing is on its way to a frame when this database is copied.
        hooks |= self._hang(family, tokens, WITH_A_FRAME if framed else ())
        people = {name: Person(said["member"], tuple(tokens[name]), tuple(devices[name])) for name, said in found.items()}
        return Household(family, people, {"mia": ada["child"], "noah": noah}, {"ada": ada["household"]}, hooks)

    def _hang(self, family: str, tokens: dict[str, list[str]], names: tuple[str, ...]) -> dict[str, Hook]:
        hooks = {}
        for name in names:
            path = f"/{self._number}/{name}"
            made = self._post(f"/v1/families/{family}/webhooks", tokens[name][0], {"url": self._hall.url(path)})
            hooks[name] = Hook(made["webhook"], made["secret"], path)
        return hooks

    def _join(self, family: str, token: str, *, name: str, role: str, more: dict[str, Any]) -> Any:
        code = self._post(f"/v1/families/{family}/invites", token, {"role": role, **more})["code"]
        body = {"code": code, "name": name.capitalize(), "device": {"name": f"{name}'s"}}
        return self._post("/v1/invites/accept", None, body)

    def _post(self, path: str, token: str | None, said: Any) -> Any:
        answer = self._ask("POST", path, token, said)
        assert answer.status == 201, answer.as_bytes
        return answer.said()

    def _ask(self, method: str, path: str, token: str | None, said: Any) -> Answer:
        return self._wire.ask(asking(method, path, token=token, said=said))
