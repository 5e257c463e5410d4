"""Families and helper functions that many kinds share."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from ksm_shard.metrics.families import ALPHA, STABLE, Resource, Rows
from ksm_shard.metrics.labels import INVALID
from ksm_shard.metrics.quantity import quantity, whole
from ksm_shard.metrics.time import seconds
from ksm_shard.wire.messages.meta_v1_pb2 import OwnerReference, Quantity

NO_OWNER: Final = OwnerReference()
STATE_OF: Final = {"True": "true", "False": "false", "Unknown": "unknown"}
CONDITION_STATES: Final = tuple(STATE_OF.values())


def created(resource: Resource, prefix: str, stability: str = STABLE, *, absent: int | None = None) -> None:
    """Declare the creation time.

    `absent` is the value for an object without one, None for no sample.
    """

    @resource.value(f"{prefix}_created", "Unix creation timestamp.", stability)
    def creation(obj: Any) -> int | None:
        moment = seconds(obj.metadata.creationTimestamp)
        return absent if moment is None else moment


def deletion_timestamp(resource: Resource, prefix: str, stability: str = ALPHA) -> None:
    """Declare the deletion timestamp, the end of the grace period.

    Only an object that is being deleted has one.
    """

    @resource.value(f"{prefix}_deletion_timestamp", "Unix deletion timestamp.", stability)
    def deletion(obj: Any) -> int | None:
        return seconds(obj.metadata.deletionTimestamp)


def metadata_generation(resource: Resource, prefix: str, stability: str = STABLE) -> None:
    """Declare the generation of the desired state."""

    @resource.value(
        f"{prefix}_metadata_generation",
        "Generation of the desired state; each change of the spec increases the number.",
        stability,
    )
    def generation(obj: Any) -> int:
        return int(obj.metadata.generation)


def metadata_resource_version(resource: Resource, prefix: str, stability: str = ALPHA) -> None:
    """Declare the resource version, which changes with every change of the object."""

    @resource.value(f"{prefix}_metadata_resource_version", "Resource version of the object.", stability)
    def resource_version(obj: Any) -> float | None:
        text = obj.metadata.resourceVersion
        return float(text) if text else None


def labels(resource: Resource, prefix: str, stability: str = STABLE) -> None:
    """Declare the Kubernetes labels that the allowlist names, as Prometheus labels."""

    @resource.mapping(
        f"{prefix}_labels",
        "Kubernetes labels that --metric-labels-allowlist names, converted to Prometheus labels.",
        stability,
        prefix="label",
        allowlist="labels",
    )
    def labels_of(obj: Any) -> Any:
        return obj.metadata.labels


def annotations(
    resource: Resource, prefix: str, stability: str = ALPHA, *, withheld: frozenset[str] = frozenset()
) -> None:
    """Declare the Kubernetes annotations that the allowlist names, as Prometheus labels.

    Annotations in `withheld` are never exported.
    """

    @resource.mapping(
        f"{prefix}_annotations",
        "Kubernetes annotations that --metric-annotations-allowlist names, converted to Prometheus labels.",
        stability,
        prefix="annotation",
        allowlist="annotations",
    )
    def annotations_of(obj: Any) -> Any:
        found = obj.metadata.annotations
        return {key: found[key] for key in found if key not in withheld} if withheld else found


def owners(resource: Resource, prefix: str, stability: str = STABLE) -> None:
    """Declare the owners; an object without owners has one row with empty labels."""

    @resource.info(
        f"{prefix}_owner",
        "Owner of the object.",
        stability,
        labels="owner_kind owner_name owner_is_controller",
    )
    def owners_of(obj: Any) -> Rows:
        references = obj.metadata.ownerReferences[:]
        if not references:
            return [("", "", "")]
        return [(owner.kind, owner.name, boolean(owner.controller)) for owner in references]


def boolean(value: bool) -> str:
    """Return a boolean as a label value."""
    return "true" if value else "false"


def controller_of(obj: Any) -> OwnerReference:
    """Return the owner reference of the controller, or an empty reference without one."""
    owner: OwnerReference
    for owner in obj.metadata.ownerReferences[:]:
        if owner.controller:
            return owner
    return NO_OWNER


def state_of(status: str) -> str:
    """Return a condition's status as one of CONDITION_STATES: `True` -> `true`.

    Return "" for a status that the API does not define.
    """
    return STATE_OF.get(status, "")


def conditions(items: Iterable[Any]) -> Rows:
    """Return the type and state of each condition, as rows for a `states` family."""
    return [(condition.type, state_of(condition.status)) for condition in items]


NATIVE_UNITS: Final = {
    "cpu": ("cpu", "core"),
    "memory": ("memory", "byte"),
    "storage": ("storage", "byte"),
    "ephemeral-storage": ("ephemeral_storage", "byte"),
}
# The name of a quota on an extended resource must be valid, too (apimachinery, validation.IsQualifiedName).
EXTENDED: Final = re.compile(
    r"(?=[^/]{1,244}/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
    r"/(?=.{1,63}$)[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
)


def resources_of(quantities: Mapping[str, Quantity]) -> list[tuple[str, str, float]]:
    """Return a resource list such as `{"cpu": 100m}` as rows of resource, unit and value.

    The rows are sorted by name, because protobuf maps have no order.
    """
    return [row for name in sorted(quantities) if (row := resource_row(name, quantities[name].string)) is not None]


# Cached (0.1 us instead of 1.5 us): a cluster has some dozens of different requests and limits.
@lru_cache(maxsize=65536)
def resource_row(name: str, amount: str) -> tuple[str, str, float] | None:
    """Return the label, unit and value of a resource amount.

    Return None for a name that no container or node can have. CPU is fractional; all other resources are rounded up to whole units.
    """
    named = resource_name(name)
    return None if named is None else (*named, quantity(amount) if name == "cpu" else whole(amount))


def resource_name(name: str) -> tuple[str, str] | None:
    """Return a resource name as a label value, and its unit.

    Return None for a name that no container or node can have. Huge pages and attachable volumes are in bytes, as in
    kube-state-metrics. Extended resources, whose name has a domain other than Kubernetes' own, are integers (API reference,
    "Resource units").
    """
    native = NATIVE_UNITS.get(name)
    if native is not None:
        return native
    label = INVALID.sub("_", name)
    if name.startswith(("hugepages-", "attachable-volumes-")):
        return label, "byte"
    if "kubernetes.io/" not in name and not name.startswith("requests.") and EXTENDED.fullmatch(name):
        return label, "integer"
    return None
