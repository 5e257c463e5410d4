"""Targets of a resource: paths, field selectors, parts of objects to read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote

from ksm_shard.cluster.reader import Target
from ksm_shard.metrics.families import Resource

Selectors = Callable[[], Mapping[str, str]]
PODS: Final = "/api/v1/pods"


@dataclass(frozen=True, slots=True)
class Scope:
    """The objects to export, as the options of the same names say.

    Attributes:
        shard_selector: called for every request: the `shardSelector` of server-side filtering, "" for none.
    """

    namespaces: Sequence[str] = ()
    namespaces_denylist: Sequence[str] = ()
    nodes: Sequence[str] = ()
    unscheduled_pods: bool = False
    from_cache: bool = False
    object_limit: int = 0
    shard_selector: Callable[[], str] = field(default=str, compare=False)

    def of(self, resource: Resource) -> "Scope":
        """Return the scope without what does not concern the resource: equal scopes have the same targets."""
        namespaces, denied = (self.namespaces, self.namespaces_denylist) if resource.namespaced else ((), ())
        nodes, unscheduled = (self.nodes, self.unscheduled_pods) if resource.path == PODS else ((), False)
        return replace(
            self,
            namespaces=tuple(sorted(set(namespaces))),
            namespaces_denylist=tuple(sorted(set(denied))),
            nodes=() if unscheduled else tuple(sorted(set(nodes))),
            unscheduled_pods=unscheduled,
        )


def targets(resource: Resource, scope: Scope) -> list[Target]:
    """Return a target for each namespace or node in the scope.

    A scope without any has one target for all objects.
    """
    return [
        Target(
            path=path,
            reading=resource.reading,
            columns=resource.columns,
            selectors=_selectors(resource, fields, scope.shard_selector),
            resource_version="0" if scope.from_cache else "",
            object_limit=scope.object_limit,
        )
        for path, denied in _paths(resource, scope)
        for fields in _fields(resource, scope, denied)
    ]


def _paths(resource: Resource, scope: Scope) -> list[tuple[str, list[str]]]:
    """Return paths, each with the field selectors that exclude denied namespaces."""
    if not resource.namespaced or not (scope.namespaces or scope.namespaces_denylist):
        return [(resource.path, [])]
    if not scope.namespaces:
        return [(resource.path, [f"metadata.namespace!={name}" for name in scope.namespaces_denylist])]
    allowed = [name for name in dict.fromkeys(scope.namespaces) if name not in scope.namespaces_denylist]
    return [(_within(resource, name), []) for name in allowed]


def path_of(resource: Resource, namespace: str) -> str:
    """Return the list path of a namespace; "" if the resource has none.

    The namespace is "" for cluster-scoped objects.
    """
    if resource.namespaced != bool(namespace):
        return ""
    return _within(resource, quote(namespace, safe="")) if namespace else resource.path


def _within(resource: Resource, namespace: str) -> str:
    base = resource.path.removesuffix(f"/{resource.plural}")
    return f"{base}/namespaces/{namespace}/{resource.plural}"


def _fields(resource: Resource, scope: Scope, denied: list[str]) -> list[list[str]]:
    if resource.path != PODS or not (scope.unscheduled_pods or scope.nodes):
        return [denied]
    nodes = [""] if scope.unscheduled_pods else list(dict.fromkeys(scope.nodes))
    return [[*denied, f"spec.nodeName={node}"] for node in nodes]


def _selectors(resource: Resource, fields: list[str], shard_selector: Callable[[], str]) -> Selectors:
    own = dict(resource.selectors)
    all_fields = ",".join(filter(None, (own.pop("fieldSelector", ""), *fields)))

    def selectors() -> dict[str, str]:
        shard = shard_selector()
        return own | ({"fieldSelector": all_fields} if all_fields else {}) | ({"shardSelector": shard} if shard else {})

    return selectors
