"""Pods: node, phase, conditions, containers, and volumes."""

import re
from ipaddress import ip_address
from typing import NamedTuple

from ksm_shard.kinds import _containers, _shared
from ksm_shard.kinds._pod import PodView
from ksm_shard.metrics.families import ALPHA, STABLE, Resource, Rows
from ksm_shard.metrics.quantity import quantity, whole
from ksm_shard.metrics.time import seconds
from ksm_shard.wire.messages.core_v1_pb2 import Pod

# Fields in which pods of one workload differ. Without them 20,000 made-up pods of 800 workloads are of 2 kinds.
VARIED = {
    "Pod": "metadata",
    "PodSpec": "nodeName",
    "Volume": "name",
    "PersistentVolumeClaimVolumeSource": "claimName",
    "Container": "image",
    "PodStatus": "hostIP podIP podIPs startTime",
    "PodCondition": "lastTransitionTime",
    "PodResourceClaimStatus": "resourceClaimName",
    "ContainerStatus": "containerID image imageID restartCount",
    "ContainerStateRunning": "startedAt",
    "ContainerStateTerminated": "finishedAt startedAt",
}

pods = Resource(
    "v1",
    "pods",
    Pod,
    labels={"namespace": "namespace", "pod": "name", "uid": "uid"},
    shared={"node": "spec.nodeName"},
    view=PodView,
    varied=VARIED,
)

# Tried before `ipaddress`, because the pattern takes 0.4 us instead of 2.5 us.
IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}")
PHASES = ("Pending", "Succeeded", "Failed", "Unknown", "Running")
QOS_CLASSES = ("BestEffort", "Burstable", "Guaranteed")
# Reasons with a series of their own. Any other reason in the pod's own status counts as "Other", so that free text creates no
# series.
REASONS = frozenset(
    {
        "Evicted",
        "NodeAffinity",
        "NodeLost",
        "PreemptionByScheduler",
        "SchedulingGated",
        "Shutdown",
        "TerminationByKubelet",
        "UnexpectedAdmissionError",
    }
)
DISRUPTION_REASONS = frozenset(
    {
        "DeletionByPodGC",
        "DeletionByTaintManager",
        "EvictionByEvictionAPI",
        "PreemptionByScheduler",
        "TerminationByKubelet",
    }
)


@pods.viewed.value(
    "kube_pod_completion_time", "Unix time at which the last container of a completed pod terminated.", STABLE
)
def completion_time(pod: PodView) -> int | None:
    ended = [one.state.terminated.finishedAt for one in pod.statuses if one.state.HasField("terminated")]
    return max((seconds(moment) or 0 for moment in ended), default=0) or None


_containers.declare(
    pods,
    "kube_pod_container",
    "a container",
    specs=lambda pod: pod.spec.containers[:],
    statuses=lambda pod: pod.statuses,
    alpha=False,
)
_shared.created(pods, "kube_pod")
_shared.deletion_timestamp(pods, "kube_pod")


@pods.info(
    "kube_pod_info",
    "Addresses, node and controller of a pod.",
    STABLE,
    labels="host_ip pod_ip node created_by_kind created_by_name priority_class host_network",
)
def info(pod: Pod) -> Rows:
    owner = _shared.controller_of(pod)
    spec, status = pod.spec, pod.status
    return [
        (
            status.hostIP,
            status.podIP,
            spec.nodeName,
            owner.kind,
            owner.name,
            spec.priorityClassName,
            _shared.boolean(spec.hostNetwork),
        )
    ]


@pods.info("kube_pod_ips", "IP addresses of a pod and their family.", ALPHA, labels="ip ip_family")
def ips(pod: Pod) -> Rows:
    return [(one.ip, family) for one in pod.status.podIPs[:] if (family := ip_family(one.ip))]


def ip_family(text: str) -> str:
    """Return "4" or "6"; "" for a text that is not an address.

    An IPv4 address mapped to IPv6 counts as 4.
    """
    if IPV4.fullmatch(text):
        return "4"
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return "4" if address.version == 4 or address.ipv4_mapped else "6"


_containers.declare(
    pods,
    "kube_pod_init_container",
    "an init container",
    specs=lambda pod: pod.spec.initContainers[:],
    statuses=lambda pod: pod.status.initContainerStatuses[:],
    alpha=True,
)
_shared.annotations(pods, "kube_pod")
_shared.labels(pods, "kube_pod")


@pods.value("kube_pod_overhead_cpu_cores", "CPU cores that a pod needs beyond those of its containers.", ALPHA)
def overhead_cpu_cores(pod: Pod) -> float | None:
    amounts = pod.spec.overhead
    return quantity(amounts["cpu"].string) if "cpu" in amounts else None


@pods.value("kube_pod_overhead_memory_bytes", "Memory in bytes that a pod needs beyond that of its containers.", ALPHA)
def overhead_memory_bytes(pod: Pod) -> float | None:
    amounts = pod.spec.overhead
    return whole(amounts["memory"].string) if "memory" in amounts else None


_shared.owners(pods, "kube_pod")


@pods.info(
    "kube_pod_resourceclaim_info",
    "Resource claims of a pod.",
    ALPHA,
    labels="claim_name resourceclaim_name resourceclaim_template_name",
)
def resourceclaim_info(pod: Pod) -> Rows:
    if not pod.spec.resourceClaims:
        return ()
    # A claim given by name counts, even if the name is ""; the status names claims that were made from a template.
    made = {
        status.name: status.resourceClaimName
        for status in pod.status.resourceClaimStatuses
        if status.HasField("resourceClaimName")
    }
    return [
        (
            claim.name,
            claim.resourceClaimName if claim.HasField("resourceClaimName") else made.get(claim.name, ""),
            claim.resourceClaimTemplateName,
        )
        for claim in pod.spec.resourceClaims
        if claim.HasField("resourceClaimName") or claim.HasField("resourceClaimTemplateName")
    ]


@pods.info("kube_pod_restart_policy", "Restart policy of a pod.", STABLE, labels="type")
def restart_policy(pod: Pod) -> Rows:
    return [(pod.spec.restartPolicy,)]


@pods.info("kube_pod_runtimeclass_name_info", "Runtime class of a pod.", ALPHA, labels="runtimeclass_name")
def runtimeclass_name_info(pod: Pod) -> Rows:
    return [(pod.spec.runtimeClassName,)] if pod.spec.HasField("runtimeClassName") else ()


class ClaimedVolume(NamedTuple):
    """A volume of a pod that is a persistent volume claim.

    `ephemeral` is "true" for a claim that the pod brings.
    """

    name: str
    claim: str
    ephemeral: str
    read_only: bool


def claimed_volumes(pod: Pod) -> list[ClaimedVolume]:
    """Return the volumes of a pod that are persistent volume claims."""
    claimed = []
    for volume in pod.spec.volumes[:]:
        source = volume.volumeSource
        if source.HasField("persistentVolumeClaim"):
            claim = source.persistentVolumeClaim
            claimed.append(ClaimedVolume(volume.name, claim.claimName, "false", claim.readOnly))
        elif source.HasField("ephemeral"):
            # The claim of an ephemeral volume is named after the pod and the volume (KEP-1698).
            claimed.append(ClaimedVolume(volume.name, pod.metadata.name + "-" + volume.name, "true", read_only=False))
    return claimed


volumes = pods.part(claimed_volumes, {"volume": "name", "persistentvolumeclaim": "claim", "ephemeral": "ephemeral"})


@volumes.info(
    "kube_pod_spec_volumes_persistentvolumeclaims_info", "Persistent volume claims among the volumes of a pod.", STABLE
)
def volumes_info(volume: ClaimedVolume) -> Rows:
    del volume
    return [()]


@volumes.value(
    "kube_pod_spec_volumes_persistentvolumeclaims_readonly",
    "Whether a persistent volume claim is mounted read-only.",
    STABLE,
)
def volumes_readonly(volume: ClaimedVolume) -> bool:
    return volume.read_only


@pods.value("kube_pod_start_time", "Unix time at which the kubelet acknowledged a pod.", STABLE)
def start_time(pod: Pod) -> int | None:
    return seconds(pod.status.startTime)


@pods.one_hot("kube_pod_status_phase", "Phase of a pod.", STABLE, label="phase", states=PHASES)
def phase(pod: Pod) -> str:
    return pod.status.phase


@pods.one_hot(
    "kube_pod_status_qos_class", "Quality-of-service class of a pod.", ALPHA, label="qos_class", states=QOS_CLASSES
)
def qos_class(pod: Pod) -> str:
    return pod.status.qosClass


@pods.viewed.states(
    "kube_pod_status_ready",
    "Whether a pod is ready to serve.",
    STABLE,
    labels="condition",
    states=_shared.CONDITION_STATES,
)
def ready(pod: PodView) -> Rows:
    return [(_shared.state_of(one.status),) for one in pod.conditions if one.type == "Ready"]


@pods.viewed.value("kube_pod_status_ready_time", "Unix time since which a pod is ready.", ALPHA)
def ready_time(pod: PodView) -> int | None:
    return pod.since("Ready", "True")


@pods.viewed.value("kube_pod_status_initialized_time", "Unix time since which a pod is initialized.", ALPHA)
def initialized_time(pod: PodView) -> int | None:
    return pod.since("Initialized", "True")


@pods.viewed.value("kube_pod_status_container_ready_time", "Unix time since which all containers are ready.", ALPHA)
def container_ready_time(pod: PodView) -> int | None:
    return pod.since("ContainersReady", "True")


@pods.viewed.info(
    "kube_pod_status_reason", "Reason of an exceptional state of a pod, such as an eviction.", ALPHA, labels="reason"
)
def reason(pod: PodView) -> Rows:
    stated = pod.status.reason
    found = {stated}
    found.update(condition.reason for condition in pod.conditions)
    found.update(status.state.terminated.reason for status in pod.statuses if status.state.HasField("terminated"))
    rows = [(text,) for text in sorted(found & REASONS)]
    return [*rows, ("Other",)] if stated and stated not in REASONS else rows


@pods.viewed.info(
    "kube_pod_status_disruption_reason", "Reason of an imminent disruption of a pod.", ALPHA, labels="reason"
)
def disruption_reason(pod: PodView) -> Rows:
    reasons = [condition.reason for condition in pod.conditions if condition.type == "DisruptionTarget"]
    return [(text if text in DISRUPTION_REASONS else "Other",) for text in reasons]


@pods.viewed.states(
    "kube_pod_status_scheduled",
    "Whether a pod is scheduled to a node.",
    STABLE,
    labels="condition",
    states=_shared.CONDITION_STATES,
)
def scheduled(pod: PodView) -> Rows:
    return [(_shared.state_of(one.status),) for one in pod.conditions if one.type == "PodScheduled"]


@pods.viewed.value("kube_pod_status_scheduled_time", "Unix time since which a pod is scheduled to a node.", STABLE)
def scheduled_time(pod: PodView) -> int | None:
    return pod.since("PodScheduled", "True")


@pods.viewed.value("kube_pod_status_unschedulable", "1 if a pod cannot be scheduled; no sample otherwise.", STABLE)
def unschedulable(pod: PodView) -> int | None:
    return 1 if any(one.type == "PodScheduled" and one.status == "False" for one in pod.conditions) else None


@pods.viewed.value("kube_pod_status_unscheduled_time", "Unix time since which a pod cannot be scheduled.", ALPHA)
def unscheduled_time(pod: PodView) -> int | None:
    return pod.since("PodScheduled", "False")


@pods.info(
    "kube_pod_tolerations",
    "Tolerations of a pod.",
    ALPHA,
    labels="key operator value effect toleration_seconds",
)
def tolerations(pod: Pod) -> Rows:
    return [
        (
            one.key,
            one.operator,
            one.value,
            one.effect,
            str(one.tolerationSeconds) if one.HasField("tolerationSeconds") else "",
        )
        for one in pod.spec.tolerations[:]
    ]


@pods.mapping("kube_pod_nodeselectors", "Node selector of a pod.", ALPHA, prefix="nodeselector", opt_in=True)
def nodeselectors(pod: Pod) -> object:
    return pod.spec.nodeSelector


@pods.info("kube_pod_service_account", "Service account of a pod.", ALPHA, labels="service_account")
def service_account(pod: Pod) -> Rows:
    return [(pod.spec.serviceAccountName,)]


@pods.info("kube_pod_scheduler", "Scheduler of a pod.", ALPHA, labels="name")
def scheduler(pod: Pod) -> Rows:
    return [(pod.spec.schedulerName,)]
