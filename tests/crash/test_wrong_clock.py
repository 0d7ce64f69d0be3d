"""Tests a server with a wrong clock: neither the order nor the content of a feed depends on a clock."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from uuid_utils.compat import uuid7

from service.replay import replay
from service.settings import Settings
from tests.crash.crew import feed_of
from tests.service.conftest import UNLIMITED, Someone, found_family, running

PUSHES = 40
YEARS_10 = timedelta(days=3_650)


class WrongClock:
    """A server's clock that is wrong by `off`, or stopped."""

    def __init__(self) -> None:
        self.off = timedelta(0)
        self.stopped_at: datetime | None = None

    def __call__(self) -> datetime:
        return (self.stopped_at or datetime.now(UTC)) + self.off


def push_of(someone: Someone, number: int, *, device_clock_off: timedelta) -> dict[str, Any]:
    now = (datetime.now(UTC) + device_clock_off).isoformat(timespec="milliseconds")
    event = {"type": "NoteWritten", "child": someone.said["child"], "text": f"note {number}"}
    return {
        "sent_at": now,
        "drafts": [{"id": str(uuid7()), "occurred_at": now, "precision": "minute", "recorded_at": now, "event": event}],
    }


@pytest.mark.parametrize("clock", ["right", "ten years ahead", "ten years behind", "standing still", "jumping"])
async def test_order_and_set_are_the_same_under_any_clock(database_url: str, clock: str) -> None:
    """Laws 3 and 12: places in the feed follow the order of pushes, whatever the clocks of the server and the devices show."""
    wrong, rng = WrongClock(), random.Random(clock)
    with running(Settings(database_url=database_url, **UNLIMITED), log_clock=wrong) as url:
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            ada = await found_family(http)
            first = len(await feed_of(ada, url))
            places = []
            match clock:
                case "ten years ahead":
                    wrong.off = YEARS_10
                case "ten years behind":
                    wrong.off = -YEARS_10
                case "standing still":
                    wrong.stopped_at = datetime.now(UTC)
            for number in range(PUSHES):
                if clock == "jumping":
                    wrong.off = YEARS_10 * rng.uniform(-1, 1)
                push = push_of(ada, number, device_clock_off=YEARS_10 * rng.choice((-1, 0, 1)))
                answer = await ada.ask("POST", "/v1/families/{family}/events", json=push)
                (receipt,) = answer.json()["receipts"]
                assert receipt["outcome"] == "recorded", receipt
                places.append(receipt["place"])
            feed = await feed_of(ada, url)
    assert places == list(range(first + 1, first + PUSHES + 1))
    assert [entry["event"]["event"]["text"] for entry in feed[first:]] == [f"note {number}" for number in range(PUSHES)]
    assert (await replay(database_url, check=True)).differences == ()
