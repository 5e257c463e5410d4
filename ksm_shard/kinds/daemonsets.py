"""Daemon sets: nodes by the state of their pod, and revisions."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import STABLE, Resource
from ksm_shard.wire.messages.apps_v1_pb2 import DaemonSet

daemonsets = Resource("apps/v1", "daemonsets", DaemonSet, labels={"namespace": "namespace", "daemonset": "name"})

_shared.created(daemonsets, "kube_daemonset")


@daemonsets.value(
    "kube_daemonset_status_current_number_scheduled", "Nodes that run the daemon pod as they should.", STABLE
)
def current_number_scheduled(daemonset: DaemonSet) -> int:
    return daemonset.status.currentNumberScheduled


@daemonsets.value("kube_daemonset_status_desired_number_scheduled", "Nodes that should run the daemon pod.", STABLE)
def desired_number_scheduled(daemonset: DaemonSet) -> int:
    return daemonset.status.desiredNumberScheduled


@daemonsets.value("kube_daemonset_status_number_available", "Nodes whose daemon pod is available.", STABLE)
def number_available(daemonset: DaemonSet) -> int:
    return daemonset.status.numberAvailable


@daemonsets.value("kube_daemonset_status_number_misscheduled", "Nodes that run the daemon pod but should not.", STABLE)
def number_misscheduled(daemonset: DaemonSet) -> int:
    return daemonset.status.numberMisscheduled


@daemonsets.value("kube_daemonset_status_number_ready", "Nodes whose daemon pod is ready.", STABLE)
def number_ready(daemonset: DaemonSet) -> int:
    return daemonset.status.numberReady


@daemonsets.value("kube_daemonset_status_number_unavailable", "Nodes whose daemon pod is not available.", STABLE)
def number_unavailable(daemonset: DaemonSet) -> int:
    return daemonset.status.numberUnavailable


@daemonsets.value("kube_daemonset_status_observed_generation", "Generation that the controller last observed.", STABLE)
def observed_generation(daemonset: DaemonSet) -> int:
    return daemonset.status.observedGeneration


@daemonsets.value(
    "kube_daemonset_status_updated_number_scheduled", "Nodes whose daemon pod has the current template.", STABLE
)
def updated_number_scheduled(daemonset: DaemonSet) -> int:
    return daemonset.status.updatedNumberScheduled


_shared.metadata_generation(daemonsets, "kube_daemonset")
_shared.deletion_timestamp(daemonsets, "kube_daemonset")
_shared.annotations(daemonsets, "kube_daemonset")
_shared.labels(daemonsets, "kube_daemonset")
