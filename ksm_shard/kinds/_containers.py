"""Families of containers and of init containers, declared once for both."""

from collections.abc import Callable

from ksm_shard.kinds import _shared
from ksm_shard.kinds._pod import PodView
from ksm_shard.metrics.families import ALPHA, STABLE, Part, Resource, Rows
from ksm_shard.metrics.time import seconds
from ksm_shard.wire.messages.core_v1_pb2 import Container, ContainerStatus


def declare(
    pods: Resource,
    prefix: str,
    of: str,
    *,
    specs: Callable[[PodView], list[Container]],
    statuses: Callable[[PodView], list[ContainerStatus]],
    alpha: bool,
) -> None:
    """Declare the families of containers or of init containers.

    Args:
        pods: the resource.
        prefix: `kube_pod_container` or `kube_pod_init_container`.
        of: name of such a container in help texts: "a container".
        specs: takes a pod and returns its containers as specified.
        statuses: takes a pod and returns the statuses of its containers.
        alpha: declare as ALPHA the families that are ALPHA for init containers but STABLE for containers.
    """
    newer = ALPHA if alpha else STABLE
    _info(pods, prefix, of, specs, statuses, restart_policy=alpha)
    _resources(pods.part(specs, {"container": "name"}, shared=True, viewed=True), prefix, of, newer)
    part = pods.part(statuses, {"container": "name"}, viewed=True)
    _states(part, prefix, of, newer)
    _last_termination(part, prefix, of)


def _info(
    pods: Resource,
    prefix: str,
    of: str,
    specs: Callable[[PodView], list[Container]],
    statuses: Callable[[PodView], list[ContainerStatus]],
    *,
    restart_policy: bool,
) -> None:
    labels = "container image_spec image image_id container_id"

    def rows(pod: PodView) -> Rows:
        if not (known := {status.name: status for status in statuses(pod)}):
            return ()
        return [
            (name, container.image, status.image, status.imageID, status.containerID)
            for container in specs(pod)
            if (status := known.get(name := container.name)) is not None
        ]

    def rows_with_policy(pod: PodView) -> Rows:
        if not statuses(pod):
            return ()
        policies = {container.name: container.restartPolicy for container in specs(pod)}
        return [(*row, policies[row[0]]) for row in rows(pod)]

    declare_info = pods.viewed.info(
        f"{prefix}_info",
        f"Image and ID of {of} in a pod.",
        STABLE,
        labels=f"{labels} restart_policy" if restart_policy else labels,
    )
    declare_info(rows_with_policy if restart_policy else rows)


def _resources(part: Part, prefix: str, of: str, stability: str) -> None:
    @part.rows(f"{prefix}_resource_limits", f"Resource limits of {of}.", stability, labels="resource unit")
    def limits(container: Container) -> Rows:
        return _shared.resources_of(container.resources.limits)

    @part.rows(f"{prefix}_resource_requests", f"Resource requests of {of}.", stability, labels="resource unit")
    def requests(container: Container) -> Rows:
        return _shared.resources_of(container.resources.requests)


def _states(part: Part, prefix: str, of: str, newer: str) -> None:
    # The kubelet reports no start time of a container that it lost sight of (ContainerStatusUnknown).
    @part.value(f"{prefix}_state_started", f"Unix start time of {of} that is running or has terminated.", newer)
    def state_started(status: ContainerStatus) -> int | None:
        state = status.state
        if state.HasField("running"):
            return seconds(state.running.startedAt)
        return seconds(state.terminated.startedAt) if state.HasField("terminated") else None

    @part.value(f"{prefix}_status_ready", f"Whether {of} passes its readiness probe.", STABLE)
    def status_ready(status: ContainerStatus) -> bool:
        return status.ready

    @part.value(f"{prefix}_status_restarts_total", f"Number of restarts of {of}.", STABLE, type="counter")
    def status_restarts_total(status: ContainerStatus) -> int:
        return status.restartCount

    @part.value(f"{prefix}_status_running", f"Whether {of} is running.", STABLE)
    def status_running(status: ContainerStatus) -> bool:
        return status.state.HasField("running")

    @part.value(f"{prefix}_status_terminated", f"Whether {of} is terminated.", STABLE)
    def status_terminated(status: ContainerStatus) -> bool:
        return status.state.HasField("terminated")

    @part.info(f"{prefix}_status_terminated_reason", f"Why {of} is terminated.", ALPHA, labels="reason")
    def status_terminated_reason(status: ContainerStatus) -> Rows:
        state = status.state
        return [(state.terminated.reason,)] if state.HasField("terminated") else []

    @part.value(f"{prefix}_status_waiting", f"Whether {of} is waiting.", STABLE)
    def status_waiting(status: ContainerStatus) -> bool:
        return status.state.HasField("waiting")

    @part.info(f"{prefix}_status_waiting_reason", f"Why {of} is waiting.", newer, labels="reason")
    def status_waiting_reason(status: ContainerStatus) -> Rows:
        state = status.state
        return [(state.waiting.reason,)] if state.HasField("waiting") else []


def _last_termination(part: Part, prefix: str, of: str) -> None:
    @part.info(f"{prefix}_status_last_terminated_reason", f"Why {of} was last terminated.", ALPHA, labels="reason")
    def last_terminated_reason(status: ContainerStatus) -> Rows:
        last = status.lastState
        return [(last.terminated.reason,)] if last.HasField("terminated") else []

    @part.value(f"{prefix}_status_last_terminated_exitcode", f"Exit code of the last termination of {of}.", ALPHA)
    def last_terminated_exitcode(status: ContainerStatus) -> int | None:
        last = status.lastState
        return last.terminated.exitCode if last.HasField("terminated") else None

    @part.value(f"{prefix}_status_last_terminated_timestamp", f"Unix time of the last termination of {of}.", ALPHA)
    def last_terminated_timestamp(status: ContainerStatus) -> int | None:
        last = status.lastState
        return seconds(last.terminated.finishedAt) if last.HasField("terminated") else None
