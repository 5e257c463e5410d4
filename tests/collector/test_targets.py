"""What is listed and watched for a resource under each scope. That a server understands it is in tests/e2e/test_objects.py."""

from typing import Any

import pytest

from ksm_shard.collector.targets import Scope, targets
from ksm_shard.kinds import resources
from ksm_shard.metrics.families import Resource
from ksm_shard.wire.messages.meta_v1_pb2 import PartialObjectMetadata
from ksm_shard.wire.reading import Reading

RESOURCES = resources()
ALL_PODS = ("/api/v1/pods", "")
ALL_NODES = ("/api/v1/nodes", "")


def asked(plural: str, **scope: Any) -> list[tuple[str, str]]:
    """Return path and field selector of each target."""
    found = targets(RESOURCES[plural], Scope(**scope))
    return [(target.path, target.selectors().get("fieldSelector", "")) for target in found]


@pytest.mark.parametrize(
    ("plural", "scope", "expected"),
    [
        ("pods", {}, [ALL_PODS]),
        ("deployments", {}, [("/apis/apps/v1/deployments", "")]),
        ("pods", {"namespaces": ["a", "b", "a"]},
         [("/api/v1/namespaces/a/pods", ""), ("/api/v1/namespaces/b/pods", "")]),
        ("deployments", {"namespaces": ["a"]}, [("/apis/apps/v1/namespaces/a/deployments", "")]),
        ("pods", {"namespaces_denylist": ["a", "b"]},
         [("/api/v1/pods", "metadata.namespace!=a,metadata.namespace!=b")]),
        ("pods", {"namespaces": ["a", "b"], "namespaces_denylist": ["b"]}, [("/api/v1/namespaces/a/pods", "")]),
        ("pods", {"namespaces": ["a"], "namespaces_denylist": ["a"]}, []),
        ("nodes", {"namespaces": ["a"], "namespaces_denylist": ["b"]}, [ALL_NODES]),
        ("namespaces", {"namespaces": ["a"]}, [("/api/v1/namespaces", "")]),
        ("pods", {"nodes": ["n", "m", "n"]}, [("/api/v1/pods", "spec.nodeName=n"), ("/api/v1/pods", "spec.nodeName=m")]),
        ("nodes", {"nodes": ["n"]}, [ALL_NODES]),
        ("pods", {"unscheduled_pods": True}, [("/api/v1/pods", "spec.nodeName=")]),
        ("pods", {"unscheduled_pods": True, "nodes": ["n"]}, [("/api/v1/pods", "spec.nodeName=")]),
        ("jobs", {"unscheduled_pods": True}, [("/apis/batch/v1/jobs", "")]),
        ("pods", {"namespaces": ["a"], "nodes": ["n"]}, [("/api/v1/namespaces/a/pods", "spec.nodeName=n")]),
        ("pods", {"namespaces_denylist": ["a"], "nodes": ["n"]},
         [("/api/v1/pods", "metadata.namespace!=a,spec.nodeName=n")]),
    ],
)  # fmt: skip
def test_a_scope_becomes_paths_and_field_selectors(
    plural: str, scope: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """A target for each namespace and node, each once; denied namespaces are left to the server; the rest is one target."""
    assert expected == asked(plural, **scope)


def test_a_target_says_how_to_list() -> None:
    """The cache is resourceVersion 0, without it the newest is asked for; a limit goes with every target."""
    (plain,) = targets(RESOURCES["pods"], Scope())
    cached, limited = targets(RESOURCES["pods"], Scope(from_cache=True, object_limit=7, namespaces=["a", "b"]))

    assert ("", 0) == (plain.resource_version, plain.object_limit)
    assert [("0", 7)] * 2 == [(one.resource_version, one.object_limit) for one in (cached, limited)]


@pytest.mark.parametrize(
    ("plural", "reading", "columns"),
    [("pods", Reading.FULL, {}), ("configmaps", Reading.METADATA, {}), ("secrets", Reading.TABLE, {"type": 1})],
)
def test_a_target_reads_what_its_kind_declares(plural: str, reading: Reading, columns: dict[str, int]) -> None:
    """Whole objects, metadata, or the cells of a table."""
    (target,) = targets(RESOURCES[plural], Scope())

    assert (reading, columns) == (target.reading, target.columns)


def test_the_shard_selector_is_asked_for_anew_each_time() -> None:
    """Slots come and go while a target stays; without a selector none is sent."""
    said = ["first", "second", ""]
    (target,) = targets(RESOURCES["pods"], Scope(nodes=["n"], shard_selector=lambda: said.pop(0)))

    assert [
        {"fieldSelector": "spec.nodeName=n", "shardSelector": "first"},
        {"fieldSelector": "spec.nodeName=n", "shardSelector": "second"},
        {"fieldSelector": "spec.nodeName=n"},
    ] == [target.selectors() for _ in range(3)]


def test_selectors_of_a_resource() -> None:
    """A resource that is about some objects only is listed with its selectors, beside those of the scope."""
    resource = Resource(
        "example.org/v1",
        "pots",
        PartialObjectMetadata,
        labels=None,
        kind="Pot",
        selectors={"labelSelector": "a=b", "fieldSelector": "metadata.name!=x"},
    )

    (target,) = targets(resource, Scope(namespaces_denylist=["c"]))

    assert {"labelSelector": "a=b", "fieldSelector": "metadata.name!=x,metadata.namespace!=c"} == target.selectors()
