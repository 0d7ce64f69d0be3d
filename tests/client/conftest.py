"""Devices without a service: a file that is paired already, and a world whose clock and dice are known."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from client.device import Device
from client.environment import World
from client.store import Identity, Store
from tests.service.conftest import service_url as service_url

ADA = Identity(
    # Port 9 is discard: nobody answers there, and these tests do not ask.
    base_url="http://127.0.0.1:9",
    token="stillnew-test",
    device=UUID(int=1),
    family=UUID(int=2),
    member=UUID(int=3),
    child=UUID(int=4),
)


def still_world() -> World:
    """A clock that stands, and dice that are known."""
    return World(now=lambda: datetime(2026, 11, 21, 18, 3, 11, tzinfo=UTC), random=random.Random(7))


def paired_file(path: Path, identity: Identity = ADA) -> Path:
    """A device file of Ada's, without asking a service."""
    store = Store(path)
    store.set_identity(identity)
    store.close()
    return path


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    """Ada's device, offline."""
    device = Device.open(paired_file(tmp_path / "ada.device"), world=still_world())
    yield device
    device.store.close()
