"""Defines the errors of the webhook routes. Errors that every route can have are in `service/http/problems.py`."""

from events.errors import Refused


class UrlNotAllowed(Refused):
    """The host of the URL is not public or cannot be resolved, or two parsers might read the URL differently."""

    code, status, title = "webhook.url_not_allowed", 422, "Not an address for a webhook"

    def __init__(self) -> None:
        # The same sentence for all reasons: the exact reason would reveal the operator's network.
        super().__init__(
            "A webhook goes to https://, to a public host by a name that can be found, without user, password or fragment.",
            at="url",
        )
