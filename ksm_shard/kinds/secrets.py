"""Secrets: that they exist, and of what type. They are read as a Table, so that no data ever leave the API server."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Reading, Resource, Rows
from ksm_shard.wire.messages.core_v1_pb2 import Secret

secrets = Resource(
    "v1",
    "secrets",
    Secret,
    labels={"namespace": "namespace", "secret": "name"},
    reading=Reading.TABLE,
    columns={"type": 1},
)


@secrets.info("kube_secret_info", "That the secret exists.", STABLE)
def info(secret: Secret) -> Rows:
    del secret
    return [()]


@secrets.info("kube_secret_type", "Type of a secret.", STABLE, labels="type")
def kind(secret: Secret) -> Rows:
    return [(secret.type,)]


_shared.annotations(secrets, "kube_secret")
_shared.labels(secrets, "kube_secret")
_shared.created(secrets, "kube_secret")
_shared.metadata_resource_version(secrets, "kube_secret")
_shared.owners(secrets, "kube_secret", ALPHA)
