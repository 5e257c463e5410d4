"""Families of roles and role bindings, shared by namespaced and cluster-scoped ones."""

from typing import Any

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, Resource, Rows


def role(resource: Resource, prefix: str) -> None:
    """Declare the families of a role; rules are not exported."""

    def info(obj: Any) -> Rows:
        del obj
        return [()]

    _shared.annotations(resource, prefix)
    _shared.labels(resource, prefix, ALPHA)
    resource.info(f"{prefix}_info", "Existence of a role.", ALPHA)(info)
    _shared.created(resource, prefix, ALPHA)
    _shared.metadata_resource_version(resource, prefix)


def binding(resource: Resource, prefix: str) -> None:
    """Declare the families of a role binding."""

    def info(obj: Any) -> Rows:
        return [(obj.roleRef.kind, obj.roleRef.name)]

    _shared.annotations(resource, prefix)
    _shared.labels(resource, prefix, ALPHA)
    resource.info(f"{prefix}_info", "Role that a binding grants.", ALPHA, labels="roleref_kind roleref_name")(info)
    _shared.created(resource, prefix, ALPHA)
    _shared.metadata_resource_version(resource, prefix)
