"""Defines the types of the requests and responses of the webhook routes. Decides nothing."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec

from events.event import Name
from service.webhooks.retry_policy import Disabled, Failure, State

URL_BYTES_MAX: Final = 2_048


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to make a webhook. The caller's feed is posted to `url`."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=URL_BYTES_MAX)]
    name: Name | None = None


class From(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The place in the feed after which the webhook begins to send. The default is the present end of the feed."""

    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] | None = None


class WebhookMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new webhook. No other response contains its `secret`. The webhook sends the entries after `place` in the feed."""

    webhook: UUID
    url: str
    secret: str
    place: int


class SecretMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new secret of a webhook. No other response contains the new secret.

    Until `both_until`, the previous secret signs requests, too.
    """

    webhook: UUID
    secret: str
    both_until: datetime


class WebhookListed(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of the caller.

    `place` is the place in the feed of the last delivered entry. `since` is the time when the failures began, or when the webhook
    was disabled. `last` is the reason why the last attempt failed; null if the last attempt did not fail. `why` is the reason why
    the webhook was disabled.
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
    """The caller's webhooks, the oldest first. Nobody else can see these webhooks."""

    webhooks: tuple[WebhookListed, ...]
