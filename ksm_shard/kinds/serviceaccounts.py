"""Service accounts: their secrets, and automatic mounting of tokens."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, Resource, Rows
from ksm_shard.metrics.time import seconds
from ksm_shard.wire.messages.core_v1_pb2 import ServiceAccount

serviceaccounts = Resource(
    "v1",
    "serviceaccounts",
    ServiceAccount,
    labels={"namespace": "namespace", "serviceaccount": "name", "uid": "uid"},
    default=False,
)


@serviceaccounts.info(
    "kube_serviceaccount_info",
    "Whether pods of a service account get a token mounted.",
    ALPHA,
    labels="automount_token",
)
def info(account: ServiceAccount) -> Rows:
    given = account.HasField("automountServiceAccountToken")
    return [(_shared.boolean(account.automountServiceAccountToken) if given else "",)]


_shared.created(serviceaccounts, "kube_serviceaccount", ALPHA)


@serviceaccounts.value("kube_serviceaccount_deleted", "Unix deletion timestamp.", ALPHA)
def deleted(account: ServiceAccount) -> int | None:
    return seconds(account.metadata.deletionTimestamp)


@serviceaccounts.info("kube_serviceaccount_secret", "Secrets of a service account.", ALPHA, labels="name")
def secret(account: ServiceAccount) -> Rows:
    return [(one.name,) for one in account.secrets[:]]


@serviceaccounts.info(
    "kube_serviceaccount_image_pull_secret",
    "Secrets that pods of a service account pull images with.",
    ALPHA,
    labels="name",
)
def image_pull_secret(account: ServiceAccount) -> Rows:
    return [(one.name,) for one in account.imagePullSecrets[:]]


_shared.annotations(serviceaccounts, "kube_serviceaccount")
_shared.labels(serviceaccounts, "kube_serviceaccount", ALPHA)
