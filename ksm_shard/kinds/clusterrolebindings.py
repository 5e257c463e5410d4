"""Cluster role bindings: the cluster role that each grants."""

from ksm_shard.kinds import _rbac
from ksm_shard.metrics.families import Resource
from ksm_shard.wire.messages.rbac_v1_pb2 import ClusterRoleBinding

clusterrolebindings = Resource(
    "rbac.authorization.k8s.io/v1",
    "clusterrolebindings",
    ClusterRoleBinding,
    labels={"clusterrolebinding": "name"},
    namespaced=False,
    default=False,
)

_rbac.binding(clusterrolebindings, "kube_clusterrolebinding")
