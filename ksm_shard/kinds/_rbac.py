"""What roles and their bindings share: what they are bound to, and the metadata."""

from typing import Any

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, Resource, Rows


def role(resource: Resource, prefix: str) -> None:
    """Declare the families of a role: that it exists."""

    def info(obj: Any) -> Rows:
        del obj
        return [()]

    _shared.annotations(resource, prefix)
    _shared.labels(resource, prefix, ALPHA)
    resource.info(f"{prefix}_info", "That the role exists.", ALPHA)(info)
    _shared.created(resource, prefix, ALPHA)
    _shared.metadata_resource_version(resource, prefix)


def binding(resource: Resource, prefix: str) -> None:
    """Declare the families of a binding: which role it grants."""

    def info(obj: Any) -> Rows:
        return [(obj.roleRef.kind, obj.roleRef.name)]

    _shared.annotations(resource, prefix)
    _shared.labels(resource, prefix, ALPHA)
    resource.info(f"{prefix}_info", "The role that is granted.", ALPHA, labels="roleref_kind roleref_name")(info)
    _shared.created(resource, prefix, ALPHA)
    _shared.metadata_resource_version(resource, prefix)
