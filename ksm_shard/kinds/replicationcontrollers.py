"""Replication controllers: desired and actual pods, and owner."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Resource
from ksm_shard.wire.messages.core_v1_pb2 import ReplicationController

replicationcontrollers = Resource(
    "v1",
    "replicationcontrollers",
    ReplicationController,
    labels={"namespace": "namespace", "replicationcontroller": "name"},
)

_shared.created(replicationcontrollers, "kube_replicationcontroller")


@replicationcontrollers.value("kube_replicationcontroller_status_replicas", "Pods of a replication controller.", STABLE)
def replicas(controller: ReplicationController) -> int:
    return controller.status.replicas


@replicationcontrollers.value(
    "kube_replicationcontroller_status_fully_labeled_replicas",
    "Pods of a replication controller that have all labels of the template.",
    STABLE,
)
def fully_labeled_replicas(controller: ReplicationController) -> int:
    return controller.status.fullyLabeledReplicas


@replicationcontrollers.value(
    "kube_replicationcontroller_status_ready_replicas", "Pods of a replication controller that are ready.", STABLE
)
def ready_replicas(controller: ReplicationController) -> int:
    return controller.status.readyReplicas


@replicationcontrollers.value(
    "kube_replicationcontroller_status_available_replicas",
    "Pods of a replication controller that are available.",
    STABLE,
)
def available_replicas(controller: ReplicationController) -> int:
    return controller.status.availableReplicas


@replicationcontrollers.value(
    "kube_replicationcontroller_status_observed_generation", "Generation that the controller last observed.", STABLE
)
def observed_generation(controller: ReplicationController) -> int:
    return controller.status.observedGeneration


@replicationcontrollers.value(
    "kube_replicationcontroller_spec_replicas", "Desired number of pods of a replication controller.", STABLE
)
def spec_replicas(controller: ReplicationController) -> int | None:
    return controller.spec.replicas if controller.spec.HasField("replicas") else None


_shared.metadata_generation(replicationcontrollers, "kube_replicationcontroller")
_shared.owners(replicationcontrollers, "kube_replicationcontroller", ALPHA)
