"""What counts as a server that says it lacks a resource: its own documents without it, and nothing less."""

from typing import Any

import pytest

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.client import connect
from ksm_shard.cluster.reader import Reader, Target
from tests.cluster.server import Request, serving

VERSION = "/apis/example.com/v1"
GROUPS = {"kind": "APIGroupList", "groups": [{"name": "apps", "versions": [{"groupVersion": "apps/v1"}]}]}
WITH_GROUP = {"kind": "APIGroupList", "groups": [{"versions": [{"groupVersion": "example.com/v1"}]}]}
PODS = {"kind": "APIResourceList", "resources": [{"name": "pods"}]}


def lacks(path: str, documents: dict[str, Any]) -> bool:
    """Ask a server that has these documents, and Go's page for whatever else."""

    def answer(request: Request) -> None:
        if request.path in documents:
            request.answer(documents[request.path])
        else:
            request.answer(b"404 page not found\n", 404, kind="text/plain")

    with serving(answer) as server:
        return Reader(connect(server.url), Target(path)).lacks(Call())


@pytest.mark.parametrize(
    ("path", "documents", "expected"),
    [
        (f"{VERSION}/users", {"/apis": GROUPS}, True),
        (f"{VERSION}/users", {VERSION: PODS}, True),
        (f"{VERSION}/namespaces/a/users", {VERSION: PODS}, True),
        ("/api/v1/users", {"/api/v1": PODS}, True),
        ("/api/v2/users", {"/api": {"kind": "APIVersions", "versions": ["v1"]}}, True),
        (f"{VERSION}/users", {}, False),
        (f"{VERSION}/users", {"/apis": WITH_GROUP}, False),
        (f"{VERSION}/pods", {VERSION: PODS}, False),
        ("/api/v1/namespaces/a/pods", {"/api/v1": PODS}, False),
        (f"{VERSION}/users", {"/apis": {}}, False),
        (f"{VERSION}/users", {"/apis": b"<html>"}, False),
        (f"{VERSION}/users", {VERSION: {"kind": "APIResourceList", "resources": None}}, False),
        (f"{VERSION}/users", {VERSION: b"[" * 100_000}, False),
    ],
)
def test_lacks(path: str, documents: dict[str, Any], expected: bool) -> None:
    """The group version's list without the resource, or the list of groups without the version; 404 everywhere is a proxy."""
    assert expected is lacks(path, documents)


def test_in_doubt() -> None:
    """A server that cannot say now has not said so."""
    with serving(lambda request: request.answer({}, 403)) as server:
        assert not Reader(connect(server.url), Target(f"{VERSION}/users")).lacks(Call())
    assert not Reader(connect(server.url), Target(f"{VERSION}/users")).lacks(Call())
