"""What access refuses, beside what every route does."""

from events.errors import Refused


class FoundingClosed(Refused):
    """The operator lets nobody, or nobody without an invite, found a family here."""

    code, status, title = "access.founding_closed", 403, "No new families here"


class NotForRole(Refused):
    """The caller's role may not do this."""

    code, status, title = "access.not_for_role", 403, "Not for your role"


class NotYoursToRemove(Refused):
    """A member removes themselves, or a caregiver or daycare of their own household; nobody removes a parent."""

    code, status, title = "access.not_yours_to_remove", 403, "Not yours to remove"


class NotYoursToRename(Refused):
    """One renames oneself, one's own home, and a daycare of it where one is a parent."""

    code, status, title = "access.not_yours_to_rename", 403, "Not yours to rename"


class BirthDateOutOfRange(Refused):
    """A child was born within the last thirty years, or will be within ten months."""

    code, status, title = "access.birth_date_out_of_range", 422, "That birth date cannot be"


class NotYourHousehold(Refused):
    """A member is invited into the inviter's own household, or, as a parent, into a new one."""

    code, status, title = "access.not_your_household", 422, "Not your household"


class CannotSeeThat(Refused):
    """A daycare sees its own entries only."""

    code, status, title = "access.sees_not_allowed", 422, "Not for this role to see"


class CodeUnusable(Refused):
    """Nobody made this code, or it was used, or it has expired: alike."""

    code, status, title = "access.code_unusable", 404, "The code does not work"

    def __init__(self) -> None:
        super().__init__("This code does not work, or no longer. Ask for a new one.", at="code")


class AlreadyMember(Refused):
    """The person of this token is a member of that family already. The code can still be used."""

    code, status, title = "access.already_member", 409, "Already a member"


class LastParent(Refused):
    """The last parent cannot leave: nobody could invite, export or erase any more what is kept of the children."""

    code, status, title = "access.last_parent", 409, "The last parent"


class TooMany(Refused):
    """A bound of the family or of the person is reached."""

    code, status, title = "access.too_many", 409, "Too many"


class ChoiceRefused(Refused):
    """A choice of surprise names something that this family does not have. Nothing was joined."""

    code, status, title = "access.choice_refused", 422, "That cannot be chosen"
