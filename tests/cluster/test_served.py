"""The resources that the API server says it serves, in each form that discovery has had."""

import pytest

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.client import connect
from ksm_shard.cluster.errors import Unavailable
from ksm_shard.cluster.served import served
from ksm_shard.custom.resolve import Served
from ksm_shard.simulator.simulator import Simulator
from tests.cluster.server import Request, serving

POT = Served("example.org", "v1", "Pot", "pots")
VERBS = ["list", "watch"]


def aggregated(freshness: str, *plurals: str) -> dict[str, object]:
    """Return the document of a group."""
    resources = [
        {"resource": plural, "scope": "Namespaced", "verbs": VERBS, "responseKind": {"kind": "Pot"}}
        for plural in plurals
    ]
    version = {"version": "v1", "freshness": freshness, "resources": resources}
    return {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": "example.org"}, "versions": [version]}]}


def test_simulator() -> None:
    """Core kinds, named groups and scopes are there, and nothing that cannot be watched."""
    with Simulator([]) as simulator:
        found = served(connect(simulator.url), frozenset(), Call())

    assert Served("", "v1", "Node", "nodes", namespaced=False) in found
    assert Served("apps", "v1", "Deployment", "deployments") in found


@pytest.mark.parametrize(("freshness", "expected"), [("Current", set()), ("Stale", {POT})])
def test_stale(freshness: str, expected: set[Served]) -> None:
    """A group version whose own server does not answer keeps what was known of it; one that has lost a resource does not."""
    with serving(lambda request: request.answer(aggregated(freshness))) as server:
        assert expected == served(connect(server.url), frozenset({POT}), Call())


def test_one_document_a_version() -> None:
    """An older server has a document for each; one that fails keeps what was known, one that is gone has nothing."""
    answers = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/api/v1": {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True, "verbs": VERBS}]},
        "/apis": {
            "kind": "APIGroupList",
            "groups": [
                {"name": name, "versions": [{"groupVersion": f"{name}/v1", "version": "v1"}]}
                for name in ("example.org", "gone.org", "own.org")
            ],
        },
        "/apis/own.org/v1": {
            "resources": [
                {"name": "pans", "kind": "Pan", "namespaced": False, "verbs": VERBS},
                {"name": "pans/status", "kind": "Pan", "namespaced": False, "verbs": VERBS},
                {"name": "reviews", "kind": "Review", "namespaced": False, "verbs": ["create"]},
            ]
        },
    }

    def answer(request: Request) -> None:
        path = request.path.partition("?")[0]
        request.answer(answers.get(path, {}), 200 if path in answers else 503 if "example" in path else 404)

    with serving(answer) as server:
        found = served(connect(server.url), frozenset({POT, Served("gone.org", "v1", "Lid", "lids")}), Call())

    assert {POT, Served("", "v1", "Pod", "pods"), Served("own.org", "v1", "Pan", "pans", namespaced=False)} == found


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", {"kind": "APIGroupDiscoveryList", "items": 5}])
def test_odd(body: object) -> None:
    """What is no discovery document is an API server in trouble."""
    with serving(lambda request: request.answer(body)) as server, pytest.raises(Unavailable, match="expected"):
        served(connect(server.url), frozenset(), Call())
