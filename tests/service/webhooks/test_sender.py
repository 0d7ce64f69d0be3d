"""Tests that a webhook receives its member's feed: in order, signed, from its place on, and without held events."""

import asyncio
from datetime import timedelta

import pytest
from standardwebhooks import WebhookVerificationError

from service.feed.notifier import LocalNotifier
from tests.families import STOOD, WALKED, drafted, leave, note, saw
from tests.polling import until
from tests.service.webhooks.conftest import Home, poll_and_finish
from tests.service.webhooks.receiving import Delivery, Frame, after, never, with_status

SPOKE = "talking.first-word"


async def keeps(home: Home, mode: str = "keep", scope: str = "all") -> None:
    """Appends Ben's choice about surprises: by default, to keep everything."""
    await home.append(home.family.ben, drafted("SurpriseChosen", at=home.time.now, scope=scope, mode=mode))


async def test_a_webhook_is_sent_exactly_its_members_feed(home: Home, frame: Frame) -> None:
    """Laws 6 and 7: the entries come in order, in the bytes of a stream. An event for Ada alone is not sent to Ben."""
    family = home.family
    await keeps(home, mode="hint", scope="domain:movement")
    await home.append(family.ada, saw(family, WALKED), note(family, "für Mia 👣\u2028"), note(family, "mine", audience="me"))
    await home.append(family.ben, note(family, "from Ben"))
    hook = await home.hook(frame.url())
    await poll_and_finish(home.sender())
    entries = await home.entries()
    for delivery, (place, entry) in zip(frame.deliveries, entries, strict=True):
        delivery.is_signed_with(hook.secret)
        kind = "hint" if delivery.received["entry"]["event"].get("type") == "Hint" else "entry"
        assert delivery.body == b'{"type":"%b","family":"%b","place":%d,"entry":%b}' % (
            kind.encode(), str(family.family).encode(), place, entry,
        )  # fmt: skip
    assert [delivery.received["type"] for delivery in frame.deliveries].count("hint") == 1
    assert frame.places == list(range(1, len(entries) + 1))
    assert len({delivery.id for delivery in frame.deliveries}) == len(entries)
    assert frame.connections == 1, "a receiver that keeps its connection open is not dialled for every entry"
    assert {delivery.headers["content-type"] for delivery in frame.deliveries} == {"application/json"}


async def test_another_secret_or_another_body_does_not_verify(home: Home, frame: Frame) -> None:
    """The standardwebhooks package refuses a wrong signature. So the other tests can rely on the package."""
    hook, other = await home.hook(frame.url()), await home.hook(frame.url(path="/other"))
    await poll_and_finish(home.sender())
    delivery = next(one for one in frame.deliveries if one.line.startswith("POST /hooks/frame "))
    for body, secret in ((delivery.body, other.secret), (delivery.body + b" ", hook.secret)):
        with pytest.raises(WebhookVerificationError):
            Delivery(delivery.line, delivery.headers, body).is_signed_with(secret)


async def test_a_webhook_goes_on_from_its_place_also_in_another_process(home: Home, frame: Frame) -> None:
    """Law 1: the place of the last delivery is stored, so no delivered entry is sent again."""
    last = len(await home.feed())
    await home.hook(frame.url(), after=last)
    first = home.sender()
    await poll_and_finish(first)
    assert frame.places == []
    await home.append(home.family.ada, note(home.family, "one"), note(home.family, "two"))
    await poll_and_finish(first)
    await first.stop()
    await home.append(home.family.ada, note(home.family, "three"))
    await poll_and_finish(home.sender())
    assert frame.places == [last + 1, last + 2, last + 3]


async def test_what_a_killed_process_had_begun_is_sent_again_with_the_same_id(home: Home, frame: Frame) -> None:
    """When the lease of a killed process has expired, another process sends the message again, with the same id."""
    hook = await home.hook(frame.url())
    frame.answer = never
    killed = home.sender()
    await killed.poll()
    await until(lambda: bool(frame.deliveries))
    (turn,) = (task for task in asyncio.all_tasks() if task.get_name() == "webhooks: turn")
    turn.cancel()
    frame.answer = with_status(200)
    next_one = home.sender()
    await poll_and_finish(next_one)
    assert frame.places == [1], "its lease may not be over yet"
    home.time.passes(seconds=61)
    await poll_and_finish(next_one)
    assert frame.places == [1, *range(1, len(await home.feed()) + 1)]
    assert frame.deliveries[0].id == frame.deliveries[1].id
    assert frame.deliveries[0].body == frame.deliveries[1].body
    frame.deliveries[1].is_signed_with(hook.secret)


async def test_a_stopped_process_hands_over_at_once(home: Home, frame: Frame) -> None:
    """A process that stops releases its leases, so no webhook waits until a lease expires."""
    await home.hook(frame.url())
    frame.answer = never
    first = home.sender()
    await first.poll()
    await until(lambda: bool(frame.deliveries))
    await first.stop()
    frame.answer = with_status(200)
    await poll_and_finish(home.sender())
    assert frame.places == [1, *range(1, len(await home.feed()) + 1)]


async def test_of_two_senders_one_sends_and_the_order_holds(home: Home, frame: Frame) -> None:
    """Of several senders, only one posts for a webhook at a time, and the entries arrive in order, each once."""
    await home.hook(frame.url())
    await home.append(home.family.ada, *(note(home.family, f"note {number}") for number in range(20)))
    frame.answer = after(0.005, with_status(200))
    senders = [home.sender() for _ in range(3)]
    for number in range(6):
        await asyncio.gather(*(sender.poll() for sender in senders))
        await home.append(home.family.ada, note(home.family, f"late {number}"))
    await asyncio.gather(*(sender.until_idle() for sender in senders))
    await asyncio.gather(*(poll_and_finish(sender) for sender in senders))
    assert frame.places == list(range(1, len(await home.feed()) + 1))
    assert frame.open_max == 1


async def test_both_secrets_sign_for_a_day(home: Home, frame: Frame) -> None:
    """For a day after the rotation, both secrets sign each message. Then only the new secret signs."""
    hook = await home.hook(frame.url())
    frame.answer = with_status(500)
    newer = b"n" * 32
    await home.pool.execute(
        "UPDATE webhook SET before = secret, before_until = $1, secret = $2", home.time.now + timedelta(hours=24), newer
    )
    sender = home.sender()
    await poll_and_finish(sender)
    (both,) = frame.deliveries
    both.is_signed_with(hook.secret)
    both.is_signed_with("whsec_" + "bm5u" * 10 + "bm4=")
    assert len(both.signatures) == 2
    home.time.passes(hours=24)
    await poll_and_finish(sender)
    assert len(frame.deliveries[-1].signatures) == 1
    frame.deliveries[-1].is_signed_with("whsec_" + "bm5u" * 10 + "bm4=")
    with pytest.raises(WebhookVerificationError):
        frame.deliveries[-1].is_signed_with(hook.secret)


async def test_a_held_event_changes_nothing(home: Home, frame: Frame) -> None:
    """Law 8: a held event causes no request, no attempt, no lease and no change of a row. Released events are sent in order."""
    family = home.family
    await keeps(home)
    hook = await home.hook(frame.url())
    sender = home.sender()
    await sender.start()
    await poll_and_finish(sender)
    before, told = await home.row(hook), frame.places
    observed = saw(family, WALKED)
    await home.append(family.ada, observed, saw(family, SPOKE))
    await home.append(family.ada, drafted("NoteWritten", child=family.child, text="she walked!", about=observed["id"]))
    await home.append(family.ada, drafted("Withdrawn", target=observed["id"]))
    for _ in range(3):
        await poll_and_finish(sender)
    assert (before, told) == (await home.row(hook), frame.places)
    await home.append(family.ben, drafted("EnvelopeOpened", at=home.time.now, scope="all"))
    await poll_and_finish(sender)
    assert frame.places == list(range(1, len(await home.feed()) + 1))
    assert [delivery.received["entry"]["released"] for delivery in frame.deliveries[-2:]].count("opened") == 1


async def test_what_fails_meanwhile_is_the_same_in_both_worlds(home: Home, frame: Frame) -> None:
    """Law 8: the wait after a failure counts attempts at delivered entries, so a held event causes no earlier attempt."""
    await keeps(home)
    hook = await home.hook(frame.url())
    frame.answer = with_status(503)
    sender = home.sender()
    await poll_and_finish(sender)
    before = await home.row(hook)
    await home.append(home.family.ada, saw(home.family, STOOD))
    home.time.passes(seconds=4.9)
    await poll_and_finish(sender)
    assert (before, 1) == (await home.row(hook), len(frame.deliveries))


async def test_nothing_is_sent_for_a_member_who_has_left(home: Home, frame: Frame) -> None:
    """When a member has left, their webhook is deleted, with its address and secrets, and nothing is posted to the address."""
    hook = await home.hook(frame.url(), member=home.family.sitter)
    other = await home.hook(frame.url(path="/ben"))
    await leave(home.log, home.family, home.family.sitter)
    await poll_and_finish(home.sender())
    assert {delivery.line for delivery in frame.deliveries} == {"POST /ben HTTP/1.1"}
    assert (await home.row(hook), (await home.row(other))["place"]) == ({}, len(await home.feed()))


async def test_a_turn_after_the_member_left_sends_nothing(home: Home, frame: Frame) -> None:
    """The member leaves during a delivery, and further entries are not sent. The roster is checked before each entry."""
    sitter = home.family.sitter
    await home.hook(frame.url(), member=sitter, after=len(await home.feed(sitter)))
    home.notifier = LocalNotifier()
    sender = home.sender()
    await poll_and_finish(sender)
    await home.append(home.family.ada, note(home.family, "one"), note(home.family, "two"), note(home.family, "three"))

    async def leaves_meanwhile(delivery: Delivery, writer: asyncio.StreamWriter) -> None:
        await leave(home.log, home.family, sitter)
        await with_status(200)(delivery, writer)

    frame.answer = leaves_meanwhile
    for _ in range(2):
        home.notifier.entries_delivered(home.family.family, (sitter,))
        await sender.until_idle()
        home.time.passes(seconds=61)
    assert len(frame.deliveries) == 1


@pytest.mark.parametrize("how", ["leaves", "drops it", "leaves, and is heard of"])
async def test_a_turn_under_way_is_cancelled_within_a_second(home: Home, frame: Frame, how: str) -> None:
    """A delivery in progress is cancelled within a second, also without a notification from the other process."""
    await home.hook(frame.url(), member=home.family.sitter)
    frame.answer = after(0.9, with_status(200))
    sender = home.sender()
    await sender.start()
    await until(lambda: bool(frame.deliveries))
    if how == "drops it":
        await home.pool.execute("DELETE FROM webhook")
    else:
        await leave(home.log, home.family, home.family.sitter)
    if how.endswith("heard of"):
        home.notifier.members_left(home.family.family, (home.family.sitter,))
    began_at = asyncio.get_running_loop().time()
    await until(lambda: bool(frame.cut))
    assert asyncio.get_running_loop().time() - began_at < (0.3 if how.endswith("heard of") else 0.85)
    await asyncio.sleep(1)
    assert frame.places == [1]
