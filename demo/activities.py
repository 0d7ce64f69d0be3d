"""Makes the rows that the daycare's own system shows to parents: prose that is typed late, repeated and edited.

Owns the shape of the rows, which follows Brightwheel's guardian feed (`activities`, `action_type`, `event_date`, `created_at`);
a group record lists its children in `kid_ids`, like Procare's records. Every name and word is invented. Knows no drafts.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from demo.cast import CHILD_NAMES, Twin
from demo.growth import Growth
from demo.weeks import Year
from demo.words import AGAIN_PROSE, DAILY, WORDING

Record = dict[str, Any]

PAGE_ROWS: Final = 4
TYPED_LATE: Final = timedelta(minutes=93)
"""The delay until the staff type a kudo (a row of praise). A real feed shows this delay."""

STUDENT_IDS: Final = {twin: f"5b1d0c1e-0000-4000-8000-00000000000{index}" for index, twin in enumerate(Twin, start=1)}
ANOTHER_FAMILYS_CHILD: Final = "5b1d0c1e-0000-4000-8000-000000000009"
PROSE_TYPES: Final = ("ac_kudo", "ac_photo", "ac_note", "ac_observation")


def stamp(moment: datetime) -> str:
    """Returns a time in the format of the daycare's system: UTC, with milliseconds and `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def time_of(text: str) -> datetime:
    """Parses a time in the format of the daycare's system."""
    return datetime.fromisoformat(text)


def row(
    rng: Random,
    *,
    action_type: str,
    at: datetime,
    typed_at: datetime,
    note: str | None,
    kids: Sequence[str],
    staff_only: bool = False,
) -> Record:
    """Returns one row of the feed. `kids` are the ids of the children; only a row about one child has a `target`."""
    media = {"object_id": str(rng.getrandbits(27)), "image_url": "https://pictures.example/full.jpg"}
    target = {"object_id": kids[0], "user_type": "student", "enrollment_status": "Active"}
    return {
        "object_id": str(UUID(int=rng.getrandbits(128), version=4)),
        "action_type": action_type,
        "event_date": stamp(at),
        "created_at": stamp(typed_at),
        "updated_at": stamp(typed_at),
        "state": "0",
        "note": note,
        "staff_only": staff_only,
        "source": "staff",
        "actor": {"first_name": "Linda", "last_name": "Hale", "user_type": "teacher"},
        "target": target if len(kids) == 1 else None,
        "kid_ids": list(kids),
        "room": {"name": "Acorns"},
        "media": media if action_type == "ac_photo" else None,
        "video_info": None,
        "details_blob": {},
        "observation_milestones": None,
        "likes": [{"object_id": str(rng.getrandbits(27))}] if rng.random() < 0.3 else [],
        "category_tags": [],
        "menu_item_tags": [],
    }


def milestone_row(first: Growth, rng: Random, *, is_again: bool = False) -> Record:
    """Returns the staff's row about a milestone. The staff type a row 1 to 40 minutes later, but a kudo 93 minutes later."""
    action_type = rng.choice(PROSE_TYPES)
    late = TYPED_LATE if action_type == "ac_kudo" else timedelta(minutes=rng.randint(1, 40))
    prose = WORDING[first.milestone].prose.format(child=CHILD_NAMES[first.twin])
    return row(
        rng,
        action_type=action_type,
        at=first.at,
        typed_at=first.at + late,
        note=AGAIN_PROSE + prose if is_again else prose + rng.choice(("!", ".", " :)")),
        kids=[STUDENT_IDS[first.twin]],
    )


def everyday_rows(year: Year, rng: Random) -> list[Record]:
    """Returns the ordinary rows of all days: naps, food, a few notes, group photos with another family's child, staff notes."""
    rows: list[Record] = []
    day, week = year.daycare_begins, 0
    while day <= year.until.date():
        noon = year.moment(day, hour=12, minute=rng.randrange(60))
        if day.weekday() <= 3 and not year.in_mountains(noon) and noon + timedelta(hours=2) < year.until:
            for action_type, kids in (("ac_nap", [STUDENT_IDS[Twin.MIA]]), ("ac_food", [STUDENT_IDS[Twin.LEO]])):
                rows.append(row(rng, action_type=action_type, at=noon, typed_at=noon, note=None, kids=kids))
            if day.weekday() == week % 4:
                rows.append(_daily_note(noon, week, rng))
            week += day.weekday() == 3
        day += timedelta(days=1)
    return rows


def _daily_note(noon: datetime, week: int, rng: Random) -> Record:
    typed_at = noon + timedelta(minutes=rng.randint(2, 80))
    match week % 6:
        case 2:
            everybody = [*STUDENT_IDS.values(), ANOTHER_FAMILYS_CHILD]
            note = "Group photo: everybody helped to blow out the birthday candle"
            return row(rng, action_type="ac_photo", at=noon, typed_at=typed_at, note=note, kids=everybody)
        case 5:
            note = "Room ratio checked, form filed"
            kids = [STUDENT_IDS[Twin.MIA]]
            return row(rng, action_type="ac_note", at=noon, typed_at=typed_at, note=note, kids=kids, staff_only=True)
        case _:
            twin = rng.choice(list(Twin))
            note = rng.choice(DAILY["daycare"]).format(child=CHILD_NAMES[twin])
            return row(rng, action_type="ac_note", at=noon, typed_at=typed_at, note=note, kids=[STUDENT_IDS[twin]])


def edited(record: Record, *, at: datetime, changes: Record) -> Record:
    """Returns a row after a correction by the staff: with the same id and a later `updated_at`."""
    return {**record, **changes, "updated_at": stamp(at)}


def pages(records: Iterable[Record]) -> Iterable[list[Record]]:
    """Yields the rows in pages, by `updated_at`. Each page begins with the last row of the page before, like in a real feed."""
    rows = sorted(records, key=lambda record: (record["updated_at"], record["object_id"]))
    start = 0
    while start < len(rows):
        yield rows[start : start + PAGE_ROWS]
        start += PAGE_ROWS - 1 if start + PAGE_ROWS < len(rows) else PAGE_ROWS
