"""Validating admission policies: parameters and failure policy."""

from ksm_shard.kinds import _admission
from ksm_shard.wire.messages.admissionregistration_v1_pb2 import ValidatingAdmissionPolicy

validatingadmissionpolicies = _admission.resource("validatingadmissionpolicies", ValidatingAdmissionPolicy)

_admission.policy(validatingadmissionpolicies, "kube_validatingadmissionpolicy", reinvocation=False)
