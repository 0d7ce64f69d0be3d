"""Checks the names of the environment variables, and whether the public URL can be the start of a link."""

import difflib
import os
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from service.checks.finding import Finding
from service.settings import PREFIX, TOKEN, Settings, variable_of

OF_CLIENTS: Final = frozenset({TOKEN, *(PREFIX + name for name in ("URL", "KEY_ID", "SECRET"))})
"""Variables that the client and the examples in docs/ read, but not the service."""
OF_CONTAINERS: Final = re.compile(PREFIX + r"(SERVICE_(HOST|PORT(_.*)?)|PORT(_.*)?)")
"""Variables that Kubernetes and Docker set in containers if a service has the name `stillnew`."""


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """Returns the variables with our prefix that no setting reads. Usually, the name of such a variable is misspelled."""
    known = {*OF_CLIENTS, *_names()}
    environment = os.environ if environment is None else environment
    return sorted(
        name
        for name in environment
        if name.startswith(PREFIX) and name not in known and OF_CONTAINERS.fullmatch(name) is None
    )


def check_spelling() -> list[Finding]:
    """Returns a finding for each variable that no setting reads.

    Such a finding stops the service: otherwise the operator's intended setting would have no effect.
    """
    findings = []
    for name in unknown_variables():
        close = difflib.get_close_matches(name, _names(), n=1)
        advice = f"write {close[0]}, or unset it" if close else "unset it, or look for its name in docs/operate.md"
        findings.append(Finding(part="settings", is_fine=False, stops=True, found=f"{name} is no setting of ours", advice=advice))
    return findings


def check_public_url(settings: Settings) -> list[Finding]:
    """Returns a finding if the public URL cannot be the start of a link."""
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
