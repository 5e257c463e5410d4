"""Jobs: desired and actual pods, progress, and result."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Resource, Rows
from ksm_shard.metrics.time import seconds
from ksm_shard.wire.messages.batch_v1_pb2 import Job

jobs = Resource("batch/v1", "jobs", Job, labels={"namespace": "namespace", "job_name": "name"})

FAILURE_REASONS = ("BackoffLimitExceeded", "DeadlineExceeded", "Evicted")

_shared.annotations(jobs, "kube_job")
_shared.labels(jobs, "kube_job")


@jobs.info("kube_job_info", "Existence of a job.", STABLE)
def info(job: Job) -> Rows:
    del job
    return [()]


_shared.created(jobs, "kube_job")


@jobs.value("kube_job_spec_parallelism", "Number of pods that may run at a time.", STABLE)
def parallelism(job: Job) -> int | None:
    return job.spec.parallelism if job.spec.HasField("parallelism") else None


@jobs.value("kube_job_spec_completions", "Number of pods that have to succeed.", STABLE)
def completions(job: Job) -> int | None:
    return job.spec.completions if job.spec.HasField("completions") else None


@jobs.value("kube_job_spec_active_deadline_seconds", "Seconds that a job may be active before it fails.", STABLE)
def active_deadline_seconds(job: Job) -> int | None:
    return job.spec.activeDeadlineSeconds if job.spec.HasField("activeDeadlineSeconds") else None


@jobs.value("kube_job_status_succeeded", "Pods that succeeded.", STABLE)
def succeeded(job: Job) -> int:
    return job.status.succeeded


@jobs.rows(
    "kube_job_status_failed",
    "Number of failed pods; if the job failed for a known reason, 1 for that reason and 0 for the others.",
    STABLE,
    labels="reason",
    sparse="reason",
)
def failed(job: Job) -> Rows:
    count = job.status.failed
    if count == 0:
        return [(None, 0)]
    reasons = [condition.reason for condition in job.status.conditions if condition.type == "Failed"]
    rows: list[tuple[str, int]] = [(reason, reason == given) for given in reasons for reason in FAILURE_REASONS]
    return rows if any(given in FAILURE_REASONS for given in reasons) else [*rows, ("", count)]


@jobs.value("kube_job_status_active", "Pods that are pending or running.", STABLE)
def active(job: Job) -> int:
    return job.status.active


@jobs.value("kube_job_status_ready", "Pods that are ready.", ALPHA)
def ready(job: Job) -> int:
    return job.status.ready


def _status_of(job: Job, kind: str) -> Rows:
    return [(_shared.state_of(condition.status),) for condition in job.status.conditions if condition.type == kind]


@jobs.states(
    "kube_job_complete",
    "Whether the job has completed.",
    STABLE,
    labels="condition",
    states=_shared.CONDITION_STATES,
)
def complete(job: Job) -> Rows:
    return _status_of(job, "Complete")


@jobs.states(
    "kube_job_failed", "Whether the job has failed.", STABLE, labels="condition", states=_shared.CONDITION_STATES
)
def has_failed(job: Job) -> Rows:
    return _status_of(job, "Failed")


@jobs.value("kube_job_status_start_time", "Unix time at which the job controller started the job.", STABLE)
def start_time(job: Job) -> int | None:
    return seconds(job.status.startTime)


@jobs.value("kube_job_status_completion_time", "Unix time at which the job completed.", STABLE)
def completion_time(job: Job) -> int | None:
    return seconds(job.status.completionTime)


@jobs.value("kube_job_status_suspended", "Whether the job is suspended; no sample for a job that never was.", ALPHA)
def suspended(job: Job) -> bool | None:
    given = [condition.status == "True" for condition in job.status.conditions if condition.type == "Suspended"]
    return given[0] if given else None


_shared.owners(jobs, "kube_job")
