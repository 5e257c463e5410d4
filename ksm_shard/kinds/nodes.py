"""Nodes: versions, addresses, resources, and conditions."""

from collections.abc import Mapping

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import ALPHA, STABLE, Resource, Rows
from ksm_shard.metrics.quantity import quantity
from ksm_shard.wire.messages.core_v1_pb2 import Node
from ksm_shard.wire.messages.meta_v1_pb2 import Quantity

nodes = Resource("v1", "nodes", Node, labels={"node": "name"}, namespaced=False)

ROLE = "node-role.kubernetes.io/"

_shared.annotations(nodes, "kube_node")
_shared.created(nodes, "kube_node")
_shared.deletion_timestamp(nodes, "kube_node")


@nodes.info(
    "kube_node_info",
    "Versions, provider ID and addresses of a node.",
    STABLE,
    labels="kernel_version os_image container_runtime_version kubelet_version kubeproxy_version provider_id pod_cidr "
    "system_uuid internal_ip",
)
def info(node: Node) -> Rows:
    of, spec = node.status.nodeInfo, node.spec
    # The label has room for one address. Of several, such as one for each IP family, the last one is shown.
    internal = next((one.address for one in reversed(node.status.addresses[:]) if one.type == "InternalIP"), "")
    return [
        (
            of.kernelVersion,
            of.osImage,
            of.containerRuntimeVersion,
            of.kubeletVersion,
            "deprecated",  # the kubelet never knew the version, and Kubernetes 1.33 removed the field (KEP-4004)
            spec.providerID,
            spec.podCIDR,
            of.systemUUID,
            internal,
        )
    ]


_shared.labels(nodes, "kube_node")


@nodes.info("kube_node_role", "Roles of a node.", ALPHA, labels="role")
def role(node: Node) -> Rows:
    return [(key[len(ROLE) :],) for key in sorted(node.metadata.labels) if key.startswith(ROLE)]


@nodes.info("kube_node_spec_pod_cidrs", "Address ranges of a node's pods.", ALPHA, labels="pod_cidr")
def pod_cidrs(node: Node) -> Rows:
    return [(one,) for one in node.spec.podCIDRs]


@nodes.info("kube_node_spec_taint", "Taints of a node.", STABLE, labels="key value effect")
def taint(node: Node) -> Rows:
    return [(one.key, one.value, one.effect) for one in node.spec.taints[:]]


@nodes.value("kube_node_spec_unschedulable", "Whether a node is closed to new pods (cordoned).", STABLE)
def unschedulable(node: Node) -> bool:
    return node.spec.unschedulable


@nodes.rows(
    "kube_node_status_allocatable", "Resources of a node that are available to pods.", STABLE, labels="resource unit"
)
def allocatable(node: Node) -> Rows:
    return resources_of(node.status.allocatable)


@nodes.rows("kube_node_status_capacity", "All resources of a node.", STABLE, labels="resource unit")
def capacity(node: Node) -> Rows:
    return resources_of(node.status.capacity)


def resources_of(quantities: Mapping[str, Quantity]) -> Rows:
    """Return a resource list as rows of resource, unit and value, sorted by name.

    Differs from `_shared.resources_of`: includes the number of pods, and no resource is rounded to whole units.
    """
    return [
        (*named, quantity(quantities[name].string))
        for name in sorted(quantities)
        if (named := ("pods", "integer") if name == "pods" else _shared.resource_name(name)) is not None
    ]


@nodes.states(
    "kube_node_status_condition",
    "Conditions of a node.",
    STABLE,
    labels="condition status",
    states=_shared.CONDITION_STATES,
)
def condition(node: Node) -> Rows:
    return _shared.conditions(node.status.conditions[:])


@nodes.info("kube_node_status_addresses", "Addresses of a node.", ALPHA, labels="type address")
def addresses(node: Node) -> Rows:
    return [(one.type, one.address) for one in node.status.addresses[:]]
