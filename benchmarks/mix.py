"""Writes the drafts of the benchmarks' devices, in a fixed mix and size.

Owns the shares, the texts and the encoding. Random numbers are seeded, so that two runs write the same drafts except for ids and
times. Drafts are encoded before a measurement. Only `sent_at` is added when a push is sent: if `sent_at` were old, the service
would correct the times of the drafts.

    of 100 drafts   35 NoteWritten for the family, 40 MilestoneObserved, 10 ParentFirstSaw for oneself,
                    10 Cheered about an earlier event of another member, 5 NoteWritten for the household

Only parents write ParentFirstSaw, and a daycare does not cheer, so each role has a deck (shares) of its own. The 16 devices of a
crew belong to 8 parents, 6 caregivers and 2 daycares. If all write equally many drafts, the decks add up to exactly these shares.
"""

import random
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec
import uuid_utils

from events.catalogue import CATALOGUE
from events.event import Role


class Card(StrEnum):
    """The kinds of drafts in a deck."""

    NOTE = "note"
    OBSERVED = "observed"
    FIRST_SAW = "first_saw"
    CHEER = "cheer"
    HOME_NOTE = "home_note"


DECK_BY_ROLE: dict[Role, dict[Card, int]] = {
    Role.PARENT: {Card.NOTE: 30, Card.OBSERVED: 34, Card.FIRST_SAW: 20, Card.CHEER: 11, Card.HOME_NOTE: 5},
    Role.CAREGIVER: {Card.NOTE: 39, Card.OBSERVED: 44, Card.FIRST_SAW: 0, Card.CHEER: 12, Card.HOME_NOTE: 5},
    Role.DAYCARE: {Card.NOTE: 43, Card.OBSERVED: 52, Card.FIRST_SAW: 0, Card.CHEER: 0, Card.HOME_NOTE: 5},
}
"""The number of drafts of each kind in 100 drafts: a deck. A deck is shuffled, and used up before the next deck begins."""

# Texts fill a draft up to about this size: that of a real family's drafts, with an id and two times.
DRAFT_BYTES = 300
DAYS_BACK = 300

TEXT = """
today this morning after the nap before lunch in the garden on the sofa by the window with the red ball the blue cup
held out both hands laughed out loud and looked round for us once more twice then sat down very proud of it all
grandma was on the phone we sang the song about the duck rain outside so we stayed in built a tower of six bricks
pointed at the dog said something like ba or da wanted to do it again all alone no help please tired but happy slept
well ate half a banana and some porridge new tooth at last on the left side shoes on the wrong feet kissed the bear
waved through the glass splashed in the bath crawled under the table found the spoon clapped when daddy came home
"""
WORDS = TEXT.split()

_encode = msgspec.json.encode


class Drafts:
    """The source of one device's drafts. It returns each draft once.

    Args:
        about: ids of earlier events that are visible to the author, to cheer for; may be empty for a role that does not cheer.
        milestones: keys that the author may observe; the whole catalogue if empty.
    """

    def __init__(self, *, role: Role, child: str, about: Sequence[str], seed: int, milestones: Sequence[str] = ()) -> None:
        self._random = random.Random(seed)
        self._child = child
        self._about = about
        self._deck = [card for card, count in DECK_BY_ROLE[role].items() for _ in range(count)]
        self._dealt: list[Card] = []
        self._ready: deque[bytes] = deque()
        self._milestones = tuple(milestones) or tuple(CATALOGUE.by_key)
        self._now = datetime.now(UTC)

    def prepare(self, count: int) -> None:
        """Encodes drafts until `count` are ready."""
        while len(self._ready) < count:
            self._ready.append(self._write())

    def take(self) -> bytes:
        """Returns the next draft, as JSON."""
        return self._ready.popleft() if self._ready else self._write()

    def _write(self) -> bytes:
        if not self._dealt:
            self._dealt = list(self._deck)
            self._random.shuffle(self._dealt)
        card = self._dealt.pop()
        happened = self._now - timedelta(minutes=self._random.randrange(DAYS_BACK * 24 * 60))
        draft: dict[str, object] = {
            "id": str(uuid_utils.uuid7()),
            "occurred_at": happened.isoformat(timespec="seconds"),
            "precision": "minute",
            "recorded_at": (happened + timedelta(seconds=self._random.randrange(30, 600))).isoformat(timespec="seconds"),
        }
        if card is Card.HOME_NOTE:
            draft["audience"] = "household"
        event, text_field = self._event(card)
        spare = DRAFT_BYTES - len(_encode({**draft, "event": event}))
        return _encode({**draft, "event": {**event, text_field: self._text(bytes_wanted=max(spare, 20))}})

    def _event(self, card: Card) -> tuple[dict[str, object], str]:
        """Returns the body of an event without its text, and the name of the text's field."""
        match card:
            case Card.NOTE | Card.HOME_NOTE:
                return {"type": "NoteWritten", "child": self._child, "text": ""}, "text"
            case Card.OBSERVED:
                key = self._random.choice(self._milestones)
                return {"type": "MilestoneObserved", "child": self._child, "milestone": key, "note": ""}, "note"
            case Card.FIRST_SAW:
                key = self._random.choice(self._milestones)
                event: dict[str, object] = {
                    "type": "ParentFirstSaw", "child": self._child, "milestone": key, "how": "in_person", "feelings": "",
                }
                return event, "feelings"
            case Card.CHEER:
                return {"type": "Cheered", "about": self._random.choice(self._about), "words": ""}, "words"

    def _text(self, *, bytes_wanted: int) -> str:
        words: list[str] = []
        length = 0
        while length < bytes_wanted:
            words.append(self._random.choice(WORDS))
            length += len(words[-1]) + 1
        return " ".join(words)[:bytes_wanted].strip()


def push_body(drafts: Sequence[bytes]) -> bytes:
    """Returns the body of a push that is sent now."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
    return b'{"sent_at":"' + now + b'","drafts":[' + b",".join(drafts) + b"]}"


def draft_of(event: dict[str, object]) -> bytes:
    """Returns a draft of an event that occurs now, as JSON."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return _encode({"id": str(uuid_utils.uuid7()), "occurred_at": now, "precision": "minute", "recorded_at": now, "event": event})
