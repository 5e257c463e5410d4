"""Stateful sets: desired and actual pods, and revisions."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import STABLE, Resource, Rows
from ksm_shard.wire.messages.apps_v1_pb2 import StatefulSet

statefulsets = Resource(
    "apps/v1", "statefulsets", StatefulSet, labels={"namespace": "namespace", "statefulset": "name"}
)

_shared.created(statefulsets, "kube_statefulset")


@statefulsets.value("kube_statefulset_status_replicas", "Pods of a stateful set.", STABLE)
def status_replicas(statefulset: StatefulSet) -> int:
    return statefulset.status.replicas


@statefulsets.value("kube_statefulset_status_replicas_available", "Pods of a stateful set that are available.", STABLE)
def replicas_available(statefulset: StatefulSet) -> int:
    return statefulset.status.availableReplicas


@statefulsets.value(
    "kube_statefulset_status_replicas_current", "Pods of a stateful set that have the current revision.", STABLE
)
def replicas_current(statefulset: StatefulSet) -> int:
    return statefulset.status.currentReplicas


@statefulsets.value("kube_statefulset_status_replicas_ready", "Pods of a stateful set that are ready.", STABLE)
def replicas_ready(statefulset: StatefulSet) -> int:
    return statefulset.status.readyReplicas


@statefulsets.value(
    "kube_statefulset_status_replicas_updated", "Pods of a stateful set that have the update revision.", STABLE
)
def replicas_updated(statefulset: StatefulSet) -> int:
    return statefulset.status.updatedReplicas


@statefulsets.value(
    "kube_statefulset_status_observed_generation", "Generation that the controller last observed.", STABLE
)
def observed_generation(statefulset: StatefulSet) -> int:
    return statefulset.status.observedGeneration


@statefulsets.value("kube_statefulset_replicas", "Desired number of pods of a stateful set.", STABLE)
def replicas(statefulset: StatefulSet) -> int | None:
    return statefulset.spec.replicas if statefulset.spec.HasField("replicas") else None


@statefulsets.value("kube_statefulset_ordinals_start", "Ordinal of the first pod.", STABLE)
def ordinals_start(statefulset: StatefulSet) -> int | None:
    return statefulset.spec.ordinals.start if statefulset.spec.HasField("ordinals") else None


_shared.metadata_generation(statefulsets, "kube_statefulset")


@statefulsets.info(
    "kube_statefulset_persistentvolumeclaim_retention_policy",
    "Policy for volume claims when the stateful set is deleted or scaled down.",
    STABLE,
    labels="when_deleted when_scaled",
)
def retention_policy(statefulset: StatefulSet) -> Rows:
    policy = statefulset.spec.persistentVolumeClaimRetentionPolicy
    return [(policy.whenDeleted, policy.whenScaled)] if policy.whenDeleted or policy.whenScaled else ()


_shared.annotations(statefulsets, "kube_statefulset", STABLE)
_shared.labels(statefulsets, "kube_statefulset")


@statefulsets.info(
    "kube_statefulset_status_current_revision",
    "Current revision, which pods that are not yet updated have.",
    STABLE,
    labels="revision",
)
def current_revision(statefulset: StatefulSet) -> Rows:
    return [(statefulset.status.currentRevision,)]


@statefulsets.info(
    "kube_statefulset_status_update_revision",
    "Update revision, which pods are being updated to.",
    STABLE,
    labels="revision",
)
def update_revision(statefulset: StatefulSet) -> Rows:
    return [(statefulset.status.updateRevision,)]


_shared.deletion_timestamp(statefulsets, "kube_statefulset", STABLE)
