"""The refusals of webhooks, in addition to those of every route."""

from events.errors import Refused


class UrlNotAllowed(Refused):
    """The address is not public, cannot be found, or is written in a way that two parsers might read differently."""

    code, status, title = "webhook.url_not_allowed", 422, "Not an address for a webhook"

    def __init__(self) -> None:
        # One sentence for all reasons: the exact one would reveal a network from inside.
        super().__init__(
            "A webhook goes to https://, to a public host by a name that can be found, without user, password or fragment.",
            at="url",
        )
