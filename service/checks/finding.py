"""Defines the result of a check. Owns the form of a finding and the refusal to start; runs no check itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The state of one part of the setup, with advice if something is wrong.

    `is_fine` is None if the finding only informs. `stops` states whether the service refuses to start, because requests would
    fail until the problem is repaired.
    """

    part: str
    is_fine: bool | None
    found: str
    advice: str = ""
    stops: bool = False

    @property
    def sentence(self) -> str:
        """The finding as one line of text."""
        return f"{self.part}: {self.found}; {self.advice}."


class CannotStart(RuntimeError):
    """The service cannot start with this setup. The message is one sentence with the cause and the remedy."""


def refuse_what_stops(findings: Iterable[Finding]) -> None:
    """Refuses the start if a finding stops the service.

    Raises:
        CannotStart: a finding stops the service. The message is the first such finding as one sentence.
    """
    for finding in findings:
        if finding.stops:
            raise CannotStart(finding.sentence)


def place_of(url: str) -> str:
    """Returns the host, port and path of a URL, without user and password."""
    try:
        parts = urlsplit(url)
        if not parts.scheme or (not parts.netloc and "//" not in url):
            return "(an address that cannot be read)"
        return f"{parts.hostname or 'local socket'}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        return "(an address that cannot be read)"
