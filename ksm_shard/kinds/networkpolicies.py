"""Network policies: number of rules."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, Resource
from ksm_shard.metrics.time import YEAR_ONE
from ksm_shard.wire.messages.networking_v1_pb2 import NetworkPolicy

networkpolicies = Resource(
    "networking.k8s.io/v1",
    "networkpolicies",
    NetworkPolicy,
    labels={"namespace": "namespace", "networkpolicy": "name"},
)

_shared.created(networkpolicies, "kube_networkpolicy", ALPHA, absent=YEAR_ONE)
_shared.annotations(networkpolicies, "kube_networkpolicy")
_shared.labels(networkpolicies, "kube_networkpolicy", ALPHA)


@networkpolicies.value("kube_networkpolicy_spec_ingress_rules", "Number of rules for incoming traffic.", ALPHA)
def ingress_rules(policy: NetworkPolicy) -> int:
    return len(policy.spec.ingress)


@networkpolicies.value("kube_networkpolicy_spec_egress_rules", "Number of rules for outgoing traffic.", ALPHA)
def egress_rules(policy: NetworkPolicy) -> int:
    return len(policy.spec.egress)
