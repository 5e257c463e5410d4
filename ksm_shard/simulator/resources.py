"""The resources that can be served: each exported kind, those of CRDs, and those of any other object."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ksm_shard import kinds
from ksm_shard.simulator.protobuf import message_name


@dataclass(frozen=True, slots=True)
class ServedResource:
    """A resource as named in paths of the API.

    `group` is "" for the core group. Short names and categories are for kubectl.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    custom: bool = False

    @property
    def api_version(self) -> str:
        """The apiVersion of its objects: `v1` or `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def storage(self) -> str:
        """Key of the objects in `Objects`, shared by all versions of a resource."""
        return f"{self.plural}.{self.group}"


# Lines of group and version, then plural/Kind for each resource; a * marks cluster-scoped ones.
TABLE = """
/v1 configmaps/ConfigMap endpoints/Endpoints limitranges/LimitRange namespaces/Namespace* nodes/Node* pods/Pod
    persistentvolumeclaims/PersistentVolumeClaim persistentvolumes/PersistentVolume* resourcequotas/ResourceQuota
    replicationcontrollers/ReplicationController secrets/Secret serviceaccounts/ServiceAccount services/Service
admissionregistration.k8s.io/v1 mutatingadmissionpolicies/MutatingAdmissionPolicy*
    mutatingadmissionpolicybindings/MutatingAdmissionPolicyBinding*
    mutatingwebhookconfigurations/MutatingWebhookConfiguration* validatingadmissionpolicies/ValidatingAdmissionPolicy*
    validatingadmissionpolicybindings/ValidatingAdmissionPolicyBinding*
    validatingwebhookconfigurations/ValidatingWebhookConfiguration*
apiextensions.k8s.io/v1 customresourcedefinitions/CustomResourceDefinition*
apps/v1 daemonsets/DaemonSet deployments/Deployment replicasets/ReplicaSet statefulsets/StatefulSet
autoscaling/v2 horizontalpodautoscalers/HorizontalPodAutoscaler
batch/v1 cronjobs/CronJob jobs/Job
certificates.k8s.io/v1 certificatesigningrequests/CertificateSigningRequest*
coordination.k8s.io/v1 leases/Lease
discovery.k8s.io/v1 endpointslices/EndpointSlice
networking.k8s.io/v1 ingressclasses/IngressClass* ingresses/Ingress networkpolicies/NetworkPolicy
policy/v1 poddisruptionbudgets/PodDisruptionBudget
rbac.authorization.k8s.io/v1 clusterrolebindings/ClusterRoleBinding* clusterroles/ClusterRole* rolebindings/RoleBinding
    roles/Role
storage.k8s.io/v1 storageclasses/StorageClass* volumeattachments/VolumeAttachment*
"""


# Short names that kubectl accepts, from the discovery documents of Kubernetes 1.36.
SHORT = {
    "certificatesigningrequests": "csr",
    "configmaps": "cm",
    "cronjobs": "cj",
    "customresourcedefinitions": "crd crds",
    "daemonsets": "ds",
    "deployments": "deploy",
    "endpoints": "ep",
    "horizontalpodautoscalers": "hpa",
    "ingresses": "ing",
    "limitranges": "limits",
    "namespaces": "ns",
    "networkpolicies": "netpol",
    "nodes": "no",
    "persistentvolumeclaims": "pvc",
    "persistentvolumes": "pv",
    "poddisruptionbudgets": "pdb",
    "pods": "po",
    "replicasets": "rs",
    "replicationcontrollers": "rc",
    "resourcequotas": "quota",
    "serviceaccounts": "sa",
    "services": "svc",
    "statefulsets": "sts",
    "storageclasses": "sc",
}
ALL = frozenset(
    {
        "cronjobs",
        "daemonsets",
        "deployments",
        "horizontalpodautoscalers",
        "jobs",
        "pods",
        "replicasets",
        "replicationcontrollers",
        "services",
        "statefulsets",
    }
)
API_EXTENSIONS = frozenset({"admissionregistration.k8s.io", "apiextensions.k8s.io"})


def _read(table: str) -> list[ServedResource]:
    found, group, version = [], "", ""
    for word in table.split():
        left, _, right = word.partition("/")
        if re.fullmatch(r"v\d", right):
            group, version = left, right
        else:
            categories = ("api-extensions",) if group in API_EXTENSIONS else ("all",) if left in ALL else ()
            short = tuple(SHORT.get(left, "").split())
            found.append(
                ServedResource(group, version, left, right.rstrip("*"), not right.endswith("*"), short, categories)
            )
    return found


def _exported(table: list[ServedResource]) -> list[ServedResource]:
    """Return the exported kinds that the table lacks, so that a new kind needs no line here; custom resources are left out."""
    known = {resource.plural for resource in table}
    found = []
    for plural, kind in kinds.resources().items():
        version = kind.api_version.rpartition("/")[2]
        if plural not in known and message_name(kind.group, version, kind.kind):
            found.append(ServedResource(kind.group, version, plural, kind.kind, kind.namespaced))
    return found


_TABLE = _read(TABLE)
BUILT_IN = [*_TABLE, *_exported(_TABLE)]

# Accounts of KubeSphere: a custom resource, served only if objects exist or on request.
USERS = ServedResource("iam.kubesphere.io", "v1alpha2", "users", "User", namespaced=False, custom=True)


def guessed(api_version: str, kind: str, *, namespaced: bool) -> ServedResource:
    """Return a resource for an object without a CRD, guessing the plural by the rules of English."""
    group, _, version = api_version.rpartition("/")
    lower = kind.lower()
    if re.search(r"[^aeiou]y$", lower):
        plural = lower[:-1] + "ies"
    elif re.search(r"(s|x|ch|sh)$", lower):
        plural = lower + "es"
    else:
        plural = lower + "s"
    return ServedResource(group, version, plural, kind, namespaced, custom=True)


def storage_of(crd: Mapping[str, Any]) -> str:
    """Return the key in `Objects` of the objects that a CustomResourceDefinition declares."""
    return f"{crd['spec']['names']['plural']}.{crd['spec']['group']}"


def defined(crd: Mapping[str, Any]) -> list[ServedResource]:
    """Return the resources that a CustomResourceDefinition declares, one for each served version."""
    spec, names = crd["spec"], crd["spec"]["names"]
    return [
        ServedResource(
            spec["group"],
            version["name"],
            names["plural"],
            names["kind"],
            spec["scope"] == "Namespaced",
            tuple(names.get("shortNames") or ()),
            tuple(names.get("categories") or ()),
            custom=True,
        )
        for version in spec["versions"]
        if version.get("served", True)
    ]
