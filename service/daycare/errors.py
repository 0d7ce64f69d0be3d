"""Defines the errors of requests about daycares. Errors that every request can have are in `service/http/problems.py`."""

from events.errors import Refused


class OneFamilysKey(Refused):
    """The key was made for one family alone. A parent's code cannot be redeemed with such a key."""

    code, status, title = "daycare.one_family", 409, "A key of one family"

    def __init__(self) -> None:
        super().__init__("A family made this key for itself alone. To serve several families, make a key with POST /v1/daycares.")


class ReferenceTaken(Refused):
    """The daycare already uses this reference for a child of another family."""

    code, status, title = "daycare.reference_taken", 409, "The reference stands for somebody else"

    def __init__(self) -> None:
        super().__init__("By this reference you mean a child of another family; each child has its own.", at="reference")
