"""Deployments: desired and actual pods, strategy, and the state of the rollout."""

from collections.abc import Callable
from math import ceil, floor

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Resource, Rows
from ksm_shard.wire.messages.apps_v1_pb2 import Deployment, DeploymentSpec
from ksm_shard.wire.messages.meta_v1_pb2 import IntOrString

deployments = Resource("apps/v1", "deployments", Deployment, labels={"namespace": "namespace", "deployment": "name"})

# Reasons with a series of their own in kube-state-metrics. Any other, FailedCreate among them, counts as "unknown", which alerts
# select, so that free text creates no series.
REASONS = frozenset(
    {
        "",
        "DeploymentPaused",
        "DeploymentResumed",
        "FoundNewReplicaSet",
        "MinimumReplicasAvailable",
        "MinimumReplicasUnavailable",
        "NewReplicaSetAvailable",
        "NewReplicaSetCreated",
        "ProgressDeadlineExceeded",
        "ReplicaSetCreateError",
        "ReplicaSetUpdated",
    }
)


@deployments.info("kube_deployment_owner", "Owner of the deployment.", ALPHA, labels="owner_kind owner_name")
def owner(deployment: Deployment) -> Rows:
    return [(one.kind, one.name) for one in deployment.metadata.ownerReferences[:]] or [("", "")]


_shared.created(deployments, "kube_deployment")


@deployments.value("kube_deployment_status_replicas", "Pods of a deployment.", STABLE)
def replicas(deployment: Deployment) -> int:
    return deployment.status.replicas


@deployments.value("kube_deployment_status_replicas_ready", "Pods of a deployment that are ready.", STABLE)
def replicas_ready(deployment: Deployment) -> int:
    return deployment.status.readyReplicas


@deployments.value("kube_deployment_status_replicas_available", "Pods of a deployment that are available.", STABLE)
def replicas_available(deployment: Deployment) -> int:
    return deployment.status.availableReplicas


@deployments.value(
    "kube_deployment_status_replicas_unavailable", "Pods that a deployment still lacks to be fully available.", STABLE
)
def replicas_unavailable(deployment: Deployment) -> int:
    return deployment.status.unavailableReplicas


@deployments.value(
    "kube_deployment_status_replicas_updated", "Pods of a deployment that have the current template.", STABLE
)
def replicas_updated(deployment: Deployment) -> int:
    return deployment.status.updatedReplicas


@deployments.value("kube_deployment_status_terminating_replicas", "Pods of a deployment that are terminating.", ALPHA)
def terminating_replicas(deployment: Deployment) -> int | None:
    status = deployment.status
    return status.terminatingReplicas if status.HasField("terminatingReplicas") else None


@deployments.value(
    "kube_deployment_status_observed_generation", "Generation that the controller last observed.", STABLE
)
def observed_generation(deployment: Deployment) -> int:
    return deployment.status.observedGeneration


@deployments.states(
    "kube_deployment_status_condition",
    "Conditions of a deployment.",
    STABLE,
    labels="reason condition status",
    states=_shared.CONDITION_STATES,
)
def condition(deployment: Deployment) -> Rows:
    return [
        (one.reason if one.reason in REASONS else "unknown", one.type, _shared.state_of(one.status))
        for one in deployment.status.conditions[:]
    ]


@deployments.value("kube_deployment_spec_replicas", "Desired number of pods of a deployment.", STABLE)
def spec_replicas(deployment: Deployment) -> int | None:
    return deployment.spec.replicas if deployment.spec.HasField("replicas") else None


@deployments.value("kube_deployment_spec_paused", "Whether a deployment is paused.", STABLE)
def paused(deployment: Deployment) -> bool:
    return deployment.spec.paused


@deployments.value(
    "kube_deployment_spec_strategy_rollingupdate_max_unavailable",
    "Pods that may be unavailable during a rolling update.",
    STABLE,
)
def max_unavailable(deployment: Deployment) -> int | None:
    update = deployment.spec.strategy.rollingUpdate
    return scaled(update.maxUnavailable, deployment.spec, floor) if update.HasField("maxUnavailable") else None


@deployments.value(
    "kube_deployment_spec_strategy_rollingupdate_max_surge",
    "Pods that a rolling update may create above the desired number.",
    STABLE,
)
def max_surge(deployment: Deployment) -> int | None:
    update = deployment.spec.strategy.rollingUpdate
    return scaled(update.maxSurge, deployment.spec, ceil) if update.HasField("maxSurge") else None


def scaled(value: IntOrString, spec: DeploymentSpec, whole: Callable[[float], int]) -> int | None:
    """Return an int-or-string as a number of pods.

    A percentage is one of `spec.replicas` (API reference, IntOrString).

    Args:
        value: the number or percentage.
        spec: holds the number of replicas; None is returned if it is absent.
        whole: rounds the result of a percentage: floor or ceil.

    Raises:
        ValueError: the text is not a percentage.
    """
    if not spec.HasField("replicas"):
        return None
    if value.type == 0:
        return value.intVal
    if not value.strVal.endswith("%"):
        raise ValueError(f"expected a percentage, got {value.strVal!r:.80}")
    return whole(int(value.strVal[:-1]) * spec.replicas / 100)


_shared.metadata_generation(deployments, "kube_deployment")
_shared.deletion_timestamp(deployments, "kube_deployment")
_shared.annotations(deployments, "kube_deployment")
_shared.labels(deployments, "kube_deployment")
