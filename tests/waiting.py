"""Makes members who keep surprises, on a clock that a test sets, for tests about surprises. Decides nothing."""

from datetime import UTC, datetime
from typing import Any

from events.ids import MemberId
from service.log.append_request import Receipt
from service.log.log import Log
from tests.families import Draft, Family, drafted, outcomes, push

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """The clock of the server; a test sets its time."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


async def waits(log: Log, family: Family, member: MemberId, *, scope: str = "all", mode: str = "keep", **more: Any) -> None:
    assert outcomes(await pushed(log, family, member, drafted("SurpriseChosen", scope=scope, mode=mode, at=NOON, **more))) == [
        "recorded"
    ]


async def pushed(log: Log, family: Family, author: MemberId, *drafts: Draft) -> tuple[Receipt, ...]:
    return await push(log, family, author, *drafts, sent_at=log.now())


def told_in(feed: list[dict[str, Any]], *drafts: Draft) -> list[tuple[int, str | None]]:
    """Returns the given drafts that are in a feed, in the feed's order: each one's index, and the reason of its release."""
    index = {draft["id"]: number for number, draft in enumerate(drafts)}
    return [(index[entry["event"]["id"]], entry["released"]) for entry in feed if entry["event"].get("id") in index]


def at_noon(*drafts: Draft) -> tuple[Draft, ...]:
    for draft in drafts:
        draft["occurred_at"] = draft["recorded_at"] = NOON.isoformat()
    return drafts
