"""Defines the settings of an operator, as environment variables: the name, type, bounds and default of each setting.

Owns the reading of the environment. Every other part receives its settings as arguments.
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

PREFIX: Final = "STILLNEW_"
TOKEN: Final = "STILLNEW_TOKEN"
"""The variable with a device's token for client commands, such as `stillnew handover`. The service does not read it."""

PerSecond = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000)]


class Founding(StrEnum):
    """The callers who may found a family."""

    OPEN = "open"
    INVITED = "invited"
    """Only persons who already have a device token."""
    CLOSED = "closed"


class SettingWrong(ValueError):
    """A setting is missing or invalid; the message names the setting."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings. A field `x` is the variable STILLNEW_X, except that `database_url` is DATABASE_URL."""

    database_url: str | None = None
    """The URL of the PostgreSQL database. If it is None, an embedded PostgreSQL runs in the folder `data`."""
    redis_url: str | None = None
    """The URL of the Redis that carries notifications between processes. If it is None, notifications stay within a process. If
    there are several workers then, each worker polls the database once a second."""
    data: str = "./data"
    public_url: str | None = None
    """The public URL of this service, for links. If it is None, links use the host of the request."""
    founding: Founding = Founding.OPEN
    metrics_token: Annotated[str, msgspec.Meta(min_length=16)] | None = None
    """The bearer token for /metrics. If it is None, /metrics is always 404."""
    log: Literal["json", "console"] = "json"
    workers: Count = 1
    pool: Annotated[int, msgspec.Meta(ge=2, le=100)] = 10
    """The maximum number of connections in the pool of one worker. The committers of the log have connections of their own."""

    clips_bucket: str | None = None
    """The S3 bucket for clips. None: a folder in `data`."""
    clips_endpoint: str | None = None
    """The address of the S3 service. None: that of the region."""
    clips_region: str = "us-east-1"
    clips_key_id: str | None = None
    clips_secret: str | None = None
    clips_second_films: bool = True
    """Whether films in HEVC get a second film in H.264, which every browser plays. It takes about a second of one core for each
    second of film."""
    clips_gib_per_member: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 20
    """The space in GiB for the clips that one member uploads to a family."""

    webhooks_anywhere: bool = False
    """Whether webhooks may use http and private addresses. This is safe only in a private network with trusted members."""

    # The limits are in requests per second; the requests of ten seconds may arrive at once. 0: no limit. A phone that was offline
    # for a month sends a few dozen pushes and pages, so limits this high only affect programs that are out of control.
    limit_push: PerSecond = 100.0
    limit_drafts: PerSecond = 500.0
    """The limit of drafts per second and device: 1/30 of what one process can write, so that no single device takes all of it."""
    limit_read: PerSecond = 100.0
    limit_access: PerSecond = 10.0
    limit_strangers: PerSecond = 20.0
    """The limit of requests per second and address, without a valid token. All phones of a kindergarten may share one address."""

    @property
    def data_dir(self) -> Path:
        """The data directory as a path."""
        return Path(self.data)


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Reads the settings from the environment.

    Raises:
        SettingWrong: a value has the wrong type, or is out of bounds.
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
            # One by one, so that the message can name the variable. It never contains the value, which may be a password.
            settings = msgspec.convert({**msgspec.to_builtins(settings), name: text}, Settings, strict=False)
        except msgspec.ValidationError as error:
            raise SettingWrong(f"{variable_of(name)}: {str(error).partition(' - at')[0]}") from None
    return settings


def token_from(file: Path | None, environment: Mapping[str, str] | None = None) -> str:
    """Reads a device's token from a file, or from STILLNEW_TOKEN if `file` is None.

    A token on the command line would be visible to other users in `ps`.

    Raises:
        SettingWrong: the token is missing or invalid, or the file cannot be read.
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
    """Returns the name of the environment variable of a setting."""
    return "DATABASE_URL" if name == "database_url" else PREFIX + name.upper()
