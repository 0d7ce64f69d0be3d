"""What an operator may set, by environment: each setting's name, kind, bounds and default.

Owns the reading of the environment. Nothing else reads it; every other part is handed what it needs.
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

PREFIX: Final = "STILLNEW_"
TOKEN: Final = "STILLNEW_TOKEN"
"""A device's token, for `stillnew handover`: no setting of the service."""

PerSecond = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000)]


class Founding(StrEnum):
    """Who may found a family here."""

    OPEN = "open"
    INVITED = "invited"
    """Only who is somewhere a member already."""
    CLOSED = "closed"


class SettingWrong(ValueError):
    """A variable of the environment cannot be read; the message names it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Each field `x` is the variable STILLNEW_X, beside DATABASE_URL and STILLNEW_DATA."""

    database_url: str | None = None
    """None: an embedded PostgreSQL under `data`."""
    redis_url: str | None = None
    """None: wake-ups stay in the process; several processes then look for news once a second."""
    data: str = "./data"
    public_url: str | None = None
    """Where people reach this service; None: the address that the request named."""
    founding: Founding = Founding.OPEN
    metrics_token: Annotated[str, msgspec.Meta(min_length=16)] | None = None
    """What /metrics asks for as a bearer token. None: it answers nobody."""
    log: Literal["json", "console"] = "json"
    workers: Count = 1
    pool: Annotated[int, msgspec.Meta(ge=2, le=100)] = 10
    """Connections to Postgres a worker, beside the log's own."""

    webhooks_anywhere: bool = False
    """Let webhooks go to http, and to private addresses: for a service within one's own four walls, whose members are trusted."""

    # Requests a second; ten seconds' worth may come at once. 0: no limit. A phone that comes back after a month sends a
    # few dozen pushes and pages; a limit this high only ever meets a program that runs wild.
    limit_push: PerSecond = 100.0
    limit_drafts: PerSecond = 500.0
    """Drafts a second in those pushes: a thirtieth of what one process writes, so that one device cannot fill the log's time."""
    limit_read: PerSecond = 100.0
    limit_access: PerSecond = 10.0
    limit_strangers: PerSecond = 20.0
    """Requests without a valid token, by address: a kindergarten's phones may share one."""

    @property
    def data_dir(self) -> Path:
        """The data directory."""
        return Path(self.data)


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises:
        SettingWrong: a value is of the wrong kind, or out of bounds.
    """
    environment = os.environ if environment is None else environment
    found: dict[str, str] = {}
    for name in Settings.__struct_fields__:
        variable = variable_of(name)
        if environment.get(variable):
            found[name] = environment[variable]
    settings = Settings()
    for name, text in found.items():
        try:
            # One by one, so that the message can name the variable. Nothing of the value: it may be a password.
            settings = msgspec.convert({**msgspec.to_builtins(settings), name: text}, Settings, strict=False)
        except msgspec.ValidationError as error:
            raise SettingWrong(f"{variable_of(name)}: {str(error).partition(' - at')[0]}") from None
    return settings


def token_from(file: Path | None, environment: Mapping[str, str] | None = None) -> str:
    """A device's token: from a file, or else from STILLNEW_TOKEN. Never from the command line, which every `ps` shows.

    Raises:
        SettingWrong: there is none.
    """
    environment = os.environ if environment is None else environment
    if file is None:
        where, token = TOKEN, environment.get(TOKEN, "").strip()
    else:
        try:
            where, token = str(file), file.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingWrong(
                f"{file} cannot be read ({type(error).__name__}): name a file that holds a device's token."
            ) from None
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise SettingWrong(f"{where} holds no token: put a device's token there, or name a file with --token-file.")
    return token


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return "DATABASE_URL" if name == "database_url" else PREFIX + name.upper()
