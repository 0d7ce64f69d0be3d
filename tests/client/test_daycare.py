"""Tests the daycare client: how it signs requests, repeats requests, and reads receipts.

The packages `standardwebhooks` and `cloudevents`, which are independent of this project, check the client's requests.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from client import daycare as wire
from client.backoff import Backoff
from client.daycare import CloudEvent, Daycare, KeyRefused, RecordReceipt, SecretMalformed, milestone, note, sign, withdrawal
from client.errors import NaiveTime, RefusedByService, ServiceMisspoke, ServiceUnreachable
from tests.faulty_proxy import Answer, CutAnswer, Fault, FaultyProxy, answered, refused
from tests.service.conftest import found_family
from tests.service.conftest import http as http

KEY = UUID(int=7)
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NEW_SECRET = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
SLEPT = note("Slept well", child="kid-17", at=AT, id="entry-1")
BUSY = Answer(status=503)

T = TypeVar("T")


def fine(*events: CloudEvent, outcome: str = "recorded") -> Answer:
    """Returns the response with which the service gives each of these events the same outcome."""
    receipts = [{"id": event.id, "source": f"urn:uuid:{KEY}", "outcome": outcome, "new": 1} for event in events]
    return answered({"receipts": receipts})


class Seen:
    """The requests that the fake service received, and the client's waits between them."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.waits_s: list[float] = []

    def head(self, number: int) -> dict[str, str]:
        lines = self.requests[number].split(b"\r\n\r\n", 1)[0].decode().split("\r\n")[1:]
        return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}

    def body(self, number: int) -> bytes:
        return self.requests[number].split(b"\r\n\r\n", 1)[1]

    def verify(self, number: int, *, secret: str = SECRET) -> Any:
        return Webhook(secret).verify(self.body(number), self.head(number))


async def with_answers(faults: Sequence[Fault], call: Callable[[Daycare], T], **more: Any) -> tuple[T, Seen]:
    """Runs `call` with a client of a fake service, which sends these responses or faults.

    Returns the result of `call`, with the requests and the waits.
    """
    seen = Seen()
    async with FaultyProxy(faults) as proxy:
        seen.requests = proxy.requests
        with Daycare(proxy.url, key_id=KEY, secret=SECRET, sleep=seen.waits_s.append, **more) as daycare:
            done = await asyncio.to_thread(call, daycare)
        assert proxy.connections == len(faults)
    return done, seen


@given(
    key=st.binary(min_size=24, max_size=64),
    id=st.text("abcdef0123456789_-", min_size=1, max_size=64),
    seconds=st.integers(0, 2**32),
    body=st.text(),
)
def test_a_signature_is_the_one_that_an_independent_package_makes(key: bytes, id: str, seconds: int, body: str) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    theirs = Webhook(secret).sign(id, datetime.fromtimestamp(seconds, UTC), body)
    assert theirs == sign(secret, id=id, timestamp=seconds, body=body.encode())


async def test_a_call_is_signed_and_its_events_are_read_as_others_read_them() -> None:
    posted = milestone(
        "movement.first-steps", child="kid 17/ä", at=AT, words="Three!", id="entry-2", recorded=AT + timedelta(minutes=9),
        revised=AT + timedelta(minutes=10), precision="day", childname="Mia",
    )  # fmt: skip
    receipt, seen = await with_answers([fine(posted)], lambda daycare: daycare.post(posted))
    assert receipt == RecordReceipt(id="entry-2", source=f"urn:uuid:{KEY}", outcome="recorded")
    assert f"POST /v1/daycare/events?key={KEY} HTTP/1.1".encode() == seen.requests[0].split(b"\r\n", 1)[0]
    assert seen.head(0)["content-type"] == "application/cloudevents-batch+json"
    (sent,) = seen.verify(0)
    event = JSONFormat().read(None, json.dumps(sent))
    assert (event.get_specversion(), event.get_id(), event.get_source()) == ("1.0", "entry-2", f"urn:uuid:{KEY}")
    assert (event.get_type(), event.get_subject(), event.get_time()) == ("org.stillnew.MilestoneObserved.v1", "kid 17/ä", AT)
    assert event.get_data() == {"milestone": "movement.first-steps", "note": "Three!"}
    extensions = {name: event.get_extension(name) for name in ("recorded", "revised", "precision", "childname")}
    assert extensions == {
        "recorded": "2026-11-20T09:39:00Z", "revised": "2026-11-20T09:40:00Z", "precision": "day", "childname": "Mia",
    }  # fmt: skip


async def test_a_field_left_out_is_not_sent() -> None:
    _, seen = await with_answers([fine(SLEPT)], lambda daycare: daycare.post(SLEPT), source="https://sunflower.example/")
    assert seen.verify(0) == [
        {
            "specversion": "1.0", "id": "entry-1", "source": "https://sunflower.example/", "type": "org.stillnew.NoteWritten.v1",
            "subject": "kid-17", "time": "2026-11-20T09:30:00Z", "data": {"text": "Slept well"},
        }
    ]  # fmt: skip


async def test_a_retry_keeps_its_id_and_has_a_new_second_and_signature_though_the_clock_does_not_move() -> None:
    now = datetime.now(UTC)
    receipt, seen = await with_answers(
        [BUSY, Answer(status=429), BUSY, fine(SLEPT)], lambda daycare: daycare.post(SLEPT), now=lambda: now
    )
    assert receipt.outcome == "recorded"
    heads = [seen.head(number) for number in range(4)]
    assert len({head["webhook-id"] for head in heads}) == 1
    assert [int(head["webhook-timestamp"]) - int(now.timestamp()) for head in heads] == [0, 1, 2, 3]
    assert len({head["webhook-signature"] for head in heads}) == 4
    assert [seen.verify(number) for number in range(4)] == [seen.verify(0)] * 4
    assert len(seen.waits_s) == 3
    assert seen.waits_s == sorted(seen.waits_s)


async def test_a_cut_connection_and_a_replay_are_asked_again() -> None:
    replayed = refused(409, "daycare.replayed", headers={"Retry-After": "1"})
    receipt, seen = await with_answers([CutAnswer(after_bytes=0), replayed, fine(SLEPT)], lambda daycare: daycare.post(SLEPT))
    assert receipt.outcome == "recorded"
    assert seen.waits_s[1] == 1.0


async def test_retries_end_and_a_long_wait_is_handed_to_the_caller() -> None:
    """Law 17: after `attempts_max` attempts, or if the service requests a wait of a day, the client raises an error."""
    with pytest.raises(ServiceUnreachable) as raised:
        await with_answers([BUSY] * 3, lambda daycare: daycare.post(SLEPT), backoff=Backoff(attempts_max=3))
    assert raised.value.attempts == 3
    with pytest.raises(ServiceUnreachable) as raised:
        await with_answers([Answer(status=503, headers={"Retry-After": "86400"})], lambda daycare: daycare.post(SLEPT))
    assert (raised.value.attempts, raised.value.retry_after_s) == (1, 86400.0)


@pytest.mark.parametrize(
    ("ahead_s", "date", "words"),
    [
        (0, "Fri, 20 Nov 2026 09:30:00 GMT", "is not taken"),
        (900, "Fri, 20 Nov 2026 09:30:00 GMT", "clock differs by +900 s"),
        (-900, "Fri, 20 Nov 2026 09:30:00 GMT", "clock differs by -900 s"),
        (900, "yesterday", "is not taken"),
    ],
)
async def test_a_refused_key_is_not_asked_again_and_a_clock_that_is_off_is_named(ahead_s: int, date: str, words: str) -> None:
    """After a refused signature, the client raises `KeyRefused`. The error names a clock that differs from the response's date.

    The service itself does not state whether the key, the secret or the clock is wrong.
    """
    with pytest.raises(KeyRefused, match=str(KEY)) as raised:
        await with_answers(
            [refused(401, "daycare.signature_wrong", headers={"Date": date})],
            lambda daycare: daycare.post(SLEPT), now=lambda: AT + timedelta(seconds=ahead_s),
        )  # fmt: skip
    assert str(raised.value).endswith(words)


async def test_many_events_go_out_in_calls_of_500_and_their_receipts_come_in_order() -> None:
    events = [note(f"Note {number}", child="kid-17", at=AT, id=f"entry-{number}") for number in range(1_201)]
    answers = [fine(*events[:500]), fine(*events[500:1000]), fine(*events[1000:])]
    receipts, seen = await with_answers(answers, lambda daycare: daycare.post_all([]) + daycare.post_all(iter(events)))
    assert [event.id for event in events] == [receipt.id for receipt in receipts]
    assert [len(seen.verify(number)) for number in range(3)] == [500, 500, 201]


async def test_calls_are_split_by_bytes_and_one_that_is_too_long_goes_alone() -> None:
    """A call contains at most `CALL_BYTES_MAX` bytes of events. A larger event is sent alone, and the service refuses it."""
    long = [note("ä" * 70_000, child="kid-17", at=AT, id=f"entry-{number}") for number in range(8)]
    endless = note("x" * wire.CALL_BYTES_MAX, child="kid-17", at=AT, id="endless")
    too_large = refused(413, "body.too_large")
    answers = [fine(*long[:7]), fine(long[7]), too_large, fine(SLEPT)]
    receipts, seen = await with_answers(answers, lambda daycare: daycare.post_all([*long, endless, SLEPT]))
    assert [receipt.outcome for receipt in receipts] == ["recorded"] * 8 + ["refused", "recorded"]
    sizes = [len(seen.body(number)) for number in range(4)]
    assert wire.CALL_BYTES_MAX - 150_000 < sizes[0] <= wire.CALL_BYTES_MAX < sizes[2]


async def test_a_refused_event_is_a_receipt_also_where_the_service_could_not_read_its_id() -> None:
    problem = {"code": "body.invalid", "at": "events[1].id", "detail": "No"}
    unread = {"id": None, "source": None, "outcome": "refused", "problem": problem}
    body = {"receipts": [{"id": "entry-1", "outcome": "already_recorded", "keep_quiet": ["Ben"]}, unread]}
    bad = note("Long", child="kid-17", at=AT, id="x" * 256)
    answer = answered(body)
    (first, second), _ = await with_answers([answer], lambda daycare: daycare.post_all([SLEPT, bad]))
    assert (first.outcome, first.keep_quiet) == ("already_recorded", ("Ben",))
    assert second.problem is not None
    assert (second.outcome, second.problem.code, second.problem.at) == ("refused", "body.invalid", "events[1].id")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(403, "some.other"), RefusedByService),
        (refused(409, "daycare.too_many_waiting"), RefusedByService),
        (answered({"receipts": []}), ServiceMisspoke),
        (answered({"receipts": [{"outcome": "recorded"}, {"outcome": "recorded"}]}), ServiceMisspoke),
        (fine(note("Another", child="kid-17", at=AT)), ServiceMisspoke),
    ],
)
async def test_other_refusals_and_answers_that_are_not_ours_have_names(answer: Answer, error: type[Exception]) -> None:
    with pytest.raises(error):
        await with_answers([answer], lambda daycare: daycare.post(SLEPT))


async def test_a_rotated_secret_signs_from_then_on_and_the_old_one_until_then() -> None:
    """The call for a new secret, and its repetition, are signed with the old secret. The next call is signed with the new one."""
    answers = [BUSY, answered({"secret": NEW_SECRET}), fine(SLEPT)]
    secret, seen = await with_answers(answers, lambda daycare: (daycare.rotate(), daycare.post(SLEPT))[0])
    assert secret == NEW_SECRET
    assert seen.requests[1].startswith(f"POST /v1/daycare/secret?key={KEY} ".encode())
    assert [seen.verify(0), seen.verify(1)] == [{}, {}]
    assert len(seen.verify(2, secret=NEW_SECRET)) == 1
    assert len({seen.head(number)["webhook-id"] for number in range(3)}) == 2


async def test_a_child_is_linked_with_a_parents_code() -> None:
    answer = answered({"reference": "kid-17"})
    _, seen = await with_answers([answer], lambda daycare: daycare.link(code="ABCD-EFGH", child="kid-17"))
    assert seen.requests[0].startswith(f"POST /v1/daycare/links?key={KEY} ".encode())
    assert seen.verify(0) == {"code": "ABCD-EFGH", "reference": "kid-17"}


def test_the_same_words_have_one_id_and_other_words_another() -> None:
    """Two notes with the same words, child and time get the same id. So a system without ids can post again after a crash."""
    at_home = AT.astimezone(tz=None)
    same = [note("Slept", child="kid-17", at=AT), note("Slept", child="kid-17", at=at_home, childname="Mia")]
    others = [
        note("Slept", child="kid-18", at=AT),
        note("Slept", child="kid-17", at=AT + timedelta(minutes=1)),
        note("Woke", child="kid-17", at=AT),
        withdrawal("Slept", child="kid-17", at=AT),
    ]
    assert len({event.id for event in same}) == 1
    assert len({event.id for event in [*same, *others]}) == 5


def test_a_time_without_an_offset_is_refused_by_name() -> None:
    naive = AT.replace(tzinfo=None)
    each: tuple[dict[str, Any], ...] = ({"at": naive}, {"at": AT, "recorded": naive}, {"at": AT, "revised": naive})
    for details in each:
        with pytest.raises(NaiveTime):
            note("Slept", child="kid-17", **details)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64, my dear", "hunter2", SECRET.replace("A", "A!")]
)
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(SecretMalformed) as raised:
        Daycare("https://stillnew.example", key_id=KEY, secret=secret)
    assert "my dear" not in str(raised.value)
    assert "hunter2" not in str(raised.value)


Deed = Callable[[Daycare, FaultyProxy, str], list[str]]
LOST = CutAnswer(after_bytes=20)


def posts(daycare: Daycare, proxy: FaultyProxy, code: str) -> list[str]:
    proxy.plan.append(LOST)
    return [daycare.post(SLEPT).outcome for _ in range(2)]


def links(daycare: Daycare, proxy: FaultyProxy, code: str) -> list[str]:
    proxy.plan.append(LOST)
    daycare.link(code=code, child="kid-17")
    return [daycare.post(SLEPT).outcome]


def rotates(daycare: Daycare, proxy: FaultyProxy, code: str) -> list[str]:
    proxy.plan.extend([LOST, LOST])
    daycare.rotate()
    return [daycare.post(SLEPT).outcome]


@pytest.mark.parametrize(("call", "outcomes"), [(posts, ["waiting"] * 2), (links, ["recorded"]), (rotates, ["waiting"])])
async def test_a_lost_answer_does_no_harm(http: httpx.AsyncClient, service_url: str, call: Deed, outcomes: list[str]) -> None:
    """When the response to a post, a link or a rotation is lost, the client repeats the request, and the outcome is the same."""
    parent = await found_family(http)
    code = (await parent.ask("POST", "/v1/families/{family}/daycare-codes", json={"child": parent.said["child"]})).json()["code"]
    key = (await http.post("/v1/daycares", json={"name": "Sunflower House"})).json()
    async with FaultyProxy(host="127.0.0.1", port=httpx.URL(service_url).port or 0) as proxy:
        with Daycare(proxy.url, key_id=key["key_id"], secret=key["secret"]) as daycare:
            assert await asyncio.to_thread(call, daycare, proxy, code) == outcomes
