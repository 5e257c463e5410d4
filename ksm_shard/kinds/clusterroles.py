"""Cluster roles: existence only, as only the metadata is requested, not the rules."""

from ksm_shard.kinds import _rbac
from ksm_shard.metrics.families import Resource
from ksm_shard.wire.messages.meta_v1_pb2 import PartialObjectMetadata
from ksm_shard.wire.reading import Reading

clusterroles = Resource(
    "rbac.authorization.k8s.io/v1",
    "clusterroles",
    PartialObjectMetadata,
    labels={"clusterrole": "name"},
    kind="ClusterRole",
    namespaced=False,
    default=False,
    reading=Reading.METADATA,
)

_rbac.role(clusterroles, "kube_clusterrole")
