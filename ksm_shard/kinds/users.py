"""Users of KubeSphere: the limits that annotations set."""

from ksm_shard.metrics.families import ALPHA, Resource
from ksm_shard.metrics.quantity import quantity
from ksm_shard.wire.messages.meta_v1_pb2 import PartialObjectMetadata
from ksm_shard.wire.reading import Reading

users = Resource(
    "iam.kubesphere.io/v1alpha2",
    "users",
    PartialObjectMetadata,
    labels={"user": "name"},
    kind="User",
    namespaced=False,
    reading=Reading.METADATA,
)


@users.value("kube_user_cpu_total", "CPU that a user may have, in cores; 0 if no limit is set.", ALPHA)
def cpu_total(user: PartialObjectMetadata) -> float:
    return limit(user, "user-cpu-limit")


@users.value("kube_user_memory_total", "Memory that a user may have, in bytes; 0 if no limit is set.", ALPHA)
def memory_total(user: PartialObjectMetadata) -> float:
    return limit(user, "user-memory-limit")


def limit(user: PartialObjectMetadata, annotation: str) -> float:
    """Return the quantity in an annotation, or 0 without a valid one, as KubeSphere's own exporter does."""
    try:
        return quantity(user.metadata.annotations.get(annotation, "0"))
    except ValueError:
        return 0
