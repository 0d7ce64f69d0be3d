"""Tests that a dry run gives the outcomes of the import, that each refused row is listed, and that the counts add up."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from service.access.decide import MEMBERS_MAX
from service.daycare.sources import SOURCES
from service.daycare.sources.reading import ImportHints as Hints
from tests.service.conftest import Village
from tests.service.daycare.sources.feeds import BODY_BY_SOURCE
from tests.service.daycare.test_imports import PLAIN, imported, post_import

AHEAD = "2062-06-01 10:00"
LATE = (datetime.now(UTC) + timedelta(days=3)).isoformat(timespec="minutes")
MORE = "id,child,occurred_at,recorded_at,revised_at,text,milestone\n"


async def foreseen_and_done(village: Village, body: str, source: str = "plain", **query: str) -> tuple[Any, Any]:
    """Returns the reports of a dry run and of the import, without the fields that may differ: `member` and `dry_run`."""
    query = {"as_": "text/csv", **query}
    dry = await imported(village.ada, source, body, dry_run="true", **query)
    done = await imported(village.ada, source, body, **query)
    for report in (dry, done):
        report.pop("dry_run"), report.pop("member")
    return dry, done


async def test_a_year_that_is_ahead_is_refused_by_its_row_and_the_dry_run_foresees_it(village: Village) -> None:
    """Law 17: a row with a time in the future is refused. The dry run foresees this, and both reports name the row."""
    body = PLAIN + f"a,mia,2026-06-01 10:00,Fine.\nb,mia,{AHEAD},A year with two digits the wrong way round.\n"
    dry, done = await foreseen_and_done(village, body, child=village.child)
    assert dry == done
    assert done["outcomes"] == {"recorded": 1, "refused": 1}
    (refused,) = done["refused"]
    assert (refused["at"], refused["code"]) == ("rows[1]", "draft.time_out_of_range")
    assert "at most a day ahead" in refused["detail"]


@pytest.mark.parametrize(
    "row",
    [
        f"a,mia,2026-06-01 10:00,{LATE},,Entered later than now,\n",
        f"a,mia,2026-06-01 10:00,,{LATE},Changed later than now,\n",
        f"a,mia,{LATE},,,,movement.first-steps\n",
    ],
)
async def test_whichever_time_is_ahead_the_row_is_refused(village: Village, row: str) -> None:
    dry, done = await foreseen_and_done(village, MORE + row, child=village.child)
    assert dry == done
    assert done["outcomes"] == {"refused": 1}
    assert [one["at"] for one in done["refused"]] == ["rows[0]"]


async def test_a_refused_record_does_not_wait_for_its_child(village: Village) -> None:
    """A record that must be refused is refused at once: nobody would read a refusal after the linking of its child."""
    dry, done = await foreseen_and_done(village, PLAIN + f"a,mia,{AHEAD},Later\nb,mia,2026-06-01,Now\n")
    assert dry == done
    assert done["outcomes"] == {"refused": 1, "waiting": 1}


async def test_a_record_that_a_file_holds_several_times_is_foreseen_as_it_is_recorded(village: Village) -> None:
    """The dry run gives the outcomes of the import: the last row of a record counts, and a repeated row changes nothing."""
    rows = "1,mia,2026-02-28,Ate\n1,mia,2026-03-01,Slept\n1,mia,2026-03-01,Slept well\n1,mia,2026-03-01,Slept well\n"
    dry, done = await foreseen_and_done(village, PLAIN + rows, child=village.child)
    assert dry == done
    assert done["outcomes"] == {"already_recorded": 1, "outdated": 2, "recorded": 1}


async def test_a_record_that_comes_again_far_from_its_first_form_is_foreseen(village: Village) -> None:
    """The dry run gives the outcomes of the import, also if a record comes twice, in different batches."""
    rows = [f"{number},mia,2026-03-01,Nap {number}\n" for number in range(450)]
    dry, done = await foreseen_and_done(village, PLAIN + "".join([*rows, rows[0]]), child=village.child)
    assert dry == done
    assert done["outcomes"] == {"already_recorded": 1, "recorded": 450}


@pytest.mark.parametrize("source", BODY_BY_SOURCE)
async def test_the_counts_of_every_feed_add_up_to_its_rows(village: Village, source: str) -> None:
    as_ = SOURCES[source].media_types[0]
    given = {"reference": "the-child"} if SOURCES[source].needs_reference else {}
    dry, done = await foreseen_and_done(village, BODY_BY_SOURCE[source]().decode(), source, as_=as_, **given)
    assert dry == done
    unreadable = done["unreadable_records"]
    assert unreadable == len(done["unreadable"]) > 0
    assert sum(done["outcomes"].values()) == done["records_of_children"]
    read = SOURCES[source].read(BODY_BY_SOURCE[source](), Hints(reference=given.get("reference")))
    rows_of_children = [one.outcome for one in read if isinstance(one.outcome, tuple)]
    assert sum(map(len, rows_of_children)) == done["records_of_children"]
    assert done["records"] == len(rows_of_children) + sum(done["ignored"].values()) + unreadable


async def test_more_than_a_hundred_unreadable_rows_are_all_counted(village: Village) -> None:
    body = PLAIN + "".join(f"{number},mia,yesterday,Nap\n" for number in range(130)) + "x,mia,2026-03-01,Nap\n"
    _, done = await foreseen_and_done(village, body, child=village.child)
    assert done["outcomes"] == {"recorded": 1}
    assert (done["unreadable_records"], len(done["unreadable"])) == (130, 100)


async def test_the_withdrawal_of_a_record_that_is_left_out_now_is_foreseen_and_counted(village: Village) -> None:
    """The dry run foresees both outcomes. In the earlier file, parents were sent o1 and not o2.

    So the event of o1 is withdrawn, and o2 is ignored.
    """

    def file(*states: str) -> str:
        stages = ",".join(f'{{"state":"{state}","createdAt":"2026-06-0{day + 1}T10:00:00Z"}}' for day, state in enumerate(states))
        sent = f'{{"id":"o1","children":[{{"id":"c1"}}],"remark":{{"body":"Slept well."}},"statuses":[{stages}]}}'
        draft = '{"state":"DRAFT","createdAt":"2026-06-01T10:00:00Z"}'
        never = f'{{"id":"o2","children":[{{"id":"c1"}}],"remark":{{"body":"x"}},"statuses":[{draft}]}}'
        return f'{{"observations":[{sent},{never}]}}'

    first = await imported(village.ada, "famly", file("SENT"), child=village.child)
    assert (first["outcomes"], first["ignored"], first["taken_back"]) == ({"recorded": 1}, {"draft": 1}, 0)
    dry, done = await foreseen_and_done(village, file("SENT", "CHANGES_REQUESTED"), "famly", as_="application/json")
    assert dry == done
    assert (done["outcomes"], done["ignored"], done["taken_back"]) == ({}, {"draft": 2}, 1)


async def test_half_a_character_in_one_record_stops_no_other(village: Village) -> None:
    """Law 17: the other records are recorded, and the record with the lone surrogate is listed."""
    texts = ("Ate soup.", "Cut off in an emoji \\ud83c", "Slept.")
    notes = [f'{{"noteId":"n{number}","createdAt":"2026-06-25T13:00:00Z","sensitive":false,"safeguardingConcern":false,'
             f'"parentVisible":true,"text":"{text}","child":{{"id":"c"}}}}' for number, text in enumerate(texts)]  # fmt: skip
    body = f'{{"childNotes":[{",".join(notes)}]}}'
    dry, done = await foreseen_and_done(village, body, "famly", as_="application/json", child=village.child)
    assert dry == done
    assert (done["outcomes"], done["unreadable_records"]) == ({"recorded": 2}, 1)
    assert done["unreadable"] == [{"at": "childNotes[1].text", "detail": "A text holds half of a character."}]


async def test_a_family_that_is_full_is_refused_by_the_dry_run_too(village: Village, database_url: str) -> None:
    """Law 17: the first import of a source adds a member. In a full family, the import and its dry run are refused."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "INSERT INTO member (family_id, member_id, name, role, household_id, sees, has_left)"
            " SELECT family_id, gen_random_uuid(), name, role, household_id, sees, false FROM member,"
            " generate_series(1, $2) WHERE member_id = $1", UUID(village.sam.member), MEMBERS_MAX,
        )  # fmt: skip
    finally:
        await connection.close()
    for dry_run in ("true", "false"):
        answer = await post_import(village.ada, "plain", PLAIN + "1,mia,2026-03-01,Slept\n", as_="text/csv", dry_run=dry_run)
        assert (answer.status_code, answer.json()["code"]) == (409, "access.too_many")
