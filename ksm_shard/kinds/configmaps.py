"""Config maps: existence only, as only the metadata is requested, not the data."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import STABLE, Resource, Rows
from ksm_shard.wire.messages.meta_v1_pb2 import PartialObjectMetadata
from ksm_shard.wire.reading import Reading

configmaps = Resource(
    "v1",
    "configmaps",
    PartialObjectMetadata,
    labels={"namespace": "namespace", "configmap": "name"},
    kind="ConfigMap",
    reading=Reading.METADATA,
)

_shared.annotations(configmaps, "kube_configmap")
_shared.labels(configmaps, "kube_configmap")


@configmaps.info("kube_configmap_info", "Existence of a config map.", STABLE)
def info(configmap: PartialObjectMetadata) -> Rows:
    del configmap
    return [()]


_shared.created(configmaps, "kube_configmap")
_shared.metadata_resource_version(configmaps, "kube_configmap")
