"""What kubectl and controllers send: patches, protobuf, grace periods, short names. On both servers, as test_honest.py."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from ksm_shard.simulator import protobuf
from ksm_shard.simulator.decoding import decoded, sealed
from ksm_shard.simulator.resources import BUILT_IN
from ksm_shard.wire.frames import seal
from tests.processes import eventually
from tests.simulator.servers import Object, Server

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
PROTOBUF = "application/vnd.kubernetes.protobuf"

CONTAINERS = [
    {
        "name": name,
        "image": "i:1",
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 81}],
        "args": ["x", "y"],
    }
    for name in ("one", "two")
]
POD = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {
        "containers": CONTAINERS,
        "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "configMap": {"name": "c"}}],
        "nodeSelector": {"a": "b", "c": "d"},
        "tolerations": [{"key": "k", "operator": "Exists"}],
    },
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "finalizers": ["e.com/a", "e.com/b"], "labels": {"app": "web"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}},
        "template": POD,
    },
}


@pytest.fixture
def deployment(server: Server) -> Iterator[str]:
    """The path of a deployment, which goes in the end."""
    path = f"/apis/apps/v1/namespaces/{server.namespace}/deployments"
    status, made = server.ask(path, "POST", DEPLOYMENT)
    assert status == 201, made
    yield f"{path}/web"
    server.send(f"{path}/web", "PATCH", b'{"metadata":{"finalizers":null}}', MERGE)
    server.ask(f"{path}/web", "DELETE")


def get(value: Any, path: str) -> Any:
    """Return what is at a dotted path; a list is looked into by the name, type or port of its items. None if there is nothing."""
    for word in filter(None, path.split(".")):
        if isinstance(value, list):
            value = next((one for one in value if word in (one.get("name"), str(one.get("containerPort")))), None)
        else:
            value = (value or {}).get(word)
    return value


def names(items: list[Object]) -> list[str]:
    """Return the names of items, in order."""
    return [one["name"] for one in items]


SPEC = "spec.template.spec"


@pytest.mark.parametrize(
    ("patch", "path", "found"),
    [
        ({"containers": [{"name": "one", "image": "i:2"}]}, "containers.one.image", "i:2"),
        ({"containers": [{"name": "one", "image": "i:2"}]}, "containers.two.image", "i:1"),
        ({"containers": [{"name": "one", "args": ["z"]}]}, "containers.one.args", ["z"]),
        ({"containers": [{"name": "one", "env": [{"name": "B", "value": "3"}]}]}, "containers.one.env.A.value", "1"),
        ({"containers": [{"name": "one", "env": [{"name": "B", "value": "3"}]}]}, "containers.one.env.B.value", "3"),
        (
            {"containers": [{"name": "one", "env": [{"name": "A", "$patch": "delete"}]}]},
            "containers.one.env",
            [{"name": "B", "value": "2"}],
        ),
        (
            {"containers": [{"name": "one", "env": [{"$patch": "replace"}, {"name": "C"}]}]},
            "containers.one.env",
            [{"name": "C"}],
        ),
        (
            {"containers": [{"name": "one", "ports": [{"containerPort": 81, "name": "b"}]}]},
            "containers.one.ports.81.name",
            "b",
        ),
        (
            {"containers": [{"name": "one", "ports": [{"containerPort": 81, "name": "b"}]}]},
            "containers.one.ports.80.name",
            "http",
        ),
        ({"containers": [{"name": "two", "$patch": "delete"}]}, "containers.two", None),
        ({"nodeSelector": {"a": None, "e": "f"}}, "nodeSelector", {"c": "d", "e": "f"}),
        ({"nodeSelector": {"$patch": "replace", "e": "f"}}, "nodeSelector", {"e": "f"}),
        ({"nodeSelector": None}, "nodeSelector", None),
        ({"tolerations": [{"key": "l", "operator": "Exists"}]}, "tolerations", [{"key": "l", "operator": "Exists"}]),
        (
            {"volumes": [{"name": "w", "$retainKeys": ["name", "emptyDir"], "emptyDir": {}}]},
            "volumes.w",
            {"name": "w", "emptyDir": {}},
        ),
        ({"volumes": [{"name": "v", "$patch": "delete"}, {"name": "x", "emptyDir": {}}]}, "volumes.x.emptyDir", {}),
    ],
)
def test_strategic_patches(server: Server, deployment: str, patch: Object, path: str, found: Any) -> None:
    """Lists merge by the key that Go's types name, others are replaced, and the directives of kubectl are obeyed."""
    body = json.dumps({"spec": {"template": {"spec": patch}}}).encode()
    status, _, answer = server.send(deployment, "PATCH", body, STRATEGIC)
    value = get(json.loads(answer), f"{SPEC}.{path}")

    assert status == 200, answer
    # A real server adds defaults to what is new.
    assert (value if not isinstance(value, dict) else {name: value[name] for name in value if name in found}) == found


@pytest.mark.parametrize(
    ("patch", "order"),
    [
        ({"containers": [{"name": "new", "image": "i"}]}, ["new", "one", "two"]),
        ({"$setElementOrder/containers": [{"name": "two"}, {"name": "one"}]}, ["two", "one"]),
        (
            {
                "$setElementOrder/containers": [{"name": "two"}, {"name": "new"}],
                "containers": [{"name": "new", "image": "i"}],
            },
            ["one", "two", "new"],
        ),
        (
            {
                "$setElementOrder/containers": [{"name": "one"}, {"name": "new"}, {"name": "two"}],
                "containers": [{"name": "new", "image": "i"}],
            },
            ["one", "new", "two"],
        ),
    ],
)
def test_the_order_of_merged_lists(server: Server, deployment: str, patch: Object, order: list[str]) -> None:
    """Items are in the order of the patch, and what it does not name is where it was."""
    body = json.dumps({"spec": {"template": {"spec": patch}}}).encode()
    status, _, answer = server.send(deployment, "PATCH", body, STRATEGIC)

    assert status == 200, answer
    assert names(get(json.loads(answer), f"{SPEC}.containers")) == order


def test_more_of_strategic_patches(server: Server, deployment: str) -> None:
    """Finalizers are a set, the strategy keeps the keys that are named, and conditions merge by their type."""

    def patch(change: Object, path: str = deployment) -> Object:
        status, _, answer = server.send(path, "PATCH", json.dumps(change).encode(), STRATEGIC)
        assert status == 200, answer
        return dict(json.loads(answer))

    more = patch({"metadata": {"finalizers": ["e.com/b", "e.com/c"], "labels": {"b": "c"}}})
    fewer = patch({"metadata": {"$deleteFromPrimitiveList/finalizers": ["e.com/a"], "resourceVersion": None}})
    strategy = patch({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}, "replicas": 0}})
    conditions = [{"type": kind, "status": "True"} for kind in ("Available", "Progressing")]
    patch({"status": {"conditions": conditions}}, f"{deployment}/status")
    status = patch({"status": {"conditions": [{"type": "Available", "status": "False"}]}}, f"{deployment}/status")

    assert sorted(more["metadata"]["finalizers"]) == ["e.com/a", "e.com/b", "e.com/c"]
    assert more["metadata"]["labels"] == {"app": "web", "b": "c"}
    assert sorted(fewer["metadata"]["finalizers"]) == ["e.com/b", "e.com/c"]
    assert (strategy["spec"]["strategy"], strategy["spec"]["replicas"]) == ({"type": "Recreate"}, 0)
    assert {one["type"]: one["status"] for one in status["status"]["conditions"]} == {
        "Available": "False",
        "Progressing": "True",
    }


@pytest.mark.parametrize(
    ("patch", "kind", "code"),
    [
        ({"spec": {"template": {"spec": {"containers": [{"image": "i"}]}}}}, STRATEGIC, {400, 500}),
        ({"spec": {"strategy": {"$patch": "merge"}}}, STRATEGIC, {400, 500}),
        ([], STRATEGIC, {400}),
        ({}, "text/plain", {415}),
        ([{"op": "remove", "path": "/spec/nothing"}], JSON_PATCH, {422}),
        ([{"op": "test", "path": "/spec/replicas", "value": 3}], JSON_PATCH, {422}),
        ({"metadata": {"resourceVersion": "1"}}, STRATEGIC, {409}),
    ],
)
def test_patches_that_are_none(server: Server, deployment: str, patch: Any, kind: str, code: set[int]) -> None:
    """Without the key of its list, with an unknown directive or type, at a place that is not there, of another version."""
    status, _, answer = server.send(deployment, "PATCH", json.dumps(patch).encode(), kind)

    assert status in code, answer
    assert json.loads(answer)["kind"] == "Status"


def test_json_patches(server: Server, deployment: str) -> None:
    """Operations at places, one after the other."""
    operations = [
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "replace", "path": "/spec/replicas", "value": 4},
        {"op": "add", "path": "/metadata/labels/e.com~1x", "value": "y"},
        {"op": "copy", "from": "/metadata/labels/app", "path": "/metadata/labels/copy"},
        {"op": "move", "from": "/metadata/labels/copy", "path": "/metadata/labels/moved"},
        {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "z"},
        {"op": "add", "path": "/spec/template/spec/containers/0/args/0", "value": "w"},
        {"op": "remove", "path": "/spec/template/spec/containers/1"},
    ]
    status, _, answer = server.send(deployment, "PATCH", json.dumps(operations).encode(), JSON_PATCH)
    found = json.loads(answer)

    assert status == 200, answer
    assert found["spec"]["replicas"] == 4
    assert found["metadata"]["labels"] == {"app": "web", "e.com/x": "y", "moved": "web"}
    assert [(one["name"], one["args"]) for one in get(found, f"{SPEC}.containers")] == [("one", ["w", "x", "y", "z"])]


def test_protobuf_bodies(server: Server, deployment: str) -> None:
    """What comes as protobuf is the object that JSON would be; an answer is in the form that was asked for."""
    message = "k8s.io.api.apps.v1.Deployment"
    _, before = server.ask(deployment)
    spec = before["spec"] | {"replicas": 0, "minReadySeconds": 7}
    changed = {"metadata": before["metadata"] | {"annotations": {"a": "b"}}, "spec": spec}
    body = seal("apps/v1", "Deployment", protobuf.encode(message, changed))
    status, kind, answer = server.send(deployment, "PUT", body, PROTOBUF, PROTOBUF)
    _, after = server.ask(deployment)
    api_version, of, raw = sealed(answer)

    assert (status, kind, api_version, of) == (200, PROTOBUF, "apps/v1", "Deployment")
    assert after["spec"] == spec
    assert after["metadata"]["annotations"] == {"a": "b"}
    assert decoded(message, raw)["spec"] == spec


def test_protobuf_that_is_none(server: Server, deployment: str) -> None:
    """Garbage, and an object of another kind, are bad requests."""
    other = seal("v1", "Secret", protobuf.encode("k8s.io.api.core.v1.Secret", {"metadata": {"name": "web"}}))
    answers = [server.send(deployment, "PUT", body, PROTOBUF) for body in (b"k8s", b"k8s\0\xff", other)]

    assert [status for status, _, _ in answers] == [400, 400, 400]


def pod(server: Server, name: str) -> str:
    """Make a pod that has a node, and return its path."""
    path = f"/api/v1/namespaces/{server.namespace}/pods"
    spec = {"nodeName": "nowhere", "containers": [{"name": "c", "image": "i"}], "terminationGracePeriodSeconds": 40}
    spec |= {"automountServiceAccountToken": False}
    status, made = server.ask(
        path, "POST", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    )
    assert status == 201, made
    return f"{path}/{name}"


@pytest.mark.parametrize(
    ("query", "body", "kind", "seconds"),
    [
        ({}, b"", "application/json", 40),
        ({"gracePeriodSeconds": "7"}, b"", "application/json", 7),
        ({"gracePeriodSeconds": "0"}, b"", "application/json", None),
        ({}, b'{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":8}', "application/json", 8),
        ({"gracePeriodSeconds": "7"}, b'{"kind":"DeleteOptions","apiVersion":"v1"}', "application/json", 40),
        ({}, seal("v1", "DeleteOptions", b"\x08\x09"), PROTOBUF, 9),
        ({}, seal("v1", "DeleteOptions", b"\x08\x00"), PROTOBUF, None),
    ],
)
def test_grace_periods(server: Server, query: dict[str, str], body: bytes, kind: str, seconds: int | None) -> None:
    """A pod on a node is marked, unless its grace is 0: as the body says, without one the query, without any its own."""
    path = pod(server, "p")
    status, _, answer = server.send(path, "DELETE", body, kind, **query)
    left, found = server.ask(path)
    server.ask(path, "DELETE", gracePeriodSeconds="0")

    assert status == 200, answer
    if seconds is None:
        assert left == 404
    else:
        assert found["metadata"]["deletionGracePeriodSeconds"] == seconds
        assert "deletionTimestamp" in found["metadata"]


def test_grace_that_is_none(server: Server) -> None:
    """A period that is no number is a bad request."""
    path = pod(server, "p")
    status, _ = server.ask(path, "DELETE", gracePeriodSeconds="soon")
    server.ask(path, "DELETE", gracePeriodSeconds="0")

    assert status == 400


@pytest.mark.parametrize("api_version", sorted({resource.api_version for resource in BUILT_IN}))
def test_other_names(server: Server, api_version: str) -> None:
    """The short names, singular names and categories that kubectl takes are those of a real server."""
    _, found = server.ask(f"/{'apis' if '/' in api_version else 'api'}/{api_version}")
    served = {one["name"]: one for one in found["resources"]}

    for resource in BUILT_IN:
        if resource.api_version == api_version:
            one = served[resource.plural]
            assert one["singularName"] == resource.kind.lower()
            assert tuple(one.get("shortNames", ())) == resource.short_names, resource.plural
            assert tuple(one.get("categories", ())) == resource.categories, resource.plural


@pytest.mark.parametrize("path", ["/apis/apps/v1/namespaces/{namespace}/deployments/{name}", "/api/v1/nodes/{name}"])
def test_what_kubectl_asks_before_it_applies(server: Server, path: str) -> None:
    """OpenAPI says of every kind that a PATCH takes `fieldValidation`."""
    group_version = "/".join(path.split("/")[1 : 4 if path.startswith("/apis") else 3])
    _, index = server.ask("/openapi/v3")
    _, found = server.ask(index["paths"][group_version]["serverRelativeURL"].partition("?")[0])
    patch = found["paths"][path]["patch"]

    assert "fieldValidation" in {one["name"] for one in patch["parameters"]}
    assert patch["x-kubernetes-group-version-kind"]["kind"] in {"Deployment", "Node"}


@pytest.fixture
def custom(server: Server) -> Iterator[str]:
    """The path of a custom resource without namespaces, which is served."""
    plural = f"made{uuid.uuid4().hex[:8]}"
    kind = plural.capitalize()
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.e.com"},
        "spec": {
            "group": "e.com",
            "scope": "Cluster",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert server.ask(crds, "POST", crd)[0] == 201
    path = f"/apis/e.com/v1/{plural}"
    made = {"apiVersion": "e.com/v1", "kind": kind, "metadata": {"name": "one"}, "spec": {"a": [1], "b": 2}}
    # Both kinds of answers until it is served, by whichever of its parts has not heard of it yet.
    eventually(lambda: server.send(path, "POST", json.dumps(made).encode(), "application/json")[0] == 201, "not served")
    yield path
    server.ask(f"{crds}/{plural}.e.com", "DELETE")


def test_custom_resources_without_namespaces(server: Server, custom: str) -> None:
    """They are selected by name and by no namespace, and have no types to merge lists by."""
    named, found = server.ask(custom, fieldSelector="metadata.name=one")
    spaced, failure = server.ask(custom, fieldSelector="metadata.namespace!=x")
    cluster, _ = server.ask("/apis/rbac.authorization.k8s.io/v1/clusterroles", fieldSelector="metadata.namespace!=x")
    watched, _ = server.ask(custom, watch="true", fieldSelector="metadata.namespace!=x")
    strategic, _, _ = server.send(f"{custom}/one", "PATCH", b'{"spec":{"b":3}}', STRATEGIC)
    merged, _, answer = server.send(f"{custom}/one", "PATCH", b'{"spec":{"b":3}}', MERGE)

    assert (named, [one["metadata"]["name"] for one in found["items"]]) == (200, ["one"])
    assert (spaced, failure["reason"], watched, cluster) == (400, "BadRequest", 400, 200)
    assert "field label not supported: metadata.namespace" in failure["message"]
    assert (strategic, merged, json.loads(answer)["spec"]) == (415, 200, {"a": [1], "b": 3})
