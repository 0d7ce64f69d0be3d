"""Defines the refusals of calls about daycares, beside those of every call."""

from events.errors import Refused


class OneFamilysKey(Refused):
    """A family made this key for itself alone: it cannot be linked to other families."""

    code, status, title = "daycare.one_family", 409, "A key of one family"

    def __init__(self) -> None:
        super().__init__("A family made this key for itself alone. To serve several families, make a key with POST /v1/daycares.")


class ReferenceTaken(Refused):
    """The daycare uses this reference for a child of another family already."""

    code, status, title = "daycare.reference_taken", 409, "The reference stands for somebody else"

    def __init__(self) -> None:
        super().__init__("By this reference you mean a child of another family; each child has its own.", at="reference")
