"""Certificate signing requests: decisions, and the size of issued certificates."""

from ksm_shard.kinds import _shared
from ksm_shard.metrics.families import STABLE, Resource, Rows
from ksm_shard.wire.messages.certificates_v1_pb2 import CertificateSigningRequest

certificatesigningrequests = Resource(
    "certificates.k8s.io/v1",
    "certificatesigningrequests",
    CertificateSigningRequest,
    labels={"certificatesigningrequest": "name", "signer_name": "spec.signerName"},
    namespaced=False,
)

DECISIONS = ("Approved", "Denied", "Failed")

_shared.annotations(certificatesigningrequests, "kube_certificatesigningrequest")
_shared.labels(certificatesigningrequests, "kube_certificatesigningrequest")
_shared.created(certificatesigningrequests, "kube_certificatesigningrequest")


@certificatesigningrequests.rows(
    "kube_certificatesigningrequest_condition",
    "Number of conditions of each type: approved, denied, failed.",
    STABLE,
    labels="condition",
)
def condition(request: CertificateSigningRequest) -> Rows:
    types = [condition.type for condition in request.status.conditions]
    return [(decision.lower(), types.count(decision)) for decision in DECISIONS]


@certificatesigningrequests.value(
    "kube_certificatesigningrequest_cert_length",
    "Size of the issued certificate in bytes; 0 until one is issued.",
    STABLE,
)
def cert_length(request: CertificateSigningRequest) -> int:
    return len(request.status.certificate)
