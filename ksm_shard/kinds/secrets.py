"""Secrets: existence and type. Requested as a Table, which contains no data.

Annotations in which tools keep a copy of the data are dropped when the Table is read, and are withheld here as well.
"""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Resource, Rows
from ksm_shard.wire.codec import WITHHELD
from ksm_shard.wire.messages.core_v1_pb2 import Secret
from ksm_shard.wire.reading import Reading

secrets = Resource(
    "v1",
    "secrets",
    Secret,
    labels={"namespace": "namespace", "secret": "name"},
    reading=Reading.TABLE,
    columns={"type": 1},
)


@secrets.info("kube_secret_info", "Existence of a secret.", STABLE)
def info(secret: Secret) -> Rows:
    del secret
    return [()]


@secrets.info("kube_secret_type", "Type of a secret.", STABLE, labels="type")
def kind(secret: Secret) -> Rows:
    return [(secret.type,)]


_shared.annotations(secrets, "kube_secret", withheld=WITHHELD)
_shared.labels(secrets, "kube_secret")
_shared.created(secrets, "kube_secret")
_shared.metadata_resource_version(secrets, "kube_secret")
_shared.owners(secrets, "kube_secret", ALPHA)
