"""Validating admission policies: their parameters, and what happens when they fail."""

from ksm_shard.kinds import _admission
from ksm_shard.wire.messages.admissionregistration_v1_pb2 import ValidatingAdmissionPolicy

validatingadmissionpolicies = _admission.resource("validatingadmissionpolicies", ValidatingAdmissionPolicy)

_admission.policy(validatingadmissionpolicies, "kube_validatingadmissionpolicy", reinvocation=False)
