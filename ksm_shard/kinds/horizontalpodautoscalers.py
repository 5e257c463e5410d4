"""Horizontal pod autoscalers: their bounds, their targets, and where they stand."""

from collections.abc import Callable, Iterable
from typing import Any

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Resource, Rows
from ksm_shard.metrics.quantity import approximate, quantity
from ksm_shard.wire.messages.autoscaling_v2_pb2 import HorizontalPodAutoscaler

horizontalpodautoscalers = Resource(
    "autoscaling/v2",
    "horizontalpodautoscalers",
    HorizontalPodAutoscaler,
    labels={"namespace": "namespace", "horizontalpodautoscaler": "name"},
)

# The type of a metric -> the field that describes it. One that names a field it does not have is passed over.
SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}


@horizontalpodautoscalers.info(
    "kube_horizontalpodautoscaler_info",
    "What is scaled.",
    ALPHA,
    labels="scaletargetref_api_version scaletargetref_kind scaletargetref_name",
    sparse=True,
)
def info(scaler: HorizontalPodAutoscaler) -> Rows:
    target = scaler.spec.scaleTargetRef
    return [(target.apiVersion or None, target.kind, target.name)]


_shared.metadata_generation(horizontalpodautoscalers, "kube_horizontalpodautoscaler")


@horizontalpodautoscalers.value("kube_horizontalpodautoscaler_spec_max_replicas", "Replicas at most.", STABLE)
def max_replicas(scaler: HorizontalPodAutoscaler) -> int:
    return scaler.spec.maxReplicas


@horizontalpodautoscalers.value("kube_horizontalpodautoscaler_spec_min_replicas", "Replicas at least.", STABLE)
def min_replicas(scaler: HorizontalPodAutoscaler) -> int:
    return scaler.spec.minReplicas if scaler.spec.HasField("minReplicas") else 1


def _metrics(metrics: Iterable[Any], values: Callable[[Any], Any]) -> Rows:
    """Return rows of name, sort, container and value: up to three for each metric, from where `values` finds them."""
    rows: list[tuple[str, str, str, float]] = []
    for metric in metrics:
        field = SOURCES.get(metric.type)
        if field is None or not metric.HasField(field):
            continue
        source = getattr(metric, field)
        name = source.name if field in {"resource", "containerResource"} else source.metric.name
        container = source.container if field == "containerResource" else ""
        given = values(source)
        if given.HasField("value"):
            rows.append((name, "value", container, quantity(given.value.string)))
        if given.HasField("averageValue"):
            rows.append((name, "average", container, quantity(given.averageValue.string)))
        if given.HasField("averageUtilization"):
            rows.append((name, "utilization", container, given.averageUtilization))
    return rows


@horizontalpodautoscalers.rows(
    "kube_horizontalpodautoscaler_spec_target_metric",
    "What a metric should be; a utilization is in percent.",
    ALPHA,
    labels="metric_name metric_target_type container",
)
def spec_target_metric(scaler: HorizontalPodAutoscaler) -> Rows:
    return _metrics(scaler.spec.metrics, lambda source: source.target)


@horizontalpodautoscalers.value(
    "kube_horizontalpodautoscaler_spec_behavior_scale_down_tolerance",
    "How far below its target a metric may be before the replicas become fewer, as a fraction of the target.",
    ALPHA,
)
def scale_down_tolerance(scaler: HorizontalPodAutoscaler) -> float | None:
    rules = scaler.spec.behavior.scaleDown
    return approximate(rules.tolerance.string) if rules.HasField("tolerance") else None


@horizontalpodautoscalers.value(
    "kube_horizontalpodautoscaler_spec_behavior_scale_up_tolerance",
    "How far above its target a metric may be before the replicas become more, as a fraction of the target.",
    ALPHA,
)
def scale_up_tolerance(scaler: HorizontalPodAutoscaler) -> float | None:
    rules = scaler.spec.behavior.scaleUp
    return approximate(rules.tolerance.string) if rules.HasField("tolerance") else None


@horizontalpodautoscalers.rows(
    "kube_horizontalpodautoscaler_status_target_metric",
    "What a metric is; a utilization is in percent.",
    STABLE,
    labels="metric_name metric_target_type container",
)
def status_target_metric(scaler: HorizontalPodAutoscaler) -> Rows:
    return _metrics(scaler.status.currentMetrics, lambda source: source.current)


@horizontalpodautoscalers.value(
    "kube_horizontalpodautoscaler_status_current_replicas", "Replicas that there are.", STABLE
)
def current_replicas(scaler: HorizontalPodAutoscaler) -> int:
    return scaler.status.currentReplicas


@horizontalpodautoscalers.value(
    "kube_horizontalpodautoscaler_status_desired_replicas", "Replicas that there should be.", STABLE
)
def desired_replicas(scaler: HorizontalPodAutoscaler) -> int:
    return scaler.status.desiredReplicas


_shared.annotations(horizontalpodautoscalers, "kube_horizontalpodautoscaler")
_shared.labels(horizontalpodautoscalers, "kube_horizontalpodautoscaler")


@horizontalpodautoscalers.states(
    "kube_horizontalpodautoscaler_status_condition",
    "What holds the autoscaler up, and what does not.",
    STABLE,
    labels="condition status",
    states=_shared.CONDITION_STATES,
)
def condition(scaler: HorizontalPodAutoscaler) -> Rows:
    return _shared.conditions(scaler.status.conditions)


_shared.created(horizontalpodautoscalers, "kube_horizontalpodautoscaler", ALPHA)
_shared.deletion_timestamp(horizontalpodautoscalers, "kube_horizontalpodautoscaler")
