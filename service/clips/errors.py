"""Defines the refusals of the routes of clips."""

from events.errors import Refused
from service.http.problems import RefusedWithHeaders


class TooManyUploads(Refused):
    """The member has as many unfinished uploads as a member may have."""

    code, status, title = "clip.too_many_uploads", 429, "Too many unfinished uploads"

    def __init__(self, *, uploads_max: int) -> None:
        super().__init__(f"A member has at most {uploads_max} unfinished uploads. Finish or end one of them first.")


class ClipBytesExceeded(Refused):
    """The member's own clips would take more than their space."""

    code, status, title = "clip.no_space_left", 413, "Your clips take too much space"

    def __init__(self, *, bytes_max: int) -> None:
        super().__init__(f"The clips of one member take at most {bytes_max} bytes here. Withdraw some of them first.")


class ClipTooLarge(Refused):
    """The stated length is more than a clip of this kind may have."""

    code, status, title = "clip.too_large", 413, "The clip is too large"

    def __init__(self, *, kind: str, bytes_max: int) -> None:
        super().__init__(f"A {kind} has at most {bytes_max} bytes.", at="upload-length")
        self.bytes_max = bytes_max


class UploadsAtOnce(Refused):
    """The device sends bytes of as many uploads at the same time as a device may."""

    code, status, title = "clip.uploads_at_once", 429, "Too many uploads at once"

    def __init__(self, *, uploads_max: int) -> None:
        super().__init__(f"A device sends the bytes of at most {uploads_max} uploads at the same time.")


class OffsetWrong(RefusedWithHeaders):
    """The upload has received another number of bytes. `offset` is the true one."""

    code, status, title = "clip.offset_wrong", 409, "Another offset"

    def __init__(self, *, offset: int) -> None:
        super().__init__(f"The upload has {offset} bytes. Send those from there on.", at="upload-offset")
        self.offset = offset
        self.headers = ((b"upload-offset", b"%d" % offset),)


class RangeUnsatisfiable(RefusedWithHeaders):
    """The requested range begins behind the end of the file (RFC 9110, section 15.5.17)."""

    code, status, title = "clip.range", 416, "No such range"

    def __init__(self, *, length: int) -> None:
        super().__init__(f"The file has {length} bytes.", at="range")
        self.headers = ((b"content-range", b"bytes */%d" % length),)


class TooManyBytes(Refused):
    """More bytes were sent than the upload's length allows. The bytes up to its length were kept."""

    code, status, title = "clip.longer_than_stated", 413, "Longer than stated"

    def __init__(self, *, length: int) -> None:
        super().__init__(f"The upload was created with a length of {length} bytes.", at="upload-length")


class ChecksumWrong(Refused):
    """The bytes of a request are not those of its checksum. None of them was kept."""

    code, status, title = "clip.checksum_wrong", 460, "The bytes changed on the way"

    def __init__(self) -> None:
        super().__init__("The checksum is that of other bytes. Send these bytes again.", at="upload-checksum")


class DiskFull(Refused):
    """The service has no room for more bytes. The bytes up to the offset are kept."""

    code, status, title = "clip.disk_full", 507, "No room at the moment"

    def __init__(self) -> None:
        super().__init__("The service has no room at the moment. Ask for the offset and go on later.")


class TusVersionWrong(RefusedWithHeaders):
    """The request names no version of tus, or another one than 1.0.0."""

    code, status, title = "clip.tus_version", 412, "Another version of tus"
    headers = ((b"tus-version", b"1.0.0"),)

    def __init__(self) -> None:
        super().__init__("The header Tus-Resumable must be 1.0.0.", at="tus-resumable")


class TusHeaderInvalid(Refused):
    """A header of tus is missing, is sent twice, or has no valid value."""

    code, status, title = "clip.tus_header", 400, "A header of tus is not valid"

    def __init__(self, detail: str, *, at: str) -> None:
        super().__init__(detail, at=at)


class TusExtensionUnsupported(Refused):
    """The request uses an extension of tus that the service does not have."""

    code, status, title = "clip.tus_extension", 400, "Not supported"

    def __init__(self, name: str, *, at: str) -> None:
        super().__init__(f"{name} is not supported. OPTIONS lists the supported extensions.", at=at)
