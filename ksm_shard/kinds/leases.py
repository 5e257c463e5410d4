"""Leases: owner, holder, and time of the last renewal."""

from ksm_shard.metrics.families import ALPHA, Resource, Rows
from ksm_shard.metrics.time import seconds
from ksm_shard.wire.messages.coordination_v1_pb2 import Lease

leases = Resource("coordination.k8s.io/v1", "leases", Lease, labels={"lease": "name", "namespace": "namespace"})


@leases.info("kube_lease_owner", "Owner and holder of a lease.", ALPHA, labels="owner_kind owner_name lease_holder")
def owner(lease: Lease) -> Rows:
    holder = lease.spec.holderIdentity
    owners = [(owner.kind, owner.name, holder) for owner in lease.metadata.ownerReferences]
    return owners or [("", "", holder)]


@leases.value("kube_lease_renew_time", "Unix time at which the holder last renewed a lease.", ALPHA)
def renew_time(lease: Lease) -> int | None:
    return seconds(lease.spec.renewTime)
