"""Defines the exceptions of `client`. Their fields contain the details, such as the expected and the actual value.

No error loses a draft: a draft that was recorded stays in the outbox. Does not know the HTTP library or the database.
"""

from datetime import datetime
from pathlib import Path
from uuid import UUID


class DeviceError(Exception):
    """The base class of all errors of this package."""


class DeviceRevoked(DeviceError):
    """The service rejects this device's token. The drafts and the mirror stay on the device."""


class ServiceUnreachable(DeviceError):
    """The service did not answer within the allowed attempts, or requested a longer wait than the device allows."""

    def __init__(self, *, last_failure: str, attempts: int, retry_after_s: float | None = None) -> None:
        """Makes the error. `retry_after_s`: the wait in seconds that the last response requested, or None."""
        self.last_failure = last_failure
        self.attempts = attempts
        self.retry_after_s = retry_after_s
        asked = "" if retry_after_s is None else f"; asked to wait {retry_after_s:g} s"
        super().__init__(f"no answer after {attempts} attempts: {last_failure}{asked}")


class AnsweredByIntermediary(ServiceUnreachable):
    """An intermediary answered instead of the service: a proxy, a firewall or the login page of a Wi-Fi network.

    The response does not concern the device or a draft: the request can be sent again later.
    """

    def __init__(self, *, status: int, media_type: str, attempts: int, retry_after_s: float | None = None) -> None:
        self.status = status
        self.media_type = media_type
        failure = f"status {status} and {media_type or 'no content type'}, which is no answer of the service's"
        super().__init__(last_failure=failure, attempts=attempts, retry_after_s=retry_after_s)


class RefusedByService(DeviceError):
    """The service answered with a problem document. `code` is stable; `at` is the path of the field, or None."""

    def __init__(self, *, status: int, code: str | None, title: str, detail: str | None, at: str | None) -> None:
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.at = at
        super().__init__(" ".join(part for part in (str(status), code, title, detail, at and f"({at})") if part))


class FeedAhead(RefusedByService):
    """The device has more entries of its feed than the service, because the service was restored from a backup."""


class FeedDiverged(DeviceError):
    """The feed of the service differs from the entries that this device has stored."""

    def __init__(self, *, place: int, expected: str, found: str) -> None:
        """Makes the error. `place`: the first place with a difference.

        `expected` describes the device's entry at this place, `found` the service's entry.
        """
        self.place = place
        self.expected = expected
        self.found = found
        super().__init__(f"the feed parts at place {place}: expected {expected}, found {found}")


class LogChanged(DeviceError):
    """The service states another log id than the one that this device follows, because it was restored from a backup."""

    def __init__(self, *, followed: str, answered: str) -> None:
        self.followed = followed
        self.answered = answered
        super().__init__(f"the log was {followed} and is now {answered}")


class ServiceMisspoke(DeviceError):
    """A response violates the protocol. The device stored nothing of this response."""


class DraftTooLarge(DeviceError):
    """A draft is larger than the service accepts. The device did not record it."""

    def __init__(self, *, size_bytes: int, size_bytes_max: int) -> None:
        self.size_bytes = size_bytes
        self.size_bytes_max = size_bytes_max
        super().__init__(f"a draft of {size_bytes} bytes; at most {size_bytes_max} are taken")


class DraftIdReused(DeviceError):
    """A draft with this id and other content was recorded before. The draft that was recorded first stays as it is."""

    def __init__(self, *, draft: UUID) -> None:
        self.draft = draft
        super().__init__(f"the id {draft} already names another draft")


class NaiveTime(DeviceError):
    """A time has no offset from UTC. A family can have homes in two time zones, so each time needs a tzinfo."""

    def __init__(self, *, given: datetime) -> None:
        self.given = given
        super().__init__(f"{given.isoformat()} has no offset")


class AlreadyPaired(DeviceError):
    """The file already contains a device. Use another file for another family or person."""

    def __init__(self, *, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} is a device already")


class NotPaired(DeviceError):
    """The file does not contain a device yet: found a family, accept an invite or pair first."""

    def __init__(self, *, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} holds no device yet")
