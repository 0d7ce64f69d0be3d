"""Explains an error of a connection to PostgreSQL, or of a start of PostgreSQL, in one sentence with a remedy.

Owns the sentences. Never repeats an error's own message, which may contain a password or a row.
"""

import socket
import ssl
from typing import Final

import asyncpg

from service.checks.finding import Finding, place_of

CHECK_URL: Final = "check DATABASE_URL, and that the server runs"

# From the specific to the general: the first match is used.
WHY: Final[tuple[tuple[type[Exception], str, str], ...]] = (
    (asyncpg.exceptions.ClientConfigurationError, "the address cannot be read",
     "write it as DATABASE_URL=postgresql://user:password@host:5432/name"),
    (asyncpg.InvalidCatalogNameError, "there is no such database", "create it, or mend its name in DATABASE_URL"),
    (asyncpg.InvalidPasswordError, "refuses the password", "mend user and password in DATABASE_URL"),
    (asyncpg.InvalidAuthorizationSpecificationError, "refuses the login",
     "mend the user in DATABASE_URL, or let it in by the server's pg_hba.conf"),
    (asyncpg.TooManyConnectionsError, "takes no more connections",
     "close others or raise its max_connections: each worker takes STILLNEW_POOL and two more"),
    (asyncpg.DiskFullError, "its disk is full", "make room there"),
    (asyncpg.OutOfMemoryError, "has no memory left", "give it more, or fewer connections"),
    (asyncpg.CannotConnectNowError, "is starting or stopping", "try again when it is up"),
    (asyncpg.ReadOnlySQLTransactionError, "is read-only", "name the primary server in DATABASE_URL"),
    (asyncpg.InsufficientPrivilegeError, "does not let this login do what the service does",
     "name the owner of the database in DATABASE_URL"),
    (asyncpg.ProtocolViolationError, "refuses the connection", "check DATABASE_URL, and the settings of a pool in front of it"),
    (asyncpg.QueryCanceledError, "cancels statements before they are done",
     "raise statement_timeout and lock_timeout of its login"),
    (ssl.SSLError, "does not agree on TLS", "check sslmode in DATABASE_URL, and the server's certificate"),
    (TimeoutError, "does not answer in time", CHECK_URL),
    (ConnectionRefusedError, "nobody listens there", CHECK_URL),
    (FileNotFoundError, "there is no such socket", CHECK_URL),
    (socket.gaierror, "its host is not known by that name", CHECK_URL),
)  # fmt: skip

UNREACHABLE: Final[tuple[type[Exception], ...]] = (
    *(kind for kind, _, _ in WHY), OSError, asyncpg.PostgresConnectionError, asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
)  # fmt: skip
"""Errors that are caused by the server, the database or the login, and not by the statement."""


def unreachable(database_url: str, error: BaseException) -> Finding:
    """Returns the finding for an error that a database raised. The finding stops the service."""
    known = next(((found, advice) for kind, found, advice in WHY if isinstance(error, kind)), None)
    found, advice = known or (f"does not answer ({type(error).__name__})", CHECK_URL)
    return Finding(part=f"database {place_of(database_url)}", is_fine=False, found=found, advice=advice, stops=True)
