"""Endpoint slices: addresses behind each service, with ports and conditions."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, Resource, Rows
from ksm_shard.wire.messages.discovery_v1_pb2 import EndpointConditions, EndpointSlice

endpointslices = Resource(
    "discovery.k8s.io/v1",
    "endpointslices",
    EndpointSlice,
    labels={"endpointslice": "name", "namespace": "namespace"},
)


@endpointslices.info("kube_endpointslice_info", "Address type of a slice.", ALPHA, labels="addresstype")
def info(endpointslice: EndpointSlice) -> Rows:
    return [(endpointslice.addressType,)]


_shared.created(endpointslices, "kube_endpointslice", ALPHA)


@endpointslices.info(
    "kube_endpointslice_endpoints_hints",
    "Zones whose clients should use an address.",
    ALPHA,
    labels="address for_zone",
)
def hints(endpointslice: EndpointSlice) -> Rows:
    # All addresses of an endpoint belong to the same backend (API reference, Endpoint), so the first one stands for all.
    return [
        (endpoint.addresses[0], zone.name)
        for endpoint in endpointslice.endpoints[:]
        if endpoint.addresses
        for zone in endpoint.hints.forZones[:]
    ]


@endpointslices.info(
    "kube_endpointslice_endpoints",
    "Addresses behind a service, with their conditions and targets.",
    ALPHA,
    labels="ready serving hostname terminating targetref_kind targetref_name targetref_namespace endpoint_nodename "
    "endpoint_zone address",
)
def endpoints(endpointslice: EndpointSlice) -> Rows:
    return [
        (
            known(endpoint.conditions, "ready"),
            known(endpoint.conditions, "serving"),
            endpoint.hostname,
            known(endpoint.conditions, "terminating"),
            endpoint.targetRef.kind,
            endpoint.targetRef.name,
            endpoint.targetRef.namespace,
            endpoint.nodeName,
            endpoint.zone,
            address,
        )
        for endpoint in endpointslice.endpoints[:]
        for address in endpoint.addresses
    ]


def known(conditions: EndpointConditions, name: str) -> str:
    """Return a condition as a label value; "" while the condition is unknown."""
    return _shared.boolean(getattr(conditions, name)) if conditions.HasField(name) else ""


@endpointslices.info(
    "kube_endpointslice_ports", "Ports behind a service.", ALPHA, labels="port_name port_protocol port_number"
)
def ports(endpointslice: EndpointSlice) -> Rows:
    return [
        (port.name, port.protocol, str(port.port) if port.HasField("port") else "") for port in endpointslice.ports[:]
    ]


_shared.annotations(endpointslices, "kube_endpointslice")
_shared.labels(endpointslices, "kube_endpointslice", ALPHA)
