"""What the API server offers, by aggregated discovery (two requests), else by a request for each group version.

A group version whose own API server is down is unknown, which is neither offered nor absent.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import RequestError, Unavailable

# As client-go asks: v2 since Kubernetes 1.30, v2beta1 since 1.26, and before that the list of groups alone.
AGGREGATED: Final = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)


@dataclass(frozen=True, slots=True)
class ApiResource:
    """A resource that is offered. `group` is "" for the core group; `plural` is its name in paths, such as "pods"."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: frozenset[str]

    @property
    def group_version(self) -> str:
        """As in `apiVersion`: "v1" or "apps/v1"."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None) -> str:
        """Return the path of its list, of all namespaces or of one."""
        root = "/apis/" if self.group else "/api/"
        inner = f"/namespaces/{namespace}" if namespace else ""
        return f"{root}{self.group_version}{inner}/{self.plural}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found: the resources, without sub-resources, and the group versions that could not be asked."""

    resources: tuple[ApiResource, ...]
    unknown: frozenset[str]

    def offers(self, group_version: str, plural: str) -> bool | None:
        """Tell whether a resource is there; None if that cannot be told now."""
        if any(one.plural == plural and one.group_version == group_version for one in self.resources):
            return True
        return None if group_version in self.unknown else False


def discover(server: ApiServer) -> Discovery:
    """Ask the API server what it offers.

    Raises:
        RequestError: it does not answer, or not with what discovery is.
    """
    found: list[ApiResource] = []
    unknown: set[str] = set()
    for root in ("/api", "/apis"):
        answer = _get(server, root, AGGREGATED)
        try:
            if answer.get("kind") == "APIGroupDiscoveryList":
                _read_aggregated(answer, found, unknown)
            else:
                _read_each(server, root, answer, found, unknown)
        except (KeyError, TypeError, AttributeError) as error:
            raise Unavailable(root, f"expected API discovery, got something without {error}") from error
    return Discovery(tuple(found), frozenset(unknown))


def _read_aggregated(answer: dict[str, Any], found: list[ApiResource], unknown: set[str]) -> None:
    for group in answer.get("items") or ():
        name = (group.get("metadata") or {}).get("name", "")
        for version in group.get("versions") or ():
            if version.get("freshness") == "Stale":
                unknown.add(f"{name}/{version['version']}")
            found += [
                ApiResource(
                    name,
                    version["version"],
                    one["resource"],
                    (one.get("responseKind") or {}).get("kind", ""),
                    one.get("scope") == "Namespaced",
                    frozenset(one.get("verbs") or ()),
                )
                for one in version.get("resources") or ()
            ]


def _read_each(
    server: ApiServer, root: str, answer: dict[str, Any], found: list[ApiResource], unknown: set[str]
) -> None:
    if root == "/api":
        group_versions = list(answer["versions"])
    else:
        group_versions = [version["groupVersion"] for group in answer["groups"] for version in group["versions"]]
    for group_version in group_versions:
        try:
            resources = _get(server, f"{root}/{group_version}", "application/json")["resources"]
        except RequestError:  # an aggregated API server that is down; the others are not
            unknown.add(group_version)
            continue
        group, _, version = group_version.rpartition("/")
        for one in resources:
            if "/" not in one["name"]:
                verbs = frozenset(one.get("verbs") or ())
                found.append(ApiResource(group, version, one["name"], one["kind"], one["namespaced"], verbs))


def _get(server: ApiServer, path: str, accept: str) -> dict[str, Any]:
    with server.get(path, {}, accept) as response:
        body = response.body()
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Unavailable(path, f"expected JSON, got {body[:40]!r}: {error}") from None
    if not isinstance(value, dict):
        raise Unavailable(path, f"expected a JSON object, got {body[:40]!r}")
    return value
