"""Ingress classes: which controller serves each."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, Resource, Rows
from ksm_shard.wire.messages.networking_v1_pb2 import IngressClass

ingressclasses = Resource(
    "networking.k8s.io/v1",
    "ingressclasses",
    IngressClass,
    labels={"ingressclass": "name"},
    namespaced=False,
    default=False,
)


@ingressclasses.info("kube_ingressclass_info", "The controller of an ingress class.", ALPHA, labels="controller")
def info(ingress_class: IngressClass) -> Rows:
    return [(ingress_class.spec.controller,)]


_shared.created(ingressclasses, "kube_ingressclass", ALPHA)
_shared.annotations(ingressclasses, "kube_ingressclass")
_shared.labels(ingressclasses, "kube_ingressclass", ALPHA)
