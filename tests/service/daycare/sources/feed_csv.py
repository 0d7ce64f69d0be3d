"""Builds CSV files in the real format of Baby Connect and in our plain format, each with the edge cases of spreadsheets."""

import csv
import io
from datetime import UTC, datetime, timedelta

from tests.service.daycare.sources.invented import NAMES, NEVER, Day

BABY_CONNECT = ("Start Time", "End Time", "Duration (min)", "Activity", "Quantity", "Extra data", "Text", "Notes", "Caregiver")
PLAIN = ("id", "child", "child_name", "occurred_at", "recorded_at", "revised_at", "text", "milestone", "media", "gone")
SPOKEN = 'He said "ball",\nthen "more"'
BABY_CONNECT_EDGE_CASES = (
    ("11/7/21 1:30", "", "", "Nap", "", "", "Lia slept", "", NEVER),
    ("3/14/2021 12:05 AM", "", "", "Diaper", "", "", 'Lia had a "wet" diaper, again', "Rash:\r\ncream put on", NEVER),
    ("3/14/21 9:05 PM", "", "", "Bottle", "4 oz", "formula", "", "", NEVER),
    ("3/14/21", "", "", "Note", "", "", "A day alone", "", NEVER),
    ("2021-03-14 10:00", "", "", "Note", "", "", "By the other calendar", "", NEVER),
    ("3/15/21 08:00", "", "", "Photo", "", "", "First of two", "", NEVER),
    ("3/15/21 08:00", "", "", "Photo", "", "", "Second of two", "", NEVER),
    ("3/15/21 08:00", "", "", "Photo", "", "", "First of two", "", NEVER),
    ("14/3/21 10:00", "", "", "Note", "", "", "Day first", "", NEVER),
    ("", "", "", "Note", "", "", "No time", "", NEVER),
    ("3/16/21 13:00 PM", "", "", "Note", "", "", "Neither clock", "", NEVER),
    ("3/16/21 10:00", "", "", "", "", "", "", "", NEVER),
    ("3/16/21 10:00", "Note", "too few"),
)
PLAIN_EDGE_CASES = (
    ("dst", "ada", NAMES[2], "2026-03-29T02:30:00", "", "", "In the hour that was not", "", "", ""),
    ("quoted", "ada", "", "2026-03-14T09:05:00+01:00", "2026-03-14 18:00", "2026-03-15 08:00", SPOKEN, "", "", "no"),
    ("steps", "ada", "", "2026-03-14", "", "", "", "movement.first-steps", "", ""),
    ("month", "ada", "", "2026-03", "", "", "Began to hum", "", "hum.m4a | hum.jpg", ""),
    ("gone", "ada", "", "2026-03-14", "", "2026-03-20", "Was a mistake", "", "", "yes"),
    ("bare", "ada", "", "2026-03-14", "", "", "", "", "one.jpg", ""),
    ("own", "ada", "", "2026-03-14", "", "", "No such", "movement.flies", "", ""),
    ("link", "ada", "", "2026-03-14", "", "", "A link", "", "https://media.example/one.jpg", ""),
    ("", "ada", "", "2026-03-14", "", "", "No id", "", "", ""),
    ("nobody", "", "", "2026-03-14", "", "", "No child", "", "", ""),
    ("when", "ada", "", "yesterday", "", "", "No time", "", "", ""),
    ("maybe", "ada", "", "2026-03-14", "", "", "Gone?", "", "", "maybe"),
    ("long", "ada", "", "2026-03-14", "", "", "x" * 10_001, "", "", ""),
    ("more", "ada", "", "2026-03-14", "", "", "Too many", "", "", "", "fields", "here"),
)


def written(header: tuple[str, ...], rows: list[tuple[str, ...]], *, separator: str = ",") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    writer.writerows([header, *rows])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def baby_connect() -> bytes:
    day = Day(6, start=datetime(2021, 1, 4, 8, tzinfo=UTC))
    rows: list[tuple[str, ...]] = []
    for index in range(60):
        start = day.step()
        end = start + timedelta(minutes=20)
        kind, text = (("Nursing", "Lia nursed (10m right)"), ("Sleep", "Lia slept"), ("Diaper", "Lia was wet"))[index % 3]
        rows.append((f"{start:%m/%d/%y %H:%M}", f"{end:%m/%d/%y %H:%M}", "20", kind, "", "", text, "", NEVER))
    return written(BABY_CONNECT, [*rows, *BABY_CONNECT_EDGE_CASES])


def plain(*, separator: str = ",") -> bytes:
    day = Day(7, start=datetime(2026, 1, 4, 8, tzinfo=UTC))
    rows: list[tuple[str, ...]] = []
    for index in range(60):
        at = day.step().isoformat(timespec="minutes")
        rows.append((f"r-{index}", ("ada", "ben")[index % 2], "", at, at, "", day.prose(), "", "", ""))
    return written(PLAIN, [*rows, *PLAIN_EDGE_CASES, rows[0]], separator=separator)
