"""The subresource `scale`: the replicas of an object of any kind."""

from collections.abc import Mapping
from typing import Any, Final

from ksm_shard.simulator import errors
from ksm_shard.simulator.objects import Stored

# Resources that have it.
SCALED: Final = frozenset({"deployments", "replicasets", "replicationcontrollers", "statefulsets"})
HEAD: Final = {"kind": "Scale", "apiVersion": "autoscaling/v1"}
IDENTITY: Final = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def shown(stored: Stored) -> dict[str, Any]:
    """Return the scale of an object."""
    spec, status = stored.data.get("spec") or {}, stored.data.get("status") or {}
    metadata = {name: stored.metadata[name] for name in IDENTITY if name in stored.metadata}
    replicas = spec.get("replicas", 1)
    return {
        **HEAD,
        "metadata": metadata,
        "spec": {"replicas": replicas} if replicas else {},  # 0 is left out
        "status": {"replicas": status.get("replicas", 0)},
    }


def scaled(stored: Stored, scale: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object's data with the replicas of a scale.

    Raises:
        ApiError: it is none.
    """
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        raise errors.bad_request(f"spec.replicas: expected a number of at least 0, got {replicas!r}")
    return {**stored.data, "spec": {**(stored.data.get("spec") or {}), "replicas": replicas}}
