"""Defines the errors of the access routes. Errors that every route can have are in `service/http/problems.py`."""

from events.errors import Refused


class FoundingClosed(Refused):
    """The operator's settings do not allow this caller to found a family."""

    code, status, title = "access.founding_closed", 403, "No new families here"


class NotForRole(Refused):
    """The caller's role does not allow this request."""

    code, status, title = "access.not_for_role", 403, "Not for your role"


class NotYoursToRemove(Refused):
    """The caller may not end this membership.

    A member may leave, and a parent may remove caregivers and daycares of the parent's household.
    """

    code, status, title = "access.not_yours_to_remove", 403, "Not yours to remove"


class NotYoursToRename(Refused):
    """The caller may not rename this member or this home.

    A member may change their own name. A person may rename their home, and a parent may rename daycares of that home.
    """

    code, status, title = "access.not_yours_to_rename", 403, "Not yours to rename"


class BirthDateOutOfRange(Refused):
    """The birth date is more than thirty years ago, or more than ten months ahead."""

    code, status, title = "access.birth_date_out_of_range", 422, "That birth date cannot be"


class NotYourHousehold(Refused):
    """The invite names another household than the inviter's own. Only an invite of a parent may name a new household."""

    code, status, title = "access.not_your_household", 422, "Not your household"


class CannotSeeThat(Refused):
    """The requested visibility is not allowed for a daycare, because a daycare sees only its own events."""

    code, status, title = "access.sees_not_allowed", 422, "Not for this role to see"


class CodeUnusable(Refused):
    """The code is unknown, used or expired. The response is the same in all three cases."""

    code, status, title = "access.code_unusable", 404, "The code does not work"

    def __init__(self) -> None:
        super().__init__("This code does not work, or no longer. Ask for a new one.", at="code")


class AlreadyMember(Refused):
    """The person of the token is already a member of the inviting family. The code of the invite stays valid."""

    code, status, title = "access.already_member", 409, "Already a member"


class LastParent(Refused):
    """The last parent cannot leave: without a parent, no one could invite, export or erase."""

    code, status, title = "access.last_parent", 409, "The last parent"


class TooMany(Refused):
    """The request would exceed a bound of the family or of the person."""

    code, status, title = "access.too_many", 409, "Too many"


class ChoiceRefused(Refused):
    """A surprise choice of the joining person is invalid, for example because of an unknown child. The person did not join."""

    code, status, title = "access.choice_refused", 422, "That cannot be chosen"
