"""The bodies of requests and responses of the webhooks' routes. Decides nothing."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec

from events.event import Name
from service.webhooks.retry_policy import Disabled, Failure, State

URL_BYTES_MAX: Final = 2_048


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for a webhook: the address to which the caller's feed is posted."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=URL_BYTES_MAX)]
    name: Name | None = None


class From(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The place after which the webhook begins; by default the feed's present end."""

    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] | None = None


class WebhookMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new webhook. `secret` is returned here and never again; `place`: the place after which it begins."""

    webhook: UUID
    url: str
    secret: str
    place: int


class SecretMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new secret, returned here and never again. Until `both_until` deliveries are signed with it and with the last one."""

    webhook: UUID
    secret: str
    both_until: datetime


class WebhookListed(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of the caller.

    `place`: the last delivered place. `last`: why the last attempt failed, if it did. `since`: when the failures began, or when
    it was disabled. `why`: the reason for disabling it.
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
    """The caller's webhooks, the oldest first. They are visible to nobody else."""

    webhooks: tuple[WebhookListed, ...]
