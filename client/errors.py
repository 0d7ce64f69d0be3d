"""What can go wrong on a device, each with both sides of the quarrel as fields.

Owns the exceptions that a user of `client` meets. Knows no HTTP library and no database. None of these ever
costs a draft: what was recorded stays in the outbox.
"""

from datetime import datetime
from pathlib import Path
from uuid import UUID


class DeviceError(Exception):
    """Any failure that a device tells its user by name."""


class DeviceRevoked(DeviceError):
    """The service itself no longer takes this device's token. The drafts and the mirror stay on the device."""


class ServiceUnreachable(DeviceError):
    """The service gave no answer in as many attempts as patience allows, or asked for a longer wait than that."""

    def __init__(self, *, last_failure: str, attempts: int, retry_after_s: float | None = None) -> None:
        """`retry_after_s`: the wait that the service asked for in its last answer, where it asked."""
        self.last_failure = last_failure
        self.attempts = attempts
        self.retry_after_s = retry_after_s
        asked = "" if retry_after_s is None else f"; asked to wait {retry_after_s:g} s"
        super().__init__(f"no answer after {attempts} attempts: {last_failure}{asked}")


class AnsweredByStranger(ServiceUnreachable):
    """Something on the way answered in the service's place: a proxy, a firewall, the login page of a Wi-Fi.

    It says nothing of the device or of a draft: what was asked waits, and is asked again later.
    """

    def __init__(self, *, status: int, media_type: str, attempts: int, retry_after_s: float | None = None) -> None:
        self.status = status
        self.media_type = media_type
        said = f"status {status} and {media_type or 'no content type'}, which is no answer of the service's"
        super().__init__(last_failure=said, attempts=attempts, retry_after_s=retry_after_s)


class RefusedByService(DeviceError):
    """The service answered with a problem document. `code` is stable; `at` names the field, where there is one."""

    def __init__(self, *, status: int, code: str | None, title: str, detail: str | None, at: str | None) -> None:
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.at = at
        super().__init__(" ".join(part for part in (str(status), code, title, detail, at and f"({at})") if part))


class FeedAhead(RefusedByService):
    """This device holds more of its feed than the service does: the service was restored to an earlier day."""


class FeedDiverged(DeviceError):
    """The service's feed does not continue the feed that this device holds."""

    def __init__(self, *, place: int, expected: str, found: str) -> None:
        """`place`: where the two part. `expected` is what the device holds or waits for, `found` what was sent."""
        self.place = place
        self.expected = expected
        self.found = found
        super().__init__(f"the feed parts at place {place}: expected {expected}, found {found}")


class LogChanged(DeviceError):
    """The service answers from another incarnation of the log than this device follows: it was restored."""

    def __init__(self, *, followed: str, answered: str) -> None:
        self.followed = followed
        self.answered = answered
        super().__init__(f"the log was {followed} and is now {answered}")


class ServiceMisspoke(DeviceError):
    """An answer that breaks the protocol. Nothing of it was kept."""


class DraftTooLarge(DeviceError):
    """One draft is longer than the service ever takes. It was not recorded."""

    def __init__(self, *, size_bytes: int, size_bytes_max: int) -> None:
        self.size_bytes = size_bytes
        self.size_bytes_max = size_bytes_max
        super().__init__(f"a draft of {size_bytes} bytes; at most {size_bytes_max} are taken")


class DraftIdReused(DeviceError):
    """A draft of this id was recorded before, with other content. The first one stands."""

    def __init__(self, *, draft: UUID) -> None:
        self.draft = draft
        super().__init__(f"the id {draft} already names another draft")


class NaiveTime(DeviceError):
    """A time without an offset says nothing in a family with two homes. Give it a tzinfo."""

    def __init__(self, *, given: datetime) -> None:
        self.given = given
        super().__init__(f"{given.isoformat()} has no offset")


class AlreadyPaired(DeviceError):
    """This file is a device already. Another family, or another person, wants another file."""

    def __init__(self, *, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} is a device already")


class NotPaired(DeviceError):
    """There is no device in this file: found a family, accept an invite or pair first."""

    def __init__(self, *, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} holds no device yet")
