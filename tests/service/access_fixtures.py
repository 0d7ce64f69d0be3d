"""Runs a service for tests that send invalid requests, and digests all rows, which these tests must not change.

Owns two families, raw sockets for requests that no HTTP client would send, and the digest of each table.
"""

import asyncio
import json
import socket
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import httpx
from uuid_utils.compat import uuid7

PROBLEM_FIELDS: Final = {"type", "title", "status", "detail", "code", "at"}
SENT_AT: Final = "2026-11-21T18:03:11+01:00"
LONG_AGO: Final = "2026-02-03T10:00:00+01:00"

ALL_ROWS: Final = "SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\"), '')) FROM {table} t"


@dataclass(frozen=True)
class Known:
    """A member with a device and its token."""

    token: str
    family: str
    member: str
    device: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class Answer:
    """A response that was read from a raw socket."""

    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        return problem_in(self.status, self.headers.get("content-type"), self.body)

    def refusal(self) -> tuple[int, str, str | None]:
        """Returns the status, the code and the field of a refusal."""
        problem = self.problem()
        return self.status, problem["code"], problem["at"]


def problem_in(status: int, media_type: str | None, body: bytes) -> dict[str, Any]:
    """Returns the problem document of a refusal, and checks that it has exactly the documented fields."""
    assert media_type == "application/problem+json", (status, media_type, body[:300])
    found: dict[str, Any] = json.loads(body)
    assert found.keys() == PROBLEM_FIELDS, found
    assert found["status"] == status
    assert found["type"] == f"tag:stillnew.org,2026:problem/{found['code']}"
    assert found["detail"], found
    assert len(body) < 2_000, "a refusal is short, whatever it refuses"
    return found


@dataclass
class Standing:
    """A running service, its database, a family with two parents, a sitter and a daycare, and a second family."""

    url: str
    database_url: str
    runner: asyncio.Runner
    http: httpx.Client
    people: dict[str, Known] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._connection: Any = self.runner.run(asyncpg.connect(self.database_url))
        tables = self._fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        self.tables = [row["name"] for row in tables]
        self._found()

    def close(self) -> None:
        self.runner.run(self._connection.close())

    def _fetch(self, query: str) -> Any:
        async def fetch() -> Any:
            return await self._connection.fetch(query)

        return self.runner.run(fetch())

    def digest(self) -> dict[str, str]:
        """Returns one hash of all rows for each table."""
        query = " UNION ALL ".join(f"SELECT '{name}' AS name, ({ALL_ROWS.format(table=name)}) AS digest" for name in self.tables)
        return {row["name"]: row["digest"] for row in self._fetch(query)}

    def event_count(self) -> int:
        return int(self._fetch("SELECT count(*) AS n FROM event")[0]["n"])

    # People

    def _found(self) -> None:
        self.people["ada"] = self._family("Ada", "Mia")
        self.people["eve"] = self._family("Eve", "Zoe")
        self.people["ben"] = self._join("parent", "Ben", household={"name": "Bens"})
        self.people["cleo"] = self._join("caregiver", "Cleo")
        self.people["ducklings"] = self._join("daycare", "Ducklings")
        roster = self.ask("ada", "GET", "/v1/families/{family}").json()
        self.ids["child"] = roster["children"][0]["child"]
        self.ids["foreign_child"] = self.ask("eve", "GET", "/v1/families/{family}").json()["children"][0]["child"]
        self.ids["seen"] = self.record("ada", self.seen())
        self.ids["foreign_event"] = self.record("eve", self.seen(child=self.ids["foreign_child"]))
        self.ids["bens_secret"] = self.record(
            "ben", self.draft({"type": "NoteWritten", "child": self.ids["child"], "text": "mine"}, audience="me")
        )
        self.ids["bens_note"] = self.record(
            "ben", self.draft({"type": "NoteWritten", "child": self.ids["child"], "text": "ours"})
        )
        self.ids["cleos_note"] = self.record(
            "cleo", self.draft({"type": "NoteWritten", "child": self.ids["child"], "text": "all of ours"})
        )
        self.ids["chosen"] = self.record("ada", self.draft({"type": "SurpriseChosen", "scope": "all", "mode": "tell"}))
        sorting = {"type": "Sorted", "target": self.ids["cleos_note"], "child": self.ids["child"]}
        self.ids["sorted"] = self.record("ada", self.draft(sorting))
        self.ids["joined"] = self.ask("ada", "GET", "/v1/families/{family}/feed").json()["entries"][2]["event"]["id"]
        self.ids["open_code"] = self._invite("caregiver")
        self.ids["absent"] = str(uuid7())
        for who in ("ada", "ben"):
            self.ids[f"upload_of_{who}"] = self.upload(who)

    def _family(self, you: str, child: str) -> Known:
        body = {"you": {"name": you}, "household": {"name": "Home"}, "child": {"name": child}, "device": {"name": "phone"}}
        return self._known(self.http.post("/v1/families", json=body))

    def _join(self, role: str, name: str, **more: Any) -> Known:
        self.ids["used_code"] = code = self._invite(role, **more)
        return self._known(self.http.post("/v1/invites/accept", json={"code": code, "name": name, "device": {"name": "phone"}}))

    def _invite(self, role: str, **more: Any) -> str:
        return str(self.ask("ada", "POST", "/v1/families/{family}/invites", json={"role": role, **more}).json()["code"])

    def upload(self, who: str) -> str:
        """Creates an upload of 10 bytes of one member, and returns the id of its clip."""
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Upload-Metadata": "filetype aW1hZ2UvcG5n"}
        answer = self.ask(who, "POST", "/v1/families/{family}/clips", headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"].split("/")[-2]

    @staticmethod
    def _known(answer: httpx.Response) -> Known:
        assert answer.status_code == 201, answer.text
        said = answer.json()
        return Known(said["token"], said["family"], said["member"], said["device"])

    def ask(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Sends a request with one member's token. `{family}` in the path becomes that member's family."""
        known = self.people[who]
        headers = {**known.headers, **more.pop("headers", {})}
        return self.http.request(method, path.replace("{family}", known.family), headers=headers, **more)

    # Drafts and pushes

    def draft(self, event: Any, **changed: Any) -> dict[str, Any]:
        """Returns a valid draft with the given changes."""
        times = {"occurred_at": LONG_AGO, "precision": "minute", "recorded_at": "2026-11-21T18:00:00+01:00"}
        return {"id": str(uuid7()), **times, "event": event, **changed}

    def seen(self, **changed: Any) -> dict[str, Any]:
        """Returns a draft of a valid sighting, with the given changes to its event."""
        child = self.ids.get("child")
        return self.draft({"type": "MilestoneObserved", "child": child, "milestone": "movement.first-steps", **changed})

    def push(self, who: str, body: bytes | list[Any], *, media_type: str = "application/json") -> httpx.Response:
        """Pushes a body unchanged, or a list of drafts as JSON."""
        content = body if isinstance(body, bytes) else push_of(*(json.dumps(one).encode() for one in body))
        return self.ask(who, "POST", "/v1/families/{family}/events", content=content, headers={"Content-Type": media_type})

    def record(self, who: str, draft: dict[str, Any]) -> str:
        """Pushes one valid draft, and returns its id."""
        receipts = self.push(who, [draft]).json()["receipts"]
        assert receipts[0]["outcome"] == "recorded", receipts
        return str(draft["id"])

    # Requests that no client would send

    def raw(self, request: bytes, *, timeout_s: float = 10.0) -> Answer:
        """Sends raw bytes, and reads one response."""
        port = httpx.URL(self.url).port
        assert port is not None
        with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as wire:
            wire.sendall(request)
            return read_answer(wire)

    def raw_head(self, request: bytes) -> Answer:
        """Sends a HEAD request, and reads until the connection ends.

        The response has no body, whatever its Content-Length states.
        """
        with socket.create_connection(("127.0.0.1", httpx.URL(self.url).port or 0), timeout=10) as wire:
            wire.sendall(request)
            held = b""
            while got := wire.recv(65_536):
                held += got
        head, _, body = held.partition(b"\r\n\r\n")
        return Answer(int(head.split(b" ")[1]), headers_in(head), body)

    def request(self, method: str, path: str, *headers: str, who: str | None = "ada", body: bytes = b"") -> bytes:
        """Returns a request as bytes. The request has Host, Authorization and the given headers, and no others."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
        if who is not None:
            lines.append(f"Authorization: Bearer {self.people[who].token}")
            lines[0] = lines[0].replace("{family}", self.people[who].family)
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def push_of(*drafts: bytes, sent_at: bytes = json.dumps(SENT_AT).encode()) -> bytes:
    """Returns the body of a push. The drafts are bytes, which need not be valid JSON."""
    return b'{"sent_at":%b,"drafts":[%b]}' % (sent_at, b",".join(drafts))


def headers_in(head: bytes) -> dict[str, str]:
    """Returns the headers of a response, by lower-case name."""
    _, *lines = head.decode("latin-1").split("\r\n")
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def read_answer(wire: socket.socket) -> Answer:
    """Reads one response from a socket: its head, and as many bytes of body as Content-Length states."""
    held = b""
    while b"\r\n\r\n" not in held:
        got = wire.recv(65_536)
        assert got, f"the connection ended without an answer: {held!r}"
        held += got
    head, _, body = held.partition(b"\r\n\r\n")
    headers = headers_in(head)
    length = int(headers.get("content-length", 0))
    while len(body) < length:
        got = wire.recv(65_536)
        assert got, "the connection ended within an answer"
        body += got
    return Answer(int(head.split(b" ")[1]), headers, body[:length])


def some_uuid(version: int) -> str:
    """Returns a UUID of version 1 or 4. Neither is an id that a device makes: these have version 7."""
    return str(uuid.uuid4() if version == 4 else uuid.uuid1())
