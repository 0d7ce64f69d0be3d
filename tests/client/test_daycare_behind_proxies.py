"""Tests the daycare client behind a proxy or a firewall that responds in place of the service."""

import pytest

from client.backoff import Backoff
from client.daycare import note
from client.errors import AnsweredByIntermediary
from tests.client.test_daycare import AT, SLEPT, fine, with_answers
from tests.faulty_proxy import Answer, page_of


@pytest.mark.parametrize(
    "intermediary",
    [
        page_of(400), page_of(401), page_of(403), page_of(404), page_of(200), page_of(511),
        page_of(302, Location="http://hotel.example/login"), Answer(status=401, body=b'{"code":"daycare.signature_wrong"}'),
    ],
    ids=lambda intermediary: f"{intermediary.status} {intermediary.headers.get('Content-Type')}",
)  # fmt: skip
async def test_a_response_of_an_intermediary_refuses_no_key_and_no_event(intermediary: Answer) -> None:
    """The client repeats a request after an intermediary's response. Only a response of the service refuses a key or an event."""
    receipt, seen = await with_answers([intermediary, fine(SLEPT)], lambda daycare: daycare.post(SLEPT))
    assert (receipt.outcome, len(seen.waits_s)) == ("recorded", 1)
    with pytest.raises(AnsweredByIntermediary) as raised:
        await with_answers([intermediary] * 3, lambda daycare: daycare.post(SLEPT), backoff=Backoff(attempts_max=3))
    assert (raised.value.status, raised.value.attempts) == (intermediary.status, 3)


async def test_a_proxys_413_halves_the_call_and_an_event_that_is_too_large_for_it_stops_no_other() -> None:
    events = [note(f"Note {number}", child="kid-17", at=AT, id=f"entry-{number}") for number in range(3)]
    # The batches: [0 1 2] -> [0] -> [1 2] -> [1] -> [2]
    answers = [page_of(413), fine(events[0]), page_of(413), page_of(413), fine(events[2])]
    receipts, seen = await with_answers(answers, lambda daycare: daycare.post_all(events))
    assert [receipt.outcome for receipt in receipts] == ["recorded", "refused", "recorded"]
    assert receipts[1].problem is not None
    assert receipts[1].problem.code == "daycare.too_large_for_the_way"
    assert seen.waits_s == []
