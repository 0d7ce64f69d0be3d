"""Defines the demo's error: one clear sentence, and what to do next."""


class DemoFailed(Exception):
    """The demo cannot continue. `what` is a sentence with the cause, `next` a sentence with what the user can do."""

    def __init__(self, what: str, *, next: str) -> None:
        super().__init__(f"{what} {next}")
        self.what = what
        self.next = next
