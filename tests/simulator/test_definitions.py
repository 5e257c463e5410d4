"""Kinds that a CustomResourceDefinition brings, changes and takes away, the same on both servers.

What discovery says of them is asked at once here; tests/e2e/test_custom.py has what an exporter makes of it.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ksm_shard.simulator import Simulator
from tests.processes import eventually
from tests.simulator.servers import Server

# Real servers of tests have certificates that nobody signed.
pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP = "e.com"


class Kind:
    """A kind with two versions and an object; v1 is stored."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.plural = f"made{uuid.uuid4().hex[:8]}"
        assert server.ask(CRDS, "POST", self._crd())[0] == 201
        self.definition = f"{CRDS}/{self.plural}.{GROUP}"
        made = {"apiVersion": f"{GROUP}/v1", "kind": self.plural.capitalize(), "metadata": {"name": "one"}}
        body = json.dumps(made).encode()
        eventually(
            lambda: server.send(self.path("v1"), "POST", body, "application/json")[0] == 201 and self.served("v2"),
            "not served",
        )

    def path(self, version: str) -> str:
        return f"/apis/{GROUP}/{version}/{self.plural}"

    def served(self, version: str) -> bool:
        """Tell whether both a list and discovery have a version."""
        listed = self.server.send(self.path(version), "GET", b"", "application/json")[0]
        return listed == 200 and self.discovered(version)

    def discovered(self, version: str) -> bool:
        status, _, body = self.server.send(f"/apis/{GROUP}/{version}", "GET", b"", "application/json")
        return status == 200 and self.plural in {one["name"] for one in json.loads(body)["resources"]}

    def change(self, **versions: bool) -> None:
        """Serve versions or not; the last of them is stored from now on."""
        stored = self.server.ask(self.definition)[1]
        stored["spec"] |= self._crd(**versions)["spec"]
        status, said = self.server.ask(self.definition, "PUT", stored)
        assert status == 200, said

    def watch(self, version: str) -> Callable[[], list[str]]:
        """Open a watch that the server is to end after a minute; return what reads the types of its events to its end."""
        at = self.server.ask(self.path(version))[1]["metadata"]["resourceVersion"]
        query = {"watch": "true", "timeoutSeconds": "60", "resourceVersion": at}
        headers = self.server.headers | {"Accept": "application/json"}
        answer = self.server.pool.request(
            "GET", self.server.url + self.path(version), fields=query, headers=headers, preload_content=False
        )
        assert answer.status == 200

        def types() -> list[str]:
            found = [json.loads(line)["type"] for line in b"".join(answer.stream()).splitlines()]
            return [one for one in found if one != "BOOKMARK"]

        return types

    def _crd(self, **versions: bool) -> dict[str, Any]:
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        said = versions or {"v2": True, "v1": True}
        kind = self.plural.capitalize()
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{self.plural}.{GROUP}"},
            "spec": {
                "group": GROUP,
                "scope": "Cluster",
                "names": {"plural": self.plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
                "versions": [
                    {"name": name, "served": served, "storage": name == list(said)[-1], "schema": schema}
                    for name, served in said.items()
                ],
            },
        }


@pytest.fixture
def kind(server: Server) -> Iterator[Kind]:
    """A kind that is served in two versions."""
    made = Kind(server)
    yield made
    server.ask(made.definition, "DELETE")


def test_a_version_is_served_no_longer(kind: Kind) -> None:
    """Lists are answered 404 and discovery forgets it; watches of all versions end as if their time were over."""
    watches = [kind.watch("v1"), kind.watch("v2")]
    kind.change(v1=False, v2=True)

    assert [[], []] == [types() for types in watches]
    eventually(lambda: not kind.discovered("v1"), "still in discovery")
    assert 404 == kind.server.send(kind.path("v1"), "GET", b"", "application/json")[0]
    eventually(lambda: kind.served("v2"), "the other version is not there")
    assert ["one"] == [one["metadata"]["name"] for one in kind.server.ask(kind.path("v2"))[1]["items"]]


def test_all_versions_are_served_again(kind: Kind) -> None:
    """The objects of a version that is served again are still there."""
    kind.change(v1=False, v2=True)
    eventually(lambda: not kind.discovered("v1"), "still in discovery")
    kind.change(v1=True, v2=True)

    eventually(lambda: kind.served("v1"), "not served again")
    assert 1 == len(kind.server.ask(kind.path("v1"))[1]["items"])


def test_a_definition_is_deleted(kind: Kind) -> None:
    """Its objects go with it: watches are told of each, and end; nothing is served after that."""
    types = kind.watch("v2")
    kind.server.ask(kind.definition, "DELETE")

    assert ["DELETED"] == types()
    eventually(lambda: not kind.discovered("v1") and not kind.discovered("v2"), "still in discovery")
    assert 404 == kind.server.send(kind.path("v2"), "GET", b"", "application/json")[0]


def test_only_the_spec_matters(kind: Kind) -> None:
    """A change of a definition's metadata leaves its watches alone: they tell of what comes after it."""
    types = kind.watch("v2")
    kind.server.send(kind.definition, "PATCH", b'{"metadata":{"labels":{"a":"b"}}}', "application/merge-patch+json")
    kind.server.ask(f"{kind.path('v1')}/one", "DELETE")
    kind.change(v1=False, v2=True)

    assert ["DELETED"] == types()


def test_versions_that_are_no_list() -> None:
    """A definition that is none is an error, which names what is missing."""
    spec = {"group": "example.org", "names": {"plural": "kettles", "kind": "Kettle"}, "scope": "Cluster"}
    meta = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "k"}}

    for versions in (None, ["v1"], {"v1": {}}):
        with pytest.raises(ValueError, match=r"^expected a CRD with spec\.group"):
            Simulator([{**meta, "spec": {**spec, "versions": versions}}])
