"""The servers of the tests that both have to pass."""

import uuid
from collections.abc import Iterator

import pytest

from tests.simulator.servers import BOTH, NAMES, Server


@pytest.fixture(params=BOTH, ids=lambda made: str(made.__name__))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each server in turn, with a namespace of its own."""
    for made in request.param():
        made.namespace = f"honest-{uuid.uuid4().hex[:8]}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made.namespace}}
        assert made.ask("/api/v1/namespaces", "POST", body)[0] == 201
        for name in NAMES:
            made.put(name)
        yield made
        for secret in made.ask(made.secrets)[1]["items"]:
            made.ask(f"{made.secrets}/{secret['metadata']['name']}", "DELETE")
        made.ask(f"/api/v1/namespaces/{made.namespace}", "DELETE")
