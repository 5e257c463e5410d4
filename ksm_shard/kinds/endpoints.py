"""Endpoints: the addresses and ports behind each service; predecessor of endpoint slices."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import STABLE, Resource, Rows
from ksm_shard.wire.messages.core_v1_pb2 import Endpoints

endpoints = Resource("v1", "endpoints", Endpoints, labels={"namespace": "namespace", "endpoint": "name"}, default=False)


@endpoints.info("kube_endpoint_info", "Existence of an endpoints object.", STABLE)
def info(endpoint: Endpoints) -> Rows:
    del endpoint
    return [()]


_shared.created(endpoints, "kube_endpoint")
_shared.annotations(endpoints, "kube_endpoint")
_shared.labels(endpoints, "kube_endpoint")


@endpoints.info(
    "kube_endpoint_address",
    "Addresses and ports behind a service.",
    STABLE,
    labels="port_protocol port_number port_name ip ready",
)
def address(endpoint: Endpoints) -> Rows:
    return [
        (port.protocol, str(port.port), port.name, one.ip, ready)
        for subset in endpoint.subsets[:]
        for port in subset.ports[:]
        for ready, addresses in (("true", subset.addresses[:]), ("false", subset.notReadyAddresses[:]))
        for one in addresses
    ]


@endpoints.info(
    "kube_endpoint_ports",
    "Ports behind a service.",
    STABLE,
    labels="port_name port_protocol port_number",
    deprecated_since="v2.14.0",
)
def ports(endpoint: Endpoints) -> Rows:
    return [(port.name, port.protocol, str(port.port)) for subset in endpoint.subsets[:] for port in subset.ports[:]]
