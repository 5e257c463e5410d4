"""Horizontal pod autoscalers: bounds, targets, current metrics, and conditions."""

from ksm_shard.kinds import _scaling, _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Resource, Rows
from ksm_shard.metrics.quantity import approximate
from ksm_shard.wire.messages.autoscaling_v2_pb2 import HorizontalPodAutoscaler

horizontalpodautoscalers = Resource(
    "autoscaling/v2",
    "horizontalpodautoscalers",
    HorizontalPodAutoscaler,
    labels={"namespace": "namespace", "horizontalpodautoscaler": "name"},
    view=_scaling.ScalerView,
)


@horizontalpodautoscalers.info(
    "kube_horizontalpodautoscaler_info",
    "Object that an autoscaler scales.",
    ALPHA,
    labels="scaletargetref_api_version scaletargetref_kind scaletargetref_name",
    sparse="scaletargetref_api_version",
)
def info(scaler: HorizontalPodAutoscaler) -> Rows:
    target = scaler.spec.scaleTargetRef
    return [(target.apiVersion or None, target.kind, target.name)]


_shared.metadata_generation(horizontalpodautoscalers, "kube_horizontalpodautoscaler")


@horizontalpodautoscalers.value("kube_horizontalpodautoscaler_spec_max_replicas", "Maximum number of replicas.", STABLE)
def max_replicas(scaler: HorizontalPodAutoscaler) -> int:
    return scaler.spec.maxReplicas


@horizontalpodautoscalers.value("kube_horizontalpodautoscaler_spec_min_replicas", "Minimum number of replicas.", STABLE)
def min_replicas(scaler: HorizontalPodAutoscaler) -> int:
    return scaler.spec.minReplicas if scaler.spec.HasField("minReplicas") else 1


horizontalpodautoscalers.viewed.rows(
    "kube_horizontalpodautoscaler_spec_target_metric",
    "Target value of a metric; utilization in percent.",
    ALPHA,
    labels=f"metric_name metric_target_type container {_scaling.DISTINCTION}",
    sparse=_scaling.DISTINCTION,
)(_scaling.targets)


@horizontalpodautoscalers.value(
    "kube_horizontalpodautoscaler_spec_behavior_scale_down_tolerance",
    "Fraction of the target by which a metric may be below the target before the autoscaler scales down.",
    ALPHA,
)
def scale_down_tolerance(scaler: HorizontalPodAutoscaler) -> float | None:
    rules = scaler.spec.behavior.scaleDown
    return approximate(rules.tolerance.string) if rules.HasField("tolerance") else None


@horizontalpodautoscalers.value(
    "kube_horizontalpodautoscaler_spec_behavior_scale_up_tolerance",
    "Fraction of the target by which a metric may be above the target before the autoscaler scales up.",
    ALPHA,
)
def scale_up_tolerance(scaler: HorizontalPodAutoscaler) -> float | None:
    rules = scaler.spec.behavior.scaleUp
    return approximate(rules.tolerance.string) if rules.HasField("tolerance") else None


horizontalpodautoscalers.viewed.rows(
    "kube_horizontalpodautoscaler_status_target_metric",
    "Current value of a metric; utilization in percent.",
    STABLE,
    labels=f"metric_name metric_target_type container {_scaling.DISTINCTION}",
    sparse=_scaling.DISTINCTION,
)(_scaling.values)


@horizontalpodautoscalers.value(
    "kube_horizontalpodautoscaler_status_current_replicas", "Current number of replicas.", STABLE
)
def current_replicas(scaler: HorizontalPodAutoscaler) -> int:
    return scaler.status.currentReplicas


@horizontalpodautoscalers.value(
    "kube_horizontalpodautoscaler_status_desired_replicas", "Desired number of replicas.", STABLE
)
def desired_replicas(scaler: HorizontalPodAutoscaler) -> int:
    return scaler.status.desiredReplicas


_shared.annotations(horizontalpodautoscalers, "kube_horizontalpodautoscaler")
_shared.labels(horizontalpodautoscalers, "kube_horizontalpodautoscaler")


@horizontalpodautoscalers.states(
    "kube_horizontalpodautoscaler_status_condition",
    "Conditions of an autoscaler.",
    STABLE,
    labels="condition status",
    states=_shared.CONDITION_STATES,
)
def condition(scaler: HorizontalPodAutoscaler) -> Rows:
    return _shared.conditions(scaler.status.conditions)


_shared.created(horizontalpodautoscalers, "kube_horizontalpodautoscaler", ALPHA)
_shared.deletion_timestamp(horizontalpodautoscalers, "kube_horizontalpodautoscaler")
