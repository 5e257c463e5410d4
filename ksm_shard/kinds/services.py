"""Services: type and addresses."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import STABLE, Resource, Rows
from ksm_shard.wire.messages.core_v1_pb2 import Service

services = Resource("v1", "services", Service, labels={"namespace": "namespace", "service": "name", "uid": "uid"})


@services.info(
    "kube_service_info",
    "Addresses and traffic policy of a service.",
    STABLE,
    labels="cluster_ip external_name load_balancer_ip external_traffic_policy",
)
def info(service: Service) -> Rows:
    spec = service.spec
    return [(spec.clusterIP, spec.externalName, spec.loadBalancerIP, spec.externalTrafficPolicy)]


_shared.created(services, "kube_service")


@services.info("kube_service_spec_type", "Type of a service.", STABLE, labels="type")
def spec_type(service: Service) -> Rows:
    return [(service.spec.type,)]


_shared.annotations(services, "kube_service")
_shared.labels(services, "kube_service")


@services.info("kube_service_spec_external_ip", "External addresses of a service.", STABLE, labels="external_ip")
def external_ip(service: Service) -> Rows:
    return [(address,) for address in service.spec.externalIPs]


@services.info(
    "kube_service_status_load_balancer_ingress",
    "Addresses of a service's load balancer.",
    STABLE,
    labels="ip hostname",
)
def load_balancer_ingress(service: Service) -> Rows:
    return [(one.ip, one.hostname) for one in service.status.loadBalancer.ingress[:]]


_shared.deletion_timestamp(services, "kube_service")
