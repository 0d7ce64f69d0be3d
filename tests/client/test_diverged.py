"""Tests how a device notices that its mirror differs from the service's feed, and how the device recovers."""

import pytest

from client.device import Device
from client.responses import Page, RawEntry
from tests.client.test_device_against_service import ada as ada
from tests.client.test_device_against_service import note, texts


async def test_a_service_that_knows_less_gets_everything_back(ada: Device) -> None:
    """A device that has one entry more than the service's feed pulls its feed anew and pushes all drafts again.

    A restored backup can lack such an entry.
    """
    ada.record(note(ada, "a"))
    await ada.sync()
    whole = ada.transcript()
    held = Page(
        log=ada.mirror.log or "", after=ada.mirror.place, chain_before=ada.mirror.chain or "",
        entries=(RawEntry(place=ada.mirror.place + 1, json=b"{}"),), chain="0" * 64, more=False,
    )  # fmt: skip
    ada.mirror.append(held)
    await ada.pull()
    assert ada.transcript() == whole
    assert ada.mirror.beginnings == 1
    assert {authored.receipt.outcome for authored in ada.drafts() if authored.receipt} == {"already_recorded"}


@pytest.mark.parametrize("by", ["push", "pull"])
async def test_another_incarnation_of_the_log_restarts_the_mirror(ada: Device, by: str) -> None:
    """When the service names another `log` than the device follows, the device pulls its feed from the start."""
    ada.record(note(ada, "a"))
    await ada.sync()
    whole = ada.transcript()
    ada.mirror.follow("an earlier incarnation")
    if by == "push":
        ada.record(note(ada, "b"))
        await ada.push()
    await ada.pull()
    assert ada.mirror.beginnings == 1
    assert ada.transcript().startswith(whole)
    assert ada.outbox.count("waiting") == 0


@pytest.mark.parametrize("grows", [False, True])
async def test_a_feed_with_other_earlier_entries_is_noticed_at_the_next_pull(ada: Device, *, grows: bool) -> None:
    """A feed with the same log id and other earlier entries is pulled from the start, even if it is not shorter."""
    ada.record(note(ada, "a"))
    await ada.sync()
    whole = ada.transcript()
    ada.store.set_fact("chain", b"another past".hex())
    if grows:
        ada.record(note(ada, "b"))
        await ada.push()
    await ada.pull()
    assert ada.mirror.beginnings == 1
    assert ada.transcript().startswith(whole)
    assert {authored.receipt.outcome for authored in ada.drafts() if authored.receipt} == {"already_recorded"}


async def test_what_was_acknowledged_and_is_not_in_the_feed_is_noticed(ada: Device) -> None:
    """A receipt with a place beyond the end of the feed makes the device pull from the start.

    This happens if the restored backup is older than the receipt, and the device had not pulled the entry at that place yet.
    """
    ada.record(note(ada, "a"))
    await ada.push()
    ada.store.connection.execute("UPDATE draft SET place = place + 1")
    await ada.pull()
    assert ada.mirror.beginnings == 1
    assert texts(ada) == ["a"]


async def test_another_event_at_the_place_of_a_receipt_is_noticed(ada: Device) -> None:
    """When the feed has another event at the place of a receipt, the device pulls from the start, and pushes its drafts again.

    This happens if a restored feed has grown beyond the places in the receipts.
    """
    first, second = ada.record(note(ada, "a")), ada.record(note(ada, "b"))
    await ada.push()
    ada.store.connection.execute("UPDATE draft SET place = place + 1 WHERE id = ?", (str(first),))
    ada.store.connection.execute("UPDATE draft SET place = NULL WHERE id = ?", (str(second),))
    await ada.pull()
    assert ada.mirror.beginnings == 1
    assert texts(ada) == ["a", "b"]


async def test_a_receipt_that_names_a_place_where_something_else_is_held_is_noticed_by_the_push(ada: Device) -> None:
    """When a receipt names a place at which the mirror has another entry, the device empties its mirror, before any pull."""
    ada.record(note(ada, "a"))
    await ada.sync()
    ada.mirror.append(
        Page(
            log=ada.mirror.log or "", after=ada.mirror.place, chain_before=ada.mirror.chain or "", more=False,
            entries=(RawEntry(place=ada.mirror.place + 1, json=b'{"place":6,"event":{"id":"lost"}}'),), chain="0" * 64,
        )
    )  # fmt: skip
    ada.record(note(ada, "b"))
    await ada.push()
    assert (ada.mirror.beginnings, ada.outbox.count("waiting")) == (1, 0)
    await ada.pull()
    assert texts(ada) == ["a", "b"]


async def test_an_entry_that_is_not_as_the_service_has_it_is_noticed_when_all_is_verified(ada: Device) -> None:
    """A changed entry in the device's file is found by a pull with `verify`. Other pulls compare only the chain at the end."""
    ada.record(note(ada, "a"))
    await ada.sync()
    whole = ada.transcript()
    await ada.pull(verify=True, page_entries=2)
    assert (ada.mirror.beginnings, ada.transcript()) == (0, whole)
    changed = "CAST(replace(CAST(json AS TEXT), 'Mia', 'Lea') AS BLOB)"
    ada.store.connection.execute(f"UPDATE entry SET json = {changed}")
    await ada.pull()
    assert ada.mirror.beginnings == 0
    await ada.pull(verify=True, page_entries=2)
    assert (ada.mirror.beginnings, ada.transcript()) == (1, whole)
