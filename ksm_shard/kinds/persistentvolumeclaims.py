"""Persistent volume claims: request, class, bound volume, and phase."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Resource, Rows
from ksm_shard.metrics.quantity import whole
from ksm_shard.wire.messages.core_v1_pb2 import PersistentVolumeClaim

persistentvolumeclaims = Resource(
    "v1",
    "persistentvolumeclaims",
    PersistentVolumeClaim,
    labels={"namespace": "namespace", "persistentvolumeclaim": "name"},
)

# Named the storage class before the field storageClassName existed.
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"

_shared.labels(persistentvolumeclaims, "kube_persistentvolumeclaim")
_shared.annotations(persistentvolumeclaims, "kube_persistentvolumeclaim")


@persistentvolumeclaims.info(
    "kube_persistentvolumeclaim_info",
    "Class and volume of a claim.",
    STABLE,
    labels="storageclass volumename volumemode",
)
def info(claim: PersistentVolumeClaim) -> Rows:
    spec = claim.spec
    return [(storage_class(claim), spec.volumeName, spec.volumeMode)]


def storage_class(claim: PersistentVolumeClaim) -> str:
    """Return the storage class, preferably of the annotation, otherwise of the field."""
    annotations = claim.metadata.annotations
    if CLASS_ANNOTATION in annotations:
        return annotations[CLASS_ANNOTATION]
    return claim.spec.storageClassName


@persistentvolumeclaims.one_hot(
    "kube_persistentvolumeclaim_status_phase",
    "Phase of a claim.",
    STABLE,
    label="phase",
    states=("Lost", "Bound", "Pending"),
)
def phase(claim: PersistentVolumeClaim) -> str:
    return claim.status.phase


@persistentvolumeclaims.value(
    "kube_persistentvolumeclaim_resource_requests_storage_bytes", "Requested size of a claim in bytes.", STABLE
)
def requests_storage_bytes(claim: PersistentVolumeClaim) -> float | None:
    requests = claim.spec.resources.requests
    return whole(requests["storage"].string) if "storage" in requests else None


@persistentvolumeclaims.info(
    "kube_persistentvolumeclaim_access_mode", "Access modes that a claim requests.", STABLE, labels="access_mode"
)
def access_mode(claim: PersistentVolumeClaim) -> Rows:
    return [(mode,) for mode in claim.spec.accessModes]


@persistentvolumeclaims.states(
    "kube_persistentvolumeclaim_status_condition",
    "Conditions of a claim.",
    ALPHA,
    labels="condition status",
    states=_shared.CONDITION_STATES,
)
def condition(claim: PersistentVolumeClaim) -> Rows:
    return _shared.conditions(claim.status.conditions[:])


_shared.created(persistentvolumeclaims, "kube_persistentvolumeclaim", ALPHA)
_shared.deletion_timestamp(persistentvolumeclaims, "kube_persistentvolumeclaim")
