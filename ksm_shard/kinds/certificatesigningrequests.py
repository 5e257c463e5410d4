"""Certificate signing requests: what was decided, and whether a certificate was issued."""

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
    "kube_certificatesigningrequest_condition", "How many conditions say so.", STABLE, labels="condition"
)
def condition(request: CertificateSigningRequest) -> Rows:
    types = [condition.type for condition in request.status.conditions]
    return [(decision.lower(), types.count(decision)) for decision in DECISIONS]


@certificatesigningrequests.value(
    "kube_certificatesigningrequest_cert_length", "Bytes of the issued certificate, 0 before it is issued.", STABLE
)
def cert_length(request: CertificateSigningRequest) -> int:
    return len(request.status.certificate)
