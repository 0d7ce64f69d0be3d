"""Tests that the migrations bring an empty database to this release, and that each is applied once."""

from service.postgres.migrate import FOLDER, migrate, pending


async def test_an_empty_database_gets_every_migration_once(empty_database_url: str) -> None:
    shipped = sorted(path.stem for path in FOLDER.glob("*.sql"))
    assert await pending(empty_database_url) == shipped
    assert await migrate(empty_database_url) == shipped
    assert await migrate(empty_database_url) == []
    assert await pending(empty_database_url) == []
