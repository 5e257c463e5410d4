"""Namespaces: phase and conditions."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Resource, Rows
from ksm_shard.wire.messages.core_v1_pb2 import Namespace

namespaces = Resource("v1", "namespaces", Namespace, labels={"namespace": "name"}, namespaced=False)

_shared.created(namespaces, "kube_namespace")
_shared.annotations(namespaces, "kube_namespace")
_shared.labels(namespaces, "kube_namespace")


@namespaces.one_hot(
    "kube_namespace_status_phase",
    "Phase of a namespace.",
    STABLE,
    label="phase",
    states=("Active", "Terminating"),
)
def phase(namespace: Namespace) -> str:
    # A namespace without a phase yet is in neither phase: both series are written, with the value 0.
    return namespace.status.phase or "none"


@namespaces.states(
    "kube_namespace_status_condition",
    "Conditions of a namespace that is being deleted.",
    ALPHA,
    labels="condition status",
    states=_shared.CONDITION_STATES,
)
def condition(namespace: Namespace) -> Rows:
    return _shared.conditions(namespace.status.conditions)
