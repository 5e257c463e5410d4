"""Cron jobs: schedule, last runs, and the next run."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.cron import Schedule, next_run, parse
from ksm_shard.metrics.families import ALPHA, STABLE, Resource, Rows
from ksm_shard.metrics.time import seconds
from ksm_shard.wire.messages.batch_v1_pb2 import CronJob

cronjobs = Resource("batch/v1", "cronjobs", CronJob, labels={"namespace": "namespace", "cronjob": "name"})

_shared.annotations(cronjobs, "kube_cronjob")
_shared.labels(cronjobs, "kube_cronjob")


@cronjobs.info(
    "kube_cronjob_info",
    "Schedule of a cron job.",
    STABLE,
    labels="schedule concurrency_policy timezone",
)
def info(job: CronJob) -> Rows:
    spec = job.spec
    return [(spec.schedule, spec.concurrencyPolicy, spec.timeZone if spec.HasField("timeZone") else "local")]


_shared.created(cronjobs, "kube_cronjob")


@cronjobs.value("kube_cronjob_status_active", "Number of jobs that are running.", STABLE)
def active(job: CronJob) -> int:
    return len(job.status.active)


@cronjobs.value("kube_cronjob_status_last_schedule_time", "Unix time of the last run.", STABLE)
def last_schedule_time(job: CronJob) -> int | None:
    return seconds(job.status.lastScheduleTime)


@cronjobs.value(
    "kube_cronjob_status_last_successful_time", "Unix time of the completion of the last successful run.", STABLE
)
def last_successful_time(job: CronJob) -> int | None:
    return seconds(job.status.lastSuccessfulTime)


@cronjobs.value("kube_cronjob_spec_suspend", "Whether a cron job is suspended.", STABLE)
def suspend(job: CronJob) -> bool:
    return job.spec.suspend


@cronjobs.value(
    "kube_cronjob_spec_starting_deadline_seconds",
    "Seconds that a run may start late; later than that, the run is missed.",
    STABLE,
)
def starting_deadline_seconds(job: CronJob) -> int | None:
    return job.spec.startingDeadlineSeconds if job.spec.HasField("startingDeadlineSeconds") else None


def _schedule(job: CronJob) -> Schedule | None:
    try:
        return parse(job.spec.schedule, job.spec.timeZone if job.spec.HasField("timeZone") else None)
    except ValueError:
        return None


@cronjobs.value(
    "kube_cronjob_next_schedule_time",
    "Unix time of the run after the last one or the creation; no sample if suspended or no run follows. In the past if late.",
    STABLE,
)
def next_schedule_time(job: CronJob) -> int | None:
    last = seconds(job.status.lastScheduleTime)
    after = seconds(job.metadata.creationTimestamp) if last is None else last
    schedule = _schedule(job)
    return None if job.spec.suspend or after is None or schedule is None else next_run(schedule, after)


@cronjobs.value("kube_cronjob_schedule_invalid", "1 if the schedule or the time zone is invalid.", ALPHA)
def schedule_invalid(job: CronJob) -> int | None:
    return 1 if _schedule(job) is None else None


_shared.metadata_resource_version(cronjobs, "kube_cronjob", STABLE)


@cronjobs.value("kube_cronjob_spec_successful_job_history_limit", "Number of successful jobs to keep.", ALPHA)
def successful_job_history_limit(job: CronJob) -> int | None:
    return job.spec.successfulJobsHistoryLimit if job.spec.HasField("successfulJobsHistoryLimit") else None


@cronjobs.value("kube_cronjob_spec_failed_job_history_limit", "Number of failed jobs to keep.", ALPHA)
def failed_job_history_limit(job: CronJob) -> int | None:
    return job.spec.failedJobsHistoryLimit if job.spec.HasField("failedJobsHistoryLimit") else None
