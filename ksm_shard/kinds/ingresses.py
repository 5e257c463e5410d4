"""Ingresses: class, paths with their backends, and hosts with TLS."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import STABLE, Resource, Rows
from ksm_shard.wire.messages.networking_v1_pb2 import Ingress

ingresses = Resource("networking.k8s.io/v1", "ingresses", Ingress, labels={"namespace": "namespace", "ingress": "name"})

# Named the class before Kubernetes 1.18 introduced spec.ingressClassName; the annotation still takes precedence.
CLASS_ANNOTATION = "kubernetes.io/ingress.class"


@ingresses.info("kube_ingress_info", "Class of an ingress.", STABLE, labels="ingressclass")
def info(ingress: Ingress) -> Rows:
    if CLASS_ANNOTATION in ingress.metadata.annotations:
        return [(ingress.metadata.annotations[CLASS_ANNOTATION],)]
    return [(ingress.spec.ingressClassName if ingress.spec.HasField("ingressClassName") else "_default",)]


_shared.annotations(ingresses, "kube_ingress")
_shared.labels(ingresses, "kube_ingress")
_shared.created(ingresses, "kube_ingress")
_shared.metadata_resource_version(ingresses, "kube_ingress")


@ingresses.info(
    "kube_ingress_path",
    "Backend of a path: a service or another resource.",
    STABLE,
    labels="host path path_type service_name service_port resource_api_group resource_kind resource_name",
    sparse="service_name service_port resource_api_group resource_kind resource_name",
)
def path(ingress: Ingress) -> Rows:
    rows: list[tuple[str | None, ...]] = []
    for rule in ingress.spec.rules:
        for one in rule.ingressRuleValue.http.paths:
            backend, route = one.backend, (rule.host, one.path, one.pathType)
            if backend.HasField("service"):
                service = (backend.service.name, str(backend.service.port.number))
                rows.append((*route, *service, None, None, None))
            elif backend.HasField("resource"):
                resource = (backend.resource.apiGroup, backend.resource.kind, backend.resource.name)
                rows.append((*route, None, None, *resource))
    return rows


@ingresses.info(
    "kube_ingress_tls", "Hosts with a TLS certificate, and the secret that holds it.", STABLE, labels="tls_host secret"
)
def tls(ingress: Ingress) -> Rows:
    return [(host, one.secretName) for one in ingress.spec.tls for host in one.hosts]
