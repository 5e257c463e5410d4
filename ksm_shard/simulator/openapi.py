"""OpenAPI v3, just enough to tell kubectl that PATCH takes `fieldValidation`.

There are no schemas.
"""

from collections.abc import Sequence
from typing import Any

from ksm_shard.simulator.resources import ServedResource

ROOT = "/openapi/v3"


def document(path: str, resources: Sequence[ServedResource]) -> dict[str, Any] | None:
    """Return the index /openapi/v3, or the document of a group version below it, or None."""
    if path == ROOT:
        return {"paths": {_base(one): {"serverRelativeURL": f"{ROOT}/{_base(one)}"} for one in resources}}
    found = [one for one in resources if path == f"{ROOT}/{_base(one)}"]
    if not found:
        return None
    info = {"title": "Kubernetes", "version": "v1.36.0-simulator"}
    return {"openapi": "3.0.0", "info": info, "paths": {_path(one): {"patch": _patch(one)} for one in found}}


def _base(resource: ServedResource) -> str:
    return f"{'apis' if resource.group else 'api'}/{resource.api_version}"


def _path(resource: ServedResource) -> str:
    within = "namespaces/{namespace}/" if resource.namespaced else ""
    return f"/{_base(resource)}/{within}{resource.plural}/{{name}}"


def _patch(resource: ServedResource) -> dict[str, Any]:
    return {
        "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
        "responses": {},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {
            "group": resource.group,
            "version": resource.version,
            "kind": resource.kind,
        },
    }
