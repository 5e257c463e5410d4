"""Replica sets: desired and actual pods, and owner."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Resource
from ksm_shard.wire.messages.apps_v1_pb2 import ReplicaSet

replicasets = Resource("apps/v1", "replicasets", ReplicaSet, labels={"namespace": "namespace", "replicaset": "name"})

_shared.created(replicasets, "kube_replicaset")


@replicasets.value("kube_replicaset_status_replicas", "Pods of a replica set.", STABLE)
def replicas(replicaset: ReplicaSet) -> int:
    return replicaset.status.replicas


@replicasets.value(
    "kube_replicaset_status_fully_labeled_replicas",
    "Pods of a replica set that have all labels of the template.",
    STABLE,
)
def fully_labeled_replicas(replicaset: ReplicaSet) -> int:
    return replicaset.status.fullyLabeledReplicas


@replicasets.value("kube_replicaset_status_ready_replicas", "Pods of a replica set that are ready.", STABLE)
def ready_replicas(replicaset: ReplicaSet) -> int:
    return replicaset.status.readyReplicas


@replicasets.value("kube_replicaset_status_terminating_replicas", "Pods of a replica set that are terminating.", ALPHA)
def terminating_replicas(replicaset: ReplicaSet) -> int | None:
    status = replicaset.status
    return status.terminatingReplicas if status.HasField("terminatingReplicas") else None


@replicasets.value(
    "kube_replicaset_status_observed_generation", "Generation that the controller last observed.", STABLE
)
def observed_generation(replicaset: ReplicaSet) -> int:
    return replicaset.status.observedGeneration


@replicasets.value("kube_replicaset_spec_replicas", "Desired number of pods of a replica set.", STABLE)
def spec_replicas(replicaset: ReplicaSet) -> int | None:
    return replicaset.spec.replicas if replicaset.spec.HasField("replicas") else None


_shared.metadata_generation(replicasets, "kube_replicaset")
_shared.owners(replicasets, "kube_replicaset")
_shared.annotations(replicasets, "kube_replicaset")
_shared.labels(replicasets, "kube_replicaset")
