"""Makes the printed hand-over page: the milestones not to mention to each member, in plain text of at most 80 columns.

Owns the words of the page and the requests that it needs. Does not print and does not know the terminal.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from textwrap import wrap
from typing import Final
from uuid import UUID

import httpx
import msgspec

from client.backoff import Backoff
from client.environment import World
from client.errors import AnsweredByIntermediary, DeviceRevoked, RefusedByService, ServiceMisspoke, ServiceUnreachable
from client.family import Family
from client.http import Wire
from client.me import FamilyUnclear, Me, Membership
from client.responses import read
from client.store import Identity

COLUMNS: Final = 80
PAGES_MAX: Final = 20
"""The maximum number of requested pages of cards: twice the number of pages that the members of a family can fill."""
BACKOFF: Final = Backoff(attempts_max=3)
"""The retry policy, with fewer attempts than usual, because a person waits for the page."""


class CardUnavailable(RuntimeError):
    """The page cannot be made. The message states the reason in one sentence, and what to do."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A milestone on a hand-over card."""

    milestone: str
    title: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A hand-over card: the milestones of one child that are not to be mentioned to one member, and a safe phrase."""

    name: str
    child_name: str
    knows: tuple[Line, ...]
    not_to_mention: tuple[Line, ...]
    notes_too: bool
    phrase: str


class CardsPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of cards, in the form in which the service sends it."""

    cards: tuple[Card, ...]
    next: UUID | None


async def handover_page(*, url: str, token: str, family: UUID | None, today: date, world: World | None = None) -> str:
    """Requests the cards and returns the page for the member of a device. `family` selects one of several families.

    Raises:
        CardUnavailable: the URL, the token or the family is wrong, or the service did not answer.
    """
    if not url.startswith(("http://", "https://")):
        raise CardUnavailable(f"{url} is no address: say --url as http://… or https://…")
    world = world or World(backoff=BACKOFF)
    try:
        wire = Wire(base_url=url, token=token, world=world)
    except httpx.InvalidURL as error:
        raise CardUnavailable(f"{url} is no address ({error}): say --url as http://… or https://…") from None
    try:
        me = read(await wire.ask("GET", "/v1/me"), Me)
        membership = me.membership(family)
        return page(await _cards(wire, _identity(me, membership, url, token)), reader=membership.name, today=today)
    except FamilyUnclear as error:
        raise CardUnavailable(str(error)) from None
    except DeviceRevoked:
        raise CardUnavailable("The service does not take this token: give that of a device which is still paired.") from None
    except AnsweredByIntermediary as error:
        raise CardUnavailable(f"{url} does not answer as Stillnew does ({error.last_failure}): check --url.") from None
    except ServiceUnreachable as error:
        raise CardUnavailable(f"{url} does not answer ({error.last_failure}): see that it runs, then try again.") from None
    except (RefusedByService, ServiceMisspoke) as error:
        raise CardUnavailable(f"{url} does not answer as Stillnew does ({error}): check --url.") from None
    finally:
        await wire.close()


def _identity(me: Me, membership: Membership, url: str, token: str) -> Identity:
    for device in me.devices:
        if device.this:
            return Identity(
                base_url=url, token=token, device=device.device, family=membership.family, member=membership.member
            )  # fmt: skip
    raise ServiceMisspoke("none of this person's devices is the one that asks")


async def _cards(wire: Wire, identity: Identity) -> list[Card]:
    family, cards, after = Family(wire, identity), list[Card](), None
    for _ in range(PAGES_MAX):
        try:
            answer = msgspec.convert(await family.handover(after=after), CardsPage)
        except msgspec.ValidationError as error:
            raise ServiceMisspoke(f"expected {CardsPage}: {error}") from error
        cards += answer.cards
        if (after := answer.next) is None:
            break
    return cards


def page(cards: Iterable[Card], *, reader: str, today: date) -> str:
    """Returns the page in plain text. `reader` is the name of the member whose device requested the cards."""
    in_order = sorted(cards, key=lambda card: (card.name, card.child_name))
    lines = ["WHAT TO KEEP QUIET", ""]
    for card in in_order:
        lines += [*_card_lines(card), ""]
    names = list(dict.fromkeys(card.name for card in in_order))
    if names:
        lines += _wrapped(f"Hang this where it is not read by {_joined_with_or(names)}.")
    else:
        lines += ["Nobody waits for a surprise. Tell them all!", ""]
    lines += _wrapped(f"For {reader}, {today.day} {today:%B %Y}. Print it again before the next hand-over.")
    return "\n".join(lines) + "\n"


def _card_lines(card: Card) -> Iterator[str]:
    yield from _wrapped(f"{card.name}, about {card.child_name}", under="-")
    if card.not_to_mention:
        yield "Do not mention:"
        for line in card.not_to_mention:
            yield from _wrapped(line.title, first="  * ", then="    ")
    if card.notes_too:
        yield from _wrapped("Keep everyday notes and pictures quiet, too.")
    if not card.not_to_mention and not card.notes_too:
        yield from _wrapped("Nothing so far that you would have to keep to yourself.")
    if card.knows:
        yield from _wrapped("Knows: " + ", ".join(line.title for line in card.knows) + ".", then="  ")
    yield from _wrapped(f"You can always say: {card.phrase}", then="  ")


def _wrapped(text: str, *, first: str = "", then: str = "", under: str = "") -> list[str]:
    """Returns the text in lines of at most `COLUMNS`, without control characters, which a terminal could take for commands.

    `first` and `then` indent the first and the further lines; `under` underlines the text.
    """
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    lines = wrap(plain, COLUMNS, initial_indent=first, subsequent_indent=then)
    return [*lines, under * max(map(len, lines), default=0)] if under else lines


def _joined_with_or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
