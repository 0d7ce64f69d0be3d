"""Tests that a call is accepted if its signature is valid, recent and used once. A refused call changes nothing."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from tests.service.conftest import Village
from tests.service.daycare.conftest import BATCH, System, batch_of, binary, events_by, note, outcomes


async def count_of_events(village: Village, system: System) -> int:
    return len(await events_by(village.ada, system.member))


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.mark.parametrize(
    "spoilt",
    [
        {"webhook-id": "another"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-signature": "v2,AAAA v1a,BBBB"},
        {"webhook-id": "x" * 129},
    ],
    ids=str,
)
async def test_a_call_that_is_signed_wrongly_is_refused_and_changes_nothing(
    village: Village, ducklings: System, spoilt: dict[str, str]
) -> None:
    body = batch_of([note("Slept well")])
    answer = await ducklings.call("events", body, {"content-type": BATCH} | ducklings.signed(body) | spoilt)
    refused(answer, 401, "daycare.signature_wrong")
    assert await count_of_events(village, ducklings) == 0


async def test_another_body_another_secret_another_key_and_no_signature_are_answered_alike(
    village: Village, ducklings: System
) -> None:
    """Each wrongly signed or unsigned call gets the same status and the same body, and no event is recorded."""
    body = batch_of([note("Slept well")])
    signed = {"content-type": BATCH} | ducklings.signed(body)
    other = {"content-type": BATCH} | ducklings.signed(body, secret="whsec_" + "A" * 43 + "=")
    answers = [
        await ducklings.call("events", body.replace(b"well", b"ill!"), signed),
        await ducklings.call("events", body, other),
        await ducklings.call("events", body, signed, key=str(uuid4())),
        await ducklings.call("events", body, {"content-type": BATCH}),
        await ducklings.call("links", b"{}", {"content-type": "application/json"}),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert await count_of_events(village, ducklings) == 0


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_call_is_signed_within_five_minutes_of_now(village: Village, ducklings: System, minutes: int) -> None:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    refused(await ducklings.batch(note("Slept well"), at=at), 401, "daycare.signature_wrong")
    assert await count_of_events(village, ducklings) == 0
    near = datetime.now(UTC) + timedelta(minutes=minutes * 2 / 3)
    assert (await ducklings.batch(note("Slept well"), at=near)).status_code == 200


async def test_the_very_same_call_again_is_a_replay_and_signed_anew_it_is_a_retry(village: Village, ducklings: System) -> None:
    """A signature counts once. A sender who lost the response signs the call anew, and gets the first receipts."""
    body = batch_of([note("Slept well")])
    at = datetime.now(UTC) - timedelta(seconds=10)
    signed = {"content-type": BATCH} | ducklings.signed(body, id="call-1", at=at)
    first = await ducklings.call("events", body, signed)
    assert outcomes(first.json()["receipts"]) == ["recorded"]
    again = await ducklings.call("events", body, signed)
    refused(again, 409, "daycare.replayed")
    assert again.headers["retry-after"] == "1"
    anew = {"content-type": BATCH} | ducklings.signed(body, id="call-1")
    assert outcomes((await ducklings.call("events", body, anew)).json()["receipts"]) == ["already_recorded"]
    assert await count_of_events(village, ducklings) == 1


async def test_in_binary_mode_the_id_is_the_signed_one(village: Village, ducklings: System) -> None:
    """A signature does not cover headers. So an event is refused if its header `ce-id` differs from the signed id."""
    headers, body = binary(note("Slept well"))
    answer = await ducklings.call("events", body, headers | ducklings.signed(body))
    refused(answer, 400, "body.invalid")
    assert answer.json()["at"] == "ce-id"
    assert await count_of_events(village, ducklings) == 0


async def test_after_a_new_secret_both_are_good_for_a_while_and_a_third_ends_the_first(
    village: Village, ducklings: System
) -> None:
    first = ducklings.secret
    answer = (await ducklings.ask("secret", {})).json()
    second = answer["secret"]
    assert second != first
    assert datetime.fromisoformat(answer["before_until"]) > datetime.now(UTC) + timedelta(hours=23)
    for secret in (first, second):
        assert (await ducklings.batch(note("Slept well"), secret=secret)).status_code == 200
    ducklings.secret = second
    ducklings.secret = (await ducklings.ask("secret", {})).json()["secret"]
    refused(await ducklings.batch(note("Slept well"), secret=first), 401, "daycare.signature_wrong")
    assert (await ducklings.batch(note("Slept well"), secret=second)).status_code == 200
    both = ducklings.signed(b"[]", id="x", secret=first)["webhook-signature"]
    body = batch_of([note("Slept well")])
    signed = ducklings.signed(body)
    signed["webhook-signature"] = f"{both} {signed['webhook-signature']}"
    assert (await ducklings.call("events", body, {"content-type": BATCH} | signed)).status_code == 200


async def test_a_removed_key_is_refused(village: Village, ducklings: System) -> None:
    """When a daycare's member has been removed, a call with the daycare's key is refused."""
    await village.ada.ask("DELETE", f"/v1/families/{{family}}/members/{ducklings.member}")
    refused(await ducklings.batch(note("Slept well")), 401, "daycare.signature_wrong")


async def test_a_key_reads_nothing(village: Village, ducklings: System) -> None:
    """The key and its secret are no tokens: no route for devices accepts them."""
    for path in ("", "/feed", "/timeline", "/handover", "/daycares", "/live"):
        for token in (ducklings.secret, ducklings.key_id):
            answer = await ducklings.http.get(
                f"/v1/families/{village.ada.family}{path}", headers={"Authorization": f"Bearer {token}"}
            )
            assert answer.status_code == 401


async def test_receipts_contain_only_the_outcome_of_each_event(village: Village, ducklings: System) -> None:
    answer = await ducklings.batch(note("Slept well"), note("Hm", subject="stranger"))
    assert [sorted(receipt) for receipt in answer.json()["receipts"]] == [["id", "outcome", "source"]] * 2
    assert village.child not in json.dumps(answer.json())
