"""Role bindings: the role that each grants."""

from ksm_shard.kinds import _rbac
from ksm_shard.metrics.families import Resource
from ksm_shard.wire.messages.rbac_v1_pb2 import RoleBinding

rolebindings = Resource(
    "rbac.authorization.k8s.io/v1",
    "rolebindings",
    RoleBinding,
    labels={"namespace": "namespace", "rolebinding": "name"},
    default=False,
)

_rbac.binding(rolebindings, "kube_rolebinding")
