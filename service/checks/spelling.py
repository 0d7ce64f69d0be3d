"""Checks what is set by environment beyond the form of each value: names that are nobody's, and addresses that lead nowhere."""

import difflib
import os
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from service.checks.finding import Finding
from service.settings import PREFIX, TOKEN, Settings, variable_of

BESIDE: Final = frozenset({TOKEN, *(PREFIX + name for name in ("URL", "KEY_ID", "SECRET"))})
"""Read by the client and the examples of docs/, and by no service."""
OF_CONTAINERS: Final = re.compile(PREFIX + r"(SERVICE_(HOST|PORT(_.*)?)|PORT(_.*)?)")
"""What Kubernetes and Docker set beside a service that is named `stillnew`."""


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """Name the variables that look like ours and are none: spelling mistakes, mostly."""
    known = {*BESIDE, *_names()}
    environment = os.environ if environment is None else environment
    return sorted(
        name
        for name in environment
        if name.startswith(PREFIX) and name not in known and OF_CONTAINERS.fullmatch(name) is None
    )


def check_spelling() -> list[Finding]:
    """Refuse a variable that no setting reads: what was meant by it, such as who may found a family, would not hold."""
    findings = []
    for name in unknown_variables():
        close = difflib.get_close_matches(name, _names(), n=1)
        advice = f"write {close[0]}, or unset it" if close else "unset it, or look for its name in docs/operate.md"
        findings.append(Finding(part="settings", is_fine=False, stops=True, found=f"{name} is no setting of ours", advice=advice))
    return findings


def check_public_url(settings: Settings) -> list[Finding]:
    """Refuse a public address that no link can begin with."""
    if settings.public_url is None or _is_address(settings.public_url):
        return []
    found, advice = "this is no address of a website", "write it as https://stillnew.example"
    return [Finding(part="STILLNEW_PUBLIC_URL", is_fine=False, stops=True, found=found, advice=advice)]


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
    except ValueError:
        return False


def _names() -> list[str]:
    return [variable_of(name) for name in Settings.__struct_fields__]
