"""Defines the errors that the sender of a request can correct. Each error has a stable code, and may name a field."""

from typing import ClassVar


class Refused(Exception):
    """The service refuses the request; nothing was changed.

    Subclasses set `code` (stable, for programs), `status` (HTTP) and `title`. `detail` is for people; `at` is the field's path.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str, *, at: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.at = at


class BodyMalformed(Refused):
    """The body is not a valid JSON or MessagePack value of the expected shape."""

    code, status, title = "body.malformed", 400, "The body cannot be read"


class FieldInvalid(Refused):
    """A field is missing, unknown, of the wrong type or out of bounds."""

    code, status, title = "body.invalid", 400, "A field is not as it should be"


class DuplicateKey(Refused):
    """An object contains the same key twice."""

    code, status, title = "body.duplicate_key", 400, "A key stands twice"


class TextHasNul(Refused):
    """A text contains the character NUL."""

    code, status, title = "body.nul", 400, "A text holds NUL"


class BodyTooDeep(Refused):
    """Objects and lists are nested more than 16 levels deep."""

    code, status, title = "body.too_deep", 400, "Nested too deeply"


class DraftIdNotV7(Refused):
    """The draft's id is not a UUID of version 7."""

    code, status, title = "draft.id_not_v7", 422, "The draft's id is not a UUID of version 7"


class DraftTooLarge(Refused):
    """The draft is larger than 64 KiB."""

    code, status, title = "draft.too_large", 413, "The draft is too large"


class TimeOutOfRange(Refused):
    """A time is before 1900 or more than a day ahead of the server's clock."""

    code, status, title = "draft.time_out_of_range", 422, "That time cannot be"


class IdReused(Refused):
    """The author has already sent other content with this id. The first content remains in the log."""

    code, status, title = "event.id_reused", 409, "The id stands for other content"


class UnknownTarget(Refused):
    """The target does not exist, or the author may not see it. The response is the same in both cases."""

    code, status, title = "event.unknown_target", 422, "No such event"


class UnknownChild(Refused):
    """The family has no such child."""

    code, status, title = "event.unknown_child", 422, "No such child"


class UnknownMilestone(Refused):
    """Neither the catalogue nor the family has such a milestone."""

    code, status, title = "event.unknown_milestone", 422, "No such milestone"


class UnknownClip(Refused):
    """The author has no finished upload with this id."""

    code, status, title = "event.unknown_clip", 422, "No such clip"


class ClipNotReady(Refused):
    """The author's upload with this id is not cleaned yet. Only its uploader gets this code: send the draft again in a moment."""

    code, status, title = "event.clip_not_ready", 409, "The clip is not ready yet"


class ClipRefused(Refused):
    """The author's upload with this id was refused when it was cleaned. Only its uploader gets this code."""

    code, status, title = "event.clip_refused", 422, "The clip cannot be shown"


class RoleMayNot(Refused):
    """The author's role may not write events of this type."""

    code, status, title = "event.role_may_not", 403, "Not for this role"


class AudienceNotAllowed(Refused):
    """The draft states an audience that its type does not allow.

    If the type takes the audience of its target, a draft may state no audience. A few types allow only their default audience.
    """

    code, status, title = "event.audience_not_allowed", 422, "The audience is not the draft's to choose"


class NotTheAuthor(Refused):
    """The draft amends or withdraws an event of another author."""

    code, status, title = "event.not_the_author", 403, "Written by somebody else"


class DomainIsChosen(Refused):
    """The draft names one of the family's own milestones again, and gives it another domain than its first name did."""

    code, status, title = "event.domain_is_chosen", 422, "The domain is chosen once"


class NotAmendable(Refused):
    """Events of this type cannot be amended or withdrawn, or the field cannot be amended."""

    code, status, title = "event.not_amendable", 422, "That cannot be amended"


class CompletedByService(Refused):
    """The draft sets a field that only the service fills in."""

    code, status, title = "event.completed_by_service", 422, "Not for the device to say"
