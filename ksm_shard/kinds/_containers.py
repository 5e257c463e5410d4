"""Families of containers and of init containers, declared once for both."""

from collections.abc import Callable

from ksm_shard.kinds._pod import PodView, SpecView, StatusView, limits_of, requests_of
from ksm_shard.metrics.families import ALPHA, STABLE, Part, Resource, Rows
from ksm_shard.metrics.time import seconds


def declare(
    pods: Resource,
    prefix: str,
    of: str,
    *,
    specs: Callable[[PodView], list[SpecView]],
    statuses: Callable[[PodView], list[StatusView]],
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
    specs: Callable[[PodView], list[SpecView]],
    statuses: Callable[[PodView], list[StatusView]],
    *,
    restart_policy: bool,
) -> None:
    labels = "container image_spec image image_id container_id"

    def rows(pod: PodView) -> Rows:
        if not (known := {status.name: status.container for status in statuses(pod)}):
            return ()
        return [
            (container.name, container.container.image, status.image, status.imageID, status.containerID)
            for container in specs(pod)
            if (status := known.get(container.name)) is not None
        ]

    def rows_with_policy(pod: PodView) -> Rows:
        if not statuses(pod):
            return ()
        policies = {container.name: container.container.restartPolicy for container in specs(pod)}
        return [(*row, policies[row[0]]) for row in rows(pod)]

    declare_info = pods.viewed.info(
        f"{prefix}_info",
        f"Image and ID of {of} in a pod.",
        STABLE,
        labels=f"{labels} restart_policy" if restart_policy else labels,
        varied=True,
    )
    declare_info(rows_with_policy if restart_policy else rows)


def _resources(part: Part, prefix: str, of: str, stability: str) -> None:
    @part.rows(f"{prefix}_resource_limits", f"Resource limits of {of}.", stability, labels="resource unit")
    def limits(container: SpecView) -> Rows:
        return limits_of(container.resources)

    @part.rows(f"{prefix}_resource_requests", f"Resource requests of {of}.", stability, labels="resource unit")
    def requests(container: SpecView) -> Rows:
        return requests_of(container.resources)


def _states(part: Part, prefix: str, of: str, newer: str) -> None:
    # The kubelet reports no start time of a container that it lost sight of (ContainerStatusUnknown).
    @part.value(
        f"{prefix}_state_started", f"Unix start time of {of} that is running or has terminated.", newer, varied=True
    )
    def state_started(status: StatusView) -> int | None:
        if status.running is not None:
            return seconds(status.running.startedAt)
        return None if status.terminated is None else seconds(status.terminated.startedAt)

    @part.value(f"{prefix}_status_ready", f"Whether {of} passes its readiness probe.", STABLE)
    def status_ready(status: StatusView) -> bool:
        return status.container.ready

    @part.value(f"{prefix}_status_restarts_total", f"Number of restarts of {of}.", STABLE, type="counter")
    def status_restarts_total(status: StatusView) -> int:
        return status.container.restartCount

    @part.value(f"{prefix}_status_running", f"Whether {of} is running.", STABLE)
    def status_running(status: StatusView) -> bool:
        return status.running is not None

    @part.value(f"{prefix}_status_terminated", f"Whether {of} is terminated.", STABLE)
    def status_terminated(status: StatusView) -> bool:
        return status.terminated is not None

    @part.info(f"{prefix}_status_terminated_reason", f"Why {of} is terminated.", ALPHA, labels="reason")
    def status_terminated_reason(status: StatusView) -> Rows:
        return [] if status.terminated is None else [(status.terminated.reason,)]

    @part.value(f"{prefix}_status_waiting", f"Whether {of} is waiting.", STABLE)
    def status_waiting(status: StatusView) -> bool:
        return status.waiting is not None

    @part.info(f"{prefix}_status_waiting_reason", f"Why {of} is waiting.", newer, labels="reason")
    def status_waiting_reason(status: StatusView) -> Rows:
        return [] if status.waiting is None else [(status.waiting.reason,)]


def _last_termination(part: Part, prefix: str, of: str) -> None:
    @part.info(f"{prefix}_status_last_terminated_reason", f"Why {of} was last terminated.", ALPHA, labels="reason")
    def last_terminated_reason(status: StatusView) -> Rows:
        return [] if status.last is None else [(status.last.reason,)]

    @part.value(f"{prefix}_status_last_terminated_exitcode", f"Exit code of the last termination of {of}.", ALPHA)
    def last_terminated_exitcode(status: StatusView) -> int | None:
        return None if status.last is None else status.last.exitCode

    @part.value(
        f"{prefix}_status_last_terminated_timestamp", f"Unix time of the last termination of {of}.", ALPHA, varied=True
    )
    def last_terminated_timestamp(status: StatusView) -> int | None:
        return None if status.last is None else seconds(status.last.finishedAt)
