"""What the routes of webhooks take and answer, as types. Decides nothing."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec

from events.event import Name
from service.webhooks.retry_policy import Disabled, Failure, State

URL_BYTES_MAX: Final = 2_048


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to post the caller's feed."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=URL_BYTES_MAX)]
    name: Name | None = None


class From(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The place after which the webhook begins. Left out: where the feed stands now."""

    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] | None = None


class WebhookMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new webhook. `secret` is told here, once; `place`: the place after which it begins."""

    webhook: UUID
    url: str
    secret: str
    place: int


class SecretMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new secret, told here, once. Until `both_until` every delivery is signed with this one and the last one."""

    webhook: UUID
    secret: str
    both_until: datetime


class WebhookListed(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of the caller's own.

    `place`: delivered so far. `last`: what became of the last attempt, where it failed. `since`: when the failures began, or
    when it was disabled.
    """

    webhook: UUID
    url: str
    name: str | None
    created_at: datetime
    place: int
    state: State
    since: datetime | None
    next_attempt_at: datetime | None
    last: Failure | None
    why: Disabled | None


class WebhooksListed(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's webhooks, the oldest first. Nobody else is told of them."""

    webhooks: tuple[WebhookListed, ...]
