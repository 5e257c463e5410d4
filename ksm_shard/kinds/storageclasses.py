"""Storage classes: provisioner, reclaim policy and binding mode."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import STABLE, Resource, Rows
from ksm_shard.wire.messages.storage_v1_pb2 import StorageClass

storageclasses = Resource(
    "storage.k8s.io/v1", "storageclasses", StorageClass, labels={"storageclass": "name"}, namespaced=False
)


@storageclasses.info(
    "kube_storageclass_info",
    "Provisioner, reclaim policy and binding mode of a storage class.",
    STABLE,
    labels="provisioner reclaim_policy volume_binding_mode",
)
def info(storage: StorageClass) -> Rows:
    return [
        (
            storage.provisioner,
            storage.reclaimPolicy if storage.HasField("reclaimPolicy") else "Delete",
            storage.volumeBindingMode if storage.HasField("volumeBindingMode") else "Immediate",
        )
    ]


_shared.created(storageclasses, "kube_storageclass")
_shared.annotations(storageclasses, "kube_storageclass")
_shared.labels(storageclasses, "kube_storageclass")
