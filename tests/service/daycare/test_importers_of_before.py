"""Tests importers from before migration 0013, when the parents shared one importer for each source: its events stay."""

from pathlib import Path

import asyncpg
import httpx

from service.postgres.migrate import migrate
from service.settings import Settings
from tests.conftest import execute
from tests.service.conftest import UNLIMITED, found_family, running
from tests.service.daycare.conftest import events_by
from tests.service.daycare.test_imports import imported

FILE = "id,child,occurred_at,text\n1,mia,2026-03-01T10:00,Slept well\n2,mia,2026-03-01T11:00,Ate peas\n"
MIGRATION = Path(__file__).parents[3] / "migrations" / "0013_importers.sql"


def rollback() -> str:
    return MIGRATION.read_text().partition("-- migrate: rollback")[2]


async def test_an_earlier_importer_belongs_to_the_parent_who_made_it(database_url: str) -> None:
    """Law 16: the importer belongs to Ben, who imported first. When he imports the file again, nothing is written."""
    settings = Settings(database_url=database_url, **UNLIMITED)
    with running(settings) as url:
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            ada = await found_family(http)
            ben = await ada.invite("parent", name="Ben", household={"name": "Ben's"})
            child = (await ada.ask("GET", "/v1/families/{family}")).json()["children"][0]["child"]
            first = await imported(ben, "plain", FILE, as_="text/csv", child=child)
    # The ids of these events contain a secret; before the migration ids had none. The copied secret stands in for that.
    await execute(database_url, f"CREATE TABLE secret_of_now AS TABLE family_secret; {rollback()}")
    await execute(database_url, "DELETE FROM _pogo_migration WHERE migration_id = '0013_importers'")
    assert await migrate(database_url) == ["0013_importers"]
    await execute(database_url, "INSERT INTO family_secret TABLE secret_of_now")
    with running(settings) as url:
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            for parent in (ada, ben):
                parent.http = http
            own = await imported(ben, "plain", FILE, as_="text/csv", child=child)
            assert (own["member"], own["outcomes"]) == (first["member"], {"already_recorded": 2})
            other = await imported(ada, "plain", FILE, as_="text/csv", child=child)
            assert (other["member"] == first["member"], other["outcomes"]) == (False, {"recorded": 2})
            assert [one["text"] for one in await events_by(ada, first["member"])] == ["Slept well", "Ate peas"]
            assert await events_by(ada, other["member"]) == []


async def test_the_migration_can_be_taken_back(empty_database_url: str) -> None:
    await migrate(empty_database_url)
    await execute(empty_database_url, rollback())
    connection = await asyncpg.connect(empty_database_url)
    try:
        columns = await connection.fetch("SELECT column_name FROM information_schema.columns WHERE table_name = 'importer'")
    finally:
        await connection.close()
    assert {row[0] for row in columns} == {"family_id", "source", "person_id"}
