"""Pod disruption budgets: healthy pods, and pods that may be disrupted."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Resource
from ksm_shard.wire.messages.policy_v1_pb2 import PodDisruptionBudget

poddisruptionbudgets = Resource(
    "policy/v1",
    "poddisruptionbudgets",
    PodDisruptionBudget,
    labels={"namespace": "namespace", "poddisruptionbudget": "name"},
)

_shared.annotations(poddisruptionbudgets, "kube_poddisruptionbudget")
_shared.labels(poddisruptionbudgets, "kube_poddisruptionbudget", ALPHA)
_shared.created(poddisruptionbudgets, "kube_poddisruptionbudget")


@poddisruptionbudgets.value("kube_poddisruptionbudget_status_current_healthy", "Number of healthy pods.", STABLE)
def current_healthy(budget: PodDisruptionBudget) -> int:
    return budget.status.currentHealthy


@poddisruptionbudgets.value(
    "kube_poddisruptionbudget_status_desired_healthy", "Minimum number of healthy pods.", STABLE
)
def desired_healthy(budget: PodDisruptionBudget) -> int:
    return budget.status.desiredHealthy


@poddisruptionbudgets.value(
    "kube_poddisruptionbudget_status_pod_disruptions_allowed", "Number of pods that may be disrupted now.", STABLE
)
def disruptions_allowed(budget: PodDisruptionBudget) -> int:
    return budget.status.disruptionsAllowed


@poddisruptionbudgets.value(
    "kube_poddisruptionbudget_status_expected_pods", "Number of pods that the budget covers.", STABLE
)
def expected_pods(budget: PodDisruptionBudget) -> int:
    return budget.status.expectedPods


@poddisruptionbudgets.value(
    "kube_poddisruptionbudget_status_observed_generation", "Generation that the controller last observed.", STABLE
)
def observed_generation(budget: PodDisruptionBudget) -> int:
    return budget.status.observedGeneration


_shared.deletion_timestamp(poddisruptionbudgets, "kube_poddisruptionbudget")
