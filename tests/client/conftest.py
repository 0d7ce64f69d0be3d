"""Provides devices without a service: the file of a paired device, and a `World` with a fixed clock and seeded random numbers."""

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
    # Port 9 (discard) does not respond, and these tests send no request.
    base_url="http://127.0.0.1:9",
    token="stillnew-test",
    device=UUID(int=1),
    family=UUID(int=2),
    member=UUID(int=3),
    child=UUID(int=4),
)


def fixed_world() -> World:
    """Returns a `World` (the environment of a device) with a fixed clock and seeded random numbers."""
    return World(now=lambda: datetime(2026, 11, 21, 18, 3, 11, tzinfo=UTC), random=random.Random(7))


def paired_file(path: Path, identity: Identity = ADA) -> Path:
    """Creates the file of a paired device without a request to the service, and returns its path."""
    store = Store(path)
    store.set_identity(identity)
    store.close()
    return path


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    """Opens Ada's device. The device is offline."""
    device = Device.open(paired_file(tmp_path / "ada.device"), world=fixed_world())
    yield device
    device.store.close()
