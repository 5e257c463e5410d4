"""Limit ranges: bounds and defaults for the pods, containers and claims of a namespace."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import STABLE, Resource, Rows
from ksm_shard.metrics.quantity import quantity
from ksm_shard.wire.messages.core_v1_pb2 import LimitRange

limitranges = Resource("v1", "limitranges", LimitRange, labels={"namespace": "namespace", "limitrange": "name"})

CONSTRAINTS = ("min", "max", "default", "defaultRequest", "maxLimitRequestRatio")


@limitranges.rows(
    "kube_limitrange",
    "Limits in a namespace, by resource, type of object and constraint.",
    STABLE,
    labels="resource type constraint",
)
def limitrange(limits: LimitRange) -> Rows:
    return [
        (resource, item.type, constraint, quantity(amounts[resource].string))
        for item in limits.spec.limits[:]
        for constraint in CONSTRAINTS
        for amounts in (getattr(item, constraint),)
        for resource in sorted(amounts)
    ]


_shared.created(limitranges, "kube_limitrange")
