"""Discover the resources that the API server serves, each with kind and scope.

Discovery is readable by every user, so no right to read CustomResourceDefinitions is needed.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import NotFound, RequestError, Unavailable
from ksm_shard.custom.resolve import Served

JSON: Final = "application/json"
# One document for all groups (KEP-3352); servers before 1.30 have the older version of it, or one document a group version.
ACCEPT: Final = ",".join(
    [*(f"{JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")), JSON]
)
# Seconds for a whole document.
WITHIN: Final = 30.0
ODD: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


def served(server: ApiServer, known: frozenset[Served], call: Call) -> frozenset[Served]:
    """Return the resources that can be listed and watched.

    A group version whose own API server does not answer keeps the resources that are `known` of it.

    Raises:
        RequestError: the API server does not answer, or with something else.
    """
    found: set[Served] = set()
    for root in ("/api", "/apis"):
        said = _document(server, root, call)
        try:
            found.update(
                _aggregated(said, known)
                if said["kind"] == "APIGroupDiscoveryList"
                else _each(server, said, known, call)
            )
        except ODD:
            raise Unavailable(root, "expected a discovery document, got something else") from None
    return frozenset(found)


def _document(server: ApiServer, path: str, call: Call) -> Any:
    with server.get(path, {}, ACCEPT if path in {"/api", "/apis"} else JSON, call, WITHIN) as response:
        body = response.body()
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unavailable(path, f"expected JSON, got {len(body)} bytes that are none") from None


def _aggregated(said: Any, known: frozenset[Served]) -> Iterator[Served]:
    for item in said["items"]:
        group = (item.get("metadata") or {}).get("name") or ""
        for one in item.get("versions") or ():
            version = one["version"]
            if one.get("freshness") == "Stale":
                yield from _kept(group, version, known)
            for resource in one.get("resources") or ():
                if {"list", "watch"} <= set(resource.get("verbs") or ()):
                    kind = resource["responseKind"]["kind"]
                    yield Served(group, version, kind, resource["resource"], resource.get("scope") == "Namespaced")


def _each(server: ApiServer, said: Any, known: frozenset[Served], call: Call) -> Iterator[Served]:
    """Yield the resources of each group version, from a document of its own."""
    if said["kind"] == "APIVersions":
        paths = [("", version, f"/api/{version}") for version in said["versions"]]
    else:
        paths = [
            (group["name"], one["version"], f"/apis/{one['groupVersion']}")
            for group in said["groups"]
            for one in group["versions"]
        ]
    for group, version, path in paths:
        try:
            resources = _document(server, path, call)["resources"]
        except NotFound:
            continue
        except RequestError:
            if call.cancelled:
                raise
            yield from _kept(group, version, known)
            continue
        for one in resources:
            if "/" not in one["name"] and {"list", "watch"} <= set(one.get("verbs") or ()):
                yield Served(group, version, one["kind"], one["name"], bool(one["namespaced"]))


def _kept(group: str, version: str, known: frozenset[Served]) -> Iterator[Served]:
    return (one for one in known if (one.group, one.version) == (group, version))
