"""Servers that the tests of one file share: those that are only asked, not stopped."""

from collections.abc import Iterator

import pytest

from tests.web.serving import Server, serving


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server that is ready."""
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def loading() -> Iterator[Server]:
    """A server whose first lists have not ended."""
    with serving("--listing") as running:
        yield running
