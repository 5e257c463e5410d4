"""Resource quotas: limit and usage of each resource in a namespace."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import STABLE, Resource, Rows
from ksm_shard.metrics.quantity import quantity
from ksm_shard.wire.messages.core_v1_pb2 import ResourceQuota

resourcequotas = Resource(
    "v1", "resourcequotas", ResourceQuota, labels={"namespace": "namespace", "resourcequota": "name"}
)

_shared.created(resourcequotas, "kube_resourcequota")


@resourcequotas.rows(
    "kube_resourcequota", "Limit (hard) and usage (used) of a resource in a namespace.", STABLE, labels="resource type"
)
def quota(of: ResourceQuota) -> Rows:
    status = of.status
    return [
        (resource, kind, quantity(amounts[resource].string))
        for kind, amounts in (("hard", status.hard), ("used", status.used))
        for resource in sorted(amounts)
    ]


_shared.annotations(resourcequotas, "kube_resourcequota")
_shared.labels(resourcequotas, "kube_resourcequota")
