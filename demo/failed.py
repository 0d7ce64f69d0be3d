"""How the demo fails: one clear sentence, and what to do next."""


class DemoFailed(Exception):
    """The demo cannot go on. `what` happened, and what to do `next`."""

    def __init__(self, what: str, *, next: str) -> None:
        super().__init__(f"{what} {next}")
        self.what = what
        self.next = next
