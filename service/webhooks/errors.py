"""What webhooks refuse, beside what every route does."""

from events.errors import Refused


class UrlNotAllowed(Refused):
    """The address is not a public one, cannot be found, or is written in a way that has two readings: alike."""

    code, status, title = "webhook.url_not_allowed", 422, "Not an address for a webhook"

    def __init__(self) -> None:
        # One sentence for all of it: which of them it was would tell what a network looks like from inside.
        super().__init__(
            "A webhook goes to https://, to a public host by a name that can be found, without user, password or fragment.",
            at="url",
        )
