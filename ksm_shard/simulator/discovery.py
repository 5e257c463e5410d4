"""Discovery documents: /api, /apis and group versions.

In the old form, and as one aggregated document (KEP-3352).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from ksm_shard.simulator.formats import JSON
from ksm_shard.simulator.resources import ServedResource

VERSION: Final = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0-simulator",
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "",
}
VERBS: Final = ("create", "delete", "get", "list", "patch", "update", "watch")
AGGREGATED: Final = f"{JSON};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def document(path: str, resources: Sequence[ServedResource], *, aggregated: bool) -> dict[str, Any] | None:
    """Return the discovery document of a path such as /apis/apps/v1, or None."""
    core = [resource for resource in resources if not resource.group]
    named = [resource for resource in resources if resource.group]
    match path.strip("/").split("/"):
        case ["api"]:
            return _aggregated(core) if aggregated else {"kind": "APIVersions", "versions": ["v1"]}
        case ["apis"]:
            if aggregated:
                return _aggregated(named)
            groups = [_group(group, named) for group in _unique(resource.group for resource in named)]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", group] if any(resource.group == group for resource in named):
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, named)}
        case ["api", version]:
            return _version(version, core)
        case ["apis", group, version]:
            return _version(f"{group}/{version}", named)
    return None


def _group(group: str, resources: Sequence[ServedResource]) -> dict[str, Any]:
    versions = [
        {"groupVersion": f"{group}/{version}", "version": version}
        for version in _unique(resource.version for resource in resources if resource.group == group)
    ]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def _version(api_version: str, resources: Sequence[ServedResource]) -> dict[str, Any] | None:
    listed = [
        {
            "name": resource.plural,
            "singularName": resource.kind.lower(),
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": VERBS,
            **_names(resource),
        }
        for resource in resources
        if resource.api_version == api_version
    ]
    if not listed:
        return None
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": listed}


def _aggregated(resources: Sequence[ServedResource]) -> dict[str, Any]:
    items = []
    for group in _unique(resource.group for resource in resources):
        mine = [resource for resource in resources if resource.group == group]
        versions = [
            {
                "version": version,
                "freshness": "Current",
                "resources": [
                    {
                        "resource": resource.plural,
                        "responseKind": {"group": group, "version": version, "kind": resource.kind},
                        "scope": "Namespaced" if resource.namespaced else "Cluster",
                        "singularResource": resource.kind.lower(),
                        "verbs": VERBS,
                        **_names(resource),
                    }
                    for resource in mine
                    if resource.version == version
                ],
            }
            for version in _unique(resource.version for resource in mine)
        ]
        items.append({"metadata": {"name": group} if group else {}, "versions": versions})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _names(resource: ServedResource) -> dict[str, Any]:
    """Return the short names and categories of a resource, leaving out absent ones."""
    names = {"shortNames": resource.short_names, "categories": resource.categories}
    return {name: value for name, value in names.items() if value}


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
