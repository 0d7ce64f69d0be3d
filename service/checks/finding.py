"""States what one check found. Owns the form of a finding, and the refusal of one that stops the service; looks at nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One part: how it is, and what to do where it is not well. `is_fine` None: worth knowing, no fault.

    `stops`: the service does not start on it, because requests would fail for as long as it is so.
    """

    part: str
    is_fine: bool | None
    found: str
    advice: str = ""
    stops: bool = False

    @property
    def sentence(self) -> str:
        """The finding for one line of text."""
        return f"{self.part}: {self.found}; {self.advice}."


class CannotStart(RuntimeError):
    """The service does not start on what it was given; the message names the cause and the remedy, in one sentence."""


def refuse_what_stops(findings: Iterable[Finding]) -> None:
    """Refuse to start at the first finding that stops the service.

    Raises:
        CannotStart
    """
    for finding in findings:
        if finding.stops:
            raise CannotStart(finding.sentence)


def place_of(url: str) -> str:
    """The host, port and name of an address, without user and password."""
    try:
        parts = urlsplit(url)
        if not parts.scheme or (not parts.netloc and "//" not in url):
            return "(an address that cannot be read)"
        return f"{parts.hostname or 'local socket'}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        return "(an address that cannot be read)"
