"""Provides a running service for the tests of the feed."""

from collections.abc import AsyncIterator

import pytest

from tests.service.feed.listening import Running, serving


@pytest.fixture
async def running(database_url: str) -> AsyncIterator[Running]:
    """Runs a service process on a new database."""
    async with serving(database_url) as one:
        yield one
